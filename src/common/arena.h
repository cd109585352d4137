/* Memory that is given back all at once: one arena per family of objects. */
#ifndef HAP_COMMON_ARENA_H
#define HAP_COMMON_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct hap_arena {
        struct hap_arena_block *blocks;
        size_t bytes; /* requested so far */
        bool in_file; /* what exceeds the first MiB is in temporary files */
};

void hap_arena_init(struct hap_arena *arena);
/* An arena that may become larger than memory: what exceeds the first MiB is in temporary files
 * (common/temporary.h), which are mapped, so that addresses stay valid. Without space there, it
 * is in memory. */
void hap_arena_init_in_file(struct hap_arena *arena);
/* The files' pages no longer count as resident; reading them again brings them back. */
void hap_arena_forget(const struct hap_arena *arena);

/* `count` zeroed objects of `size` bytes, aligned to 64 bytes, or NULL when
 * memory is short or count * size overflows. Large requests come straight
 * from mmap, so zeroing costs nothing until the pages are touched. */
void *hap_arena_alloc(struct hap_arena *arena, size_t count, size_t size);

/* A copy of `length` bytes of text followed by a NUL, or NULL. */
char *hap_arena_text(struct hap_arena *arena, const char *text, size_t length);

/* Frees everything that came from the arena; the arena may be used again. */
void hap_arena_release(struct hap_arena *arena);

/* a * b in *product, or -1 when it overflows. */
int hap_size_mul(size_t a, size_t b, size_t *product);

#endif
