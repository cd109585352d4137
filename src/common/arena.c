#include "common/arena.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* Small requests share blocks of this size. A request larger than a quarter of it gets its own
 * mapping. */
#define BLOCK_BYTES ((size_t)256 * 1024)
#define ALIGNMENT ((size_t)64)

struct hap_arena_block {
        struct hap_arena_block *next;
        size_t size; /* of the mapping, this struct included */
        size_t used;
};

int hap_size_mul(size_t a, size_t b, size_t *product)
{
        return __builtin_mul_overflow(a, b, product) ? -1 : 0;
}

void hap_arena_init(struct hap_arena *arena)
{
        arena->blocks = NULL;
        arena->bytes = 0;
}

static struct hap_arena_block *block_new(size_t size)
{
        struct hap_arena_block *block;

        block = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED)
                return NULL;
        block->next = NULL;
        block->size = size;
        block->used = ALIGNMENT; /* sizeof(*block), rounded up */
        return block;
}

/* A large block is inserted after the first one, which stays open for small requests. */
static void block_add(struct hap_arena *arena, struct hap_arena_block *block)
{
        if (arena->blocks && block->size != BLOCK_BYTES) {
                block->next = arena->blocks->next;
                arena->blocks->next = block;
        } else {
                block->next = arena->blocks;
                arena->blocks = block;
        }
}

void *hap_arena_alloc(struct hap_arena *arena, size_t count, size_t size)
{
        struct hap_arena_block *block = arena->blocks;
        size_t bytes;
        void *memory;

        _Static_assert(sizeof(struct hap_arena_block) <= ALIGNMENT, "a block's header fits");
        if (hap_size_mul(count, size, &bytes) < 0 || bytes > SIZE_MAX / 2)
                return NULL;
        bytes = bytes ? (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1) : ALIGNMENT;
        if (bytes > BLOCK_BYTES / 4) {
                block = block_new(bytes + ALIGNMENT);
                if (!block)
                        return NULL;
                block_add(arena, block);
        } else if (!block || block->size - block->used < bytes) {
                block = block_new(BLOCK_BYTES);
                if (!block)
                        return NULL;
                block_add(arena, block);
        }
        memory = (char *)block + block->used;
        block->used += bytes;
        arena->bytes += bytes;
        return memory;
}

char *hap_arena_text(struct hap_arena *arena, const char *text, size_t length)
{
        char *copy = length < SIZE_MAX ? hap_arena_alloc(arena, length + 1, 1) : NULL;

        if (copy)
                memcpy(copy, text, length);
        return copy;
}

void hap_arena_release(struct hap_arena *arena)
{
        struct hap_arena_block *block = arena->blocks;

        while (block) {
                struct hap_arena_block *next = block->next;

                munmap(block, block->size);
                block = next;
        }
        hap_arena_init(arena);
}
