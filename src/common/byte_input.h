/* The bytes of one input, decompressed, a window at a time. Inside the
 * library only: programs read through stream.h. */
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
        char *name; /* as messages call it */
        int fd;     /* -1: memory */
        bool mapped;
        const unsigned char *map; /* the whole input, when mapped or memory */
        size_t map_size, map_at;
        size_t dropped; /* bytes of the map whose pages were given back */

        const unsigned char *data; /* the window: what is next */
        size_t ready;              /* how many bytes of it are there */
        bool ended;                /* nothing comes behind the window */
        bool cut;                  /* ended within a gzip member */
        bool direct;               /* the window lies in the map */

        struct hap_bytes out; /* the window's memory, when not direct */
        struct hap_bytes raw; /* compressed bytes, read but not yet used */
        bool inflating;
        z_stream z;
};

/* `path` "-" is standard input. A plain regular file is mapped. */
int hap_byte_input_open(struct hap_byte_input *input, const char *path, struct hap_error *err);
/* Bytes that the caller keeps alive. */
int hap_byte_input_memory(struct hap_byte_input *input, const char *name, const void *data,
                      size_t n, struct hap_error *err);
void hap_byte_input_close(struct hap_byte_input *input);

/* Makes `ready` at least n unless the input ends before. Memory grows with the
 * bytes that came, not with n. The window may move. */
int hap_byte_input_fill(struct hap_byte_input *input, size_t n, struct hap_error *err);
static inline int hap_byte_input_need(struct hap_byte_input *input, size_t n, struct hap_error *err)
{
        return input->ready >= n || input->ended ? 0 : hap_byte_input_fill(input, n, err);
}
/* n bytes of the window are done with. */
void hap_byte_input_skip(struct hap_byte_input *input, size_t n);

/* To be called where gzip data may begin: at the start and between sections. */
int hap_byte_input_detect(struct hap_byte_input *input, struct hap_error *err);

#endif
