#include "data/shard.h"

#include <stdio.h>
#include <string.h>

#include "common/digest.h"
#include "data/batches.h"

int hap_shard_parse(const char *text, struct hap_shard *shard, struct hap_error *err)
{
        int end = 0;

        *shard = (struct hap_shard){0};
        if (strspn(text, "0123456789/") != strlen(text) || strlen(text) > 13 ||
            /* NOLINTNEXTLINE(cert-err34-c): 13 digits at most fit */
            sscanf(text, "%zu/%zu%n", &shard->number, &shard->of, &end) != 2 ||
            text[end] != '\0' || shard->number < 1 || shard->number > shard->of ||
            shard->of > HAP_MAX_SHARDS)
                return hap_fail(err, HAP_EUSAGE, "--shard %.40s: give I/N, shard I of N, with "
                                "1 <= I <= N <= %d", text, HAP_MAX_SHARDS);
        return HAP_OK;
}

/* The batches of the records; none if a record has no token ids. */
static int batches_of(const json_t *records, struct hap_batches *batches, struct hap_error *err)
{
        const json_t *record;
        size_t i;
        int rc;

        *batches = (struct hap_batches){0};
        json_array_foreach((json_t *)records, i, record) {
                const json_t *clean = json_object_get(record, "clean");
                const struct hap_example example = {.n_tokens = (int)json_array_size(clean)};

                if (!json_is_array(clean)) {
                        hap_batches_release(batches);
                        return HAP_OK;
                }
                if ((rc = hap_batches_add(batches, &example, 0, err)) < 0) {
                        hap_batches_release(batches);
                        return rc;
                }
        }
        return HAP_OK;
}

int hap_shard_cut(const struct hap_shard *shard, const json_t *records, size_t *begin,
                  size_t *end, struct hap_error *err)
{
        const size_t n = json_array_size(records), i = shard->number, of = shard->of;
        struct hap_batches batches;
        int rc;

        if (n < of)
                return hap_fail(err, HAP_EUSAGE, "%zu prompts cannot be cut into %zu shards", n, of);
        if ((rc = batches_of(records, &batches, err)) < 0)
                return rc;
        *begin = n * (i - 1) / of;
        *end = n * i / of;
        if (batches.n >= of) {
                *begin = batches.start[batches.n * (i - 1) / of];
                *end = batches.start[batches.n * i / of];
        }
        hap_batches_release(&batches);
        return HAP_OK;
}

json_t *hap_shard_describe(const struct hap_shard *shard, uint64_t digest)
{
        char text[HAP_DIGEST_TEXT];

        hap_digest_text(digest, text);
        return json_pack("{s:I, s:I, s:I, s:I, s:s}", "number", (json_int_t)shard->number, "of",
                         (json_int_t)shard->of, "first", (json_int_t)shard->first, "examples",
                         (json_int_t)shard->examples, "digest", text);
}

static int read_count(const json_t *from, const char *key, size_t *to)
{
        const json_t *value = json_object_get(from, key);

        if (!json_is_integer(value) || json_integer_value(value) < 0)
                return -1;
        *to = (size_t)json_integer_value(value);
        return 0;
}

int hap_shard_of_header(const json_t *header, struct hap_shard *shard, struct hap_error *err)
{
        const json_t *about = json_object_get(json_object_get(header, "task"), "shard");

        *shard = (struct hap_shard){0};
        if (!about)
                return HAP_OK;
        shard->digest = json_string_value(json_object_get(about, "digest"));
        if (read_count(about, "number", &shard->number) < 0 ||
            read_count(about, "of", &shard->of) < 0 ||
            read_count(about, "first", &shard->first) < 0 ||
            read_count(about, "examples", &shard->examples) < 0 || !shard->digest ||
            shard->number < 1 || shard->number > shard->of || shard->of > HAP_MAX_SHARDS ||
            shard->first >= shard->examples)
                return hap_fail(err, HAP_EINPUT, "'shard' of its task is not number, of, first, "
                                "examples and digest of a shard");
        return HAP_OK;
}
