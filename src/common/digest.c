#include "common/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

int hap_digests_init(struct hap_digests *digests, struct hap_error *err)
{
        *digests = (struct hap_digests){.state = XXH3_createState()};
        return digests->state ? HAP_OK : hap_fail_memory(err, "a digest");
}

void hap_digests_release(struct hap_digests *digests)
{
        XXH3_freeState(digests->state);
        free(digests->ended);
        *digests = (struct hap_digests){0};
}

int hap_digests_begin(struct hap_digests *digests, struct hap_error *err)
{
        if ((digests->n & (digests->n + 1)) == 0) { /* full at 0, 1, 3, 7 … */
                uint64_t *more = reallocarray(digests->ended, 2 * digests->n + 1, sizeof *more);

                if (!more)
                        return hap_fail_memory(err, "digests");
                digests->ended = more;
        }
        digests->ended[digests->n++] = 0;
        digests->in_section = true;
        XXH3_64bits_reset(digests->state);
        return HAP_OK;
}

void hap_digests_add(struct hap_digests *digests, const void *data, size_t n)
{
        XXH3_64bits_update(digests->state, data, n);
}

uint64_t hap_digests_end(struct hap_digests *digests)
{
        digests->in_section = false;
        return digests->ended[digests->n - 1] = XXH3_64bits_digest(digests->state);
}

void hap_digest_text(uint64_t digest, char text[HAP_DIGEST_TEXT])
{
        snprintf(text, HAP_DIGEST_TEXT, "%016" PRIx64, digest);
}

bool hap_digests_text(const struct hap_digests *digests, size_t section,
                      char text[HAP_DIGEST_TEXT])
{
        if (section == 0 || section > digests->n ||
            (section == digests->n && digests->in_section))
                return false;
        hap_digest_text(digests->ended[section - 1], text);
        return true;
}
