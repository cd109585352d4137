/* Bytes that are written once and read several times: up to 1 MiB is in memory, more goes to a
 * temporary file (common/temporary.h). */
#ifndef HAP_COMMON_BYTE_STORE_H
#define HAP_COMMON_BYTE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct hap_byte_store {
        char *added;      /* the last bytes, not yet in the file; owned */
        size_t n_added;
        int fd;           /* of the file; used if in_file > 0 */
        uint64_t in_file; /* bytes */
        uint64_t at;      /* where the next byte is read */
        char *window;     /* bytes of the file from window_at on; owned */
        uint64_t window_at;
        size_t n_window;
};

/* A store of zeros is empty. Releasing it twice is allowed. */
void hap_byte_store_release(struct hap_byte_store *store);
/* HAP_ESYSTEM: no memory, or no space in the folder of temporary files. */
int hap_byte_store_add(struct hap_byte_store *store, const void *data, size_t n,
                       struct hap_error *err);
uint64_t hap_byte_store_size(const struct hap_byte_store *store);
/* Reading continues at this byte, from 0. */
void hap_byte_store_seek(struct hap_byte_store *store, uint64_t at);
/* Reads the next n bytes, which must be there. */
int hap_byte_store_take(struct hap_byte_store *store, void *data, size_t n, struct hap_error *err);

#endif
