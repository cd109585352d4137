/* A zip archive of uncompressed members, written from its beginning to its end, so that it may go to
 * a pipe. Sizes beyond 4 GiB and more than 65,534 members are written as ZIP64
 * (PKWARE APPNOTE 6.3.10). */
#ifndef HAP_CONVERT_ZIP_OUT_H
#define HAP_CONVERT_ZIP_OUT_H

#include <stdio.h>

#include "common/byte_store.h"

struct hap_zip_out {
        FILE *out; /* borrowed */
        uint64_t at, members;
        struct hap_byte_store directory; /* its end, which lists the members */
};

void hap_zip_out_init(struct hap_zip_out *zip, FILE *out);
void hap_zip_out_release(struct hap_zip_out *zip);
/* Begins a member of this name (ASCII, at most 255 bytes), whose `size` bytes have this CRC-32. The
 * caller writes them to zip->out before anything else. */
int hap_zip_out_member(struct hap_zip_out *zip, const char *name, uint32_t crc, uint64_t size,
                   struct hap_error *err);
/* Writes the list of members. */
int hap_zip_out_end(struct hap_zip_out *zip, struct hap_error *err);

#endif
