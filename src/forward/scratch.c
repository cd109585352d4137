#include "forward/scratch.h"

#include <stdint.h>
#include <sys/mman.h>

#include "common/number.h"
#include "forward/panel.h"

#define FIRST_BLOCK ((size_t)4 << 20)
#define PAGE ((size_t)4096)

void hap_scratch_init(struct hap_scratch *scratch, const struct hap_engine *engine)
{
        *scratch = (struct hap_scratch){.engine = engine, .rules = &hap_rules_derivative};
}

static void unmap(struct hap_scratch *scratch, int from)
{
        while (scratch->n_blocks > from) {
                const struct hap_scratch_block *block = &scratch->blocks[--scratch->n_blocks];

                munmap(block->base, block->size);
        }
}

void hap_scratch_release(struct hap_scratch *scratch)
{
        if (scratch->panel)
                munmap(scratch->panel, hap_panel_bytes(scratch->engine->model));
        scratch->panel = NULL;
        unmap(scratch, 0);
        scratch->used = 0;
        scratch->current = 0;
}

/* Maps another block with at least `bytes`, as large as all before it. */
static bool map_block(struct hap_scratch *scratch, size_t bytes)
{
        size_t size = FIRST_BLOCK;
        void *base;

        for (int i = 0; i < scratch->n_blocks; i++)
                size += scratch->blocks[i].size;
        if (bytes > SIZE_MAX - PAGE || scratch->n_blocks == HAP_SCRATCH_BLOCKS)
                return false;
        size = hap_max(size, (bytes + PAGE - 1) / PAGE * PAGE);
        base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED)
                return false;
        if (!scratch->counting)
                madvise(base, size, MADV_HUGEPAGE); /* a hint: it may be refused */
        scratch->blocks[scratch->n_blocks++] =
                (struct hap_scratch_block){.base = base, .size = size};
        return true;
}

/* Moves to the block after the current one; it replaces those that are too small. */
static bool next_block(struct hap_scratch *scratch, size_t bytes)
{
        const int next = scratch->n_blocks ? scratch->current + 1 : 0;

        if (next < scratch->n_blocks && scratch->blocks[next].size < bytes)
                unmap(scratch, next);
        if (next == scratch->n_blocks && !map_block(scratch, bytes))
                return false;
        scratch->current = next;
        scratch->blocks[next].start = scratch->used;
        return true;
}

/* Products run after a run's first allocation: by then their panel exists. */
static bool map_panel(struct hap_scratch *scratch)
{
        const size_t bytes = scratch->engine ? hap_panel_bytes(scratch->engine->model) : 0;
        void *base;

        if (scratch->panel || bytes == 0)
                return true;
        base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED)
                return false;
        madvise(base, bytes, MADV_HUGEPAGE);
        scratch->panel = base;
        return true;
}

void *hap_scratch_alloc(struct hap_scratch *scratch, size_t count, size_t size)
{
        const struct hap_scratch_block *block;
        size_t bytes;
        bool fits;

        while (scratch->current > 0 && scratch->used <= scratch->blocks[scratch->current].start)
                scratch->current--;
        block = &scratch->blocks[scratch->current];
        fits = hap_size_mul(count, size, &bytes) == 0 && bytes <= SIZE_MAX - 64 &&
               (scratch->counting || map_panel(scratch));
        bytes = (bytes + 63) & ~(size_t)63;
        if (fits && (scratch->n_blocks == 0 ||
                     bytes > block->size - (scratch->used - block->start)))
                fits = next_block(scratch, bytes);
        if (!fits) {
                hap_fail_memory(&scratch->error, "a run's scratch");
                return NULL;
        }
        block = &scratch->blocks[scratch->current];
        scratch->used += bytes;
        scratch->peak = hap_max(scratch->peak, scratch->used);
        return block->base + (scratch->used - bytes - block->start);
}
