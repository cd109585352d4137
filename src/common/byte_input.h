/* The decompressed bytes of one input, a window at a time. Used within the library only:
 * programs read streams through stream.h. */
#ifndef HAP_COMMON_BYTE_INPUT_H
#define HAP_COMMON_BYTE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

#include "common/error.h"

struct hap_bytes {
        unsigned char *at;
        size_t begin, end, size;
};

struct hap_byte_input {
        char *name; /* for messages */
        int fd;     /* -1: memory */
        bool mapped;
        const unsigned char *map; /* the whole input, when mapped or memory */
        size_t map_size, map_at;
        size_t dropped; /* bytes of the map whose pages were given back */

        const unsigned char *data; /* the window: the next bytes */
        size_t ready;              /* bytes in the window */
        bool ended;                /* the window ends the input */
        bool cut;                  /* ended within a gzip member */
        bool direct;               /* the window is in the map */

        struct hap_bytes out; /* the window's memory, when not direct */
        struct hap_bytes raw; /* compressed bytes that are read but not yet used */
        bool inflating;
        z_stream z;
};

/* `path` "-" is standard input. A plain regular file is mapped. */
int hap_byte_input_open(struct hap_byte_input *input, const char *path, struct hap_error *err);
/* Reads bytes in memory, which must live as long as the input. */
int hap_byte_input_memory(struct hap_byte_input *input, const char *name, const void *data,
                          size_t n, struct hap_error *err);
void hap_byte_input_close(struct hap_byte_input *input);

/* Makes `ready` at least n, unless the input ends first. Memory grows with the bytes
 * that arrive, not with n. The window may move. */
int hap_byte_input_fill(struct hap_byte_input *input, size_t n, struct hap_error *err);
static inline int hap_byte_input_need(struct hap_byte_input *input, size_t n, struct hap_error *err)
{
        return input->ready >= n || input->ended ? 0 : hap_byte_input_fill(input, n, err);
}
/* Drops the first n bytes of the window. */
void hap_byte_input_skip(struct hap_byte_input *input, size_t n);

/* The pages of a mapped file no longer count as resident; reading them again brings them back. */
void hap_byte_input_forget(struct hap_byte_input *input);

/* Call this where gzip data may begin: at the start and between sections. */
int hap_byte_input_detect(struct hap_byte_input *input, struct hap_error *err);

#endif
