#include "forward/scratch.h"

#include <stdint.h>
#include <sys/mman.h>

static int reserve(struct hap_scratch *scratch, const struct hap_engine *engine, size_t bytes,
                   struct hap_error *err)
{
        void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        *scratch = (struct hap_scratch){.engine = engine};
        if (base == MAP_FAILED)
                return hap_fail_memory(err, "a thread's scratch");
        scratch->base = base;
        scratch->size = bytes;
        return HAP_OK;
}

int hap_scratch_init(struct hap_scratch *scratch, const struct hap_engine *engine,
                     size_t bytes, struct hap_error *err)
{
        bytes = (bytes + 4095) & ~(size_t)4095;
        if (reserve(scratch, engine, bytes, err) < 0)
                return err->code;
        madvise(scratch->base, bytes, MADV_HUGEPAGE); /* a hint: it may be refused */
        return HAP_OK;
}

int hap_scratch_init_counting(struct hap_scratch *scratch, const struct hap_engine *engine,
                              struct hap_error *err)
{
        int rc = HAP_OK;

        /* Only addresses are needed: pages that nobody touches are not in memory. */
        for (int bits = 44; bits >= 32; bits -= 4)
                if ((rc = reserve(scratch, engine, (size_t)1 << bits, err)) == HAP_OK)
                        break;
        scratch->counting = true;
        return rc;
}

void hap_scratch_release(struct hap_scratch *scratch)
{
        if (scratch->base != NULL)
                munmap(scratch->base, scratch->size);
        scratch->base = NULL;
}

void *hap_scratch_alloc(struct hap_scratch *scratch, size_t count, size_t size)
{
        const size_t room = scratch->size - scratch->used;
        void *memory = scratch->base + scratch->used;
        size_t bytes;

        if (hap_size_mul(count, size, &bytes) < 0 || bytes > room - 64) {
                hap_fail(&scratch->error, HAP_ESYSTEM,
                         "a run needs more scratch than the %zu bytes reserved", scratch->size);
                return NULL;
        }
        scratch->used += (bytes + 63) & ~(size_t)63;
        scratch->peak = scratch->used > scratch->peak ? scratch->used : scratch->peak;
        return memory;
}

size_t hap_scratch_bytes(const struct hap_engine *engine, size_t rows, size_t longest,
                      size_t answers, bool masked, bool gradients)
{
        const struct hap_config *c = &engine->model->config;
        const size_t d = (size_t)c->d_model, heads = (size_t)(c->n_heads * c->d_head);
        const size_t group = 3 * (size_t)c->n_heads + 1;
        const size_t kept = gradients || !masked ? (size_t)c->n_layers : 1;
        size_t layer = 2 * d + 10 * heads + 2 * (size_t)c->n_heads * longest +
                       3 * (size_t)c->d_mlp + 8 * group + 64;
        size_t floats;

        if (masked)
                layer += group * d;
        floats = rows * layer * kept;
        floats += rows * (8 * d + 6 * heads + 6 * (size_t)c->d_mlp); /* passing */
        if (masked)
                floats += 2 * ((size_t)engine->graph.n_writers + 2 + group) * d * (rows + answers);
        floats += answers * (4 * (size_t)c->n_out + 8 * d);
        return floats * sizeof(float) + 64 * (size_t)engine->graph.n_edges + (16 << 20);
}
