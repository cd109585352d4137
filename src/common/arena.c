#include "common/arena.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/temporary.h"

/* Small requests share blocks of this size. A request larger than a quarter of it gets its own
 * mapping. */
#define BLOCK_BYTES ((size_t)256 * 1024)
#define ALIGNMENT ((size_t)64)
/* In a file blocks are larger, so that there are few. */
#define FILE_BLOCK_BYTES ((size_t)4 << 20)
#define BEFORE_FILE ((size_t)1 << 20)

struct hap_arena_block {
        struct hap_arena_block *next;
        size_t size; /* of the mapping, this struct included */
        size_t used;
        bool in_file;
};

int hap_size_mul(size_t a, size_t b, size_t *product)
{
        return __builtin_mul_overflow(a, b, product) ? -1 : 0;
}

void hap_arena_init(struct hap_arena *arena)
{
        *arena = (struct hap_arena){0};
}

void hap_arena_init_in_file(struct hap_arena *arena)
{
        *arena = (struct hap_arena){.in_file = true};
}

/* A mapping of a file whose space is reserved: a write to it cannot fail. */
static void *map_file(size_t size)
{
        struct hap_error ignored;
        void *mapping = MAP_FAILED;
        int fd;

        if (hap_temporary_open(&fd, &ignored) < 0)
                return MAP_FAILED;
        if (posix_fallocate(fd, 0, (off_t)size) == 0)
                mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        return mapping;
}

static struct hap_arena_block *block_new(struct hap_arena *arena, size_t size)
{
        const bool file = arena->in_file && arena->bytes > BEFORE_FILE && size == BLOCK_BYTES;
        struct hap_arena_block *block = file ? map_file(FILE_BLOCK_BYTES) : MAP_FAILED;
        const bool in_file = block != MAP_FAILED;

        arena->in_file &= !file || in_file; /* without space it is not tried again */
        if (in_file)
                size = FILE_BLOCK_BYTES;
        else
                block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED)
                return NULL;
        *block = (struct hap_arena_block){.size = size, .used = ALIGNMENT, .in_file = in_file};
        return block;
}

/* A large block is inserted after the first one, which stays open for small requests. */
static void block_add(struct hap_arena *arena, struct hap_arena_block *block)
{
        if (arena->blocks && block->size != BLOCK_BYTES && !block->in_file) {
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
                block = block_new(arena, bytes + ALIGNMENT);
                if (!block)
                        return NULL;
                block_add(arena, block);
        } else if (!block || block->size - block->used < bytes) {
                block = block_new(arena, BLOCK_BYTES);
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

/* A block that is left is read no more: its header is one of the pages. */
void hap_arena_forget(const struct hap_arena *arena)
{
        for (struct hap_arena_block *block = arena->blocks, *next; block; block = next) {
                next = block->next;
                if (block->in_file)
                        madvise(block, block->size, MADV_DONTNEED);
        }
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
