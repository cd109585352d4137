/* Digests of records: XXH3-64 over the bytes of all records of a section, without its header and
 * its trailer. They tell apart what accidents and mistakes have made different; they are no
 * protection against intent. */
#ifndef HAP_COMMON_DIGEST_H
#define HAP_COMMON_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define HAP_DIGEST_TEXT 17 /* 16 hexadecimal digits and a NUL */

/* The digests of the sections of a stream, the last of which may be incomplete. */
struct hap_digests {
        void *state;      /* of the last section */
        uint64_t *ended;  /* [n], owned */
        size_t n;         /* sections begun */
        bool in_section;
};

int hap_digests_init(struct hap_digests *digests, struct hap_error *err);
void hap_digests_release(struct hap_digests *digests);
/* The next section; then its records, in pieces of any size; then its digest. */
int hap_digests_begin(struct hap_digests *digests, struct hap_error *err);
void hap_digests_add(struct hap_digests *digests, const void *data, size_t n);
uint64_t hap_digests_end(struct hap_digests *digests);

void hap_digest_text(uint64_t digest, char text[HAP_DIGEST_TEXT]);
/* Of section number `section`, from 1; false if it is not known. */
bool hap_digests_text(const struct hap_digests *digests, size_t section,
                      char text[HAP_DIGEST_TEXT]);

#endif
