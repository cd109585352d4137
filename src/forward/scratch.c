#include "forward/scratch.h"

#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "forward/parallel.h"

int hap_scratch_init(struct hap_scratch *work, const struct hap_engine *engine,
                  size_t bytes, struct hap_error *err)
{
        void *base;

        bytes = (bytes + 4095) & ~(size_t)4095;
        base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        *work = (struct hap_scratch){.engine = engine};
        if (base == MAP_FAILED)
                return hap_fail_memory(err, "a thread's scratch");
        madvise(base, bytes, MADV_HUGEPAGE); /* a hint: it may be refused */
        work->base = base;
        work->size = bytes;
        return HAP_OK;
}

void hap_scratch_release(struct hap_scratch *work)
{
        if (work->base != NULL)
                munmap(work->base, work->size);
        work->base = NULL;
}

void *hap_scratch_alloc(struct hap_scratch *work, size_t count, size_t size)
{
        const size_t room = work->size - work->used;
        void *memory = work->base + work->used;
        size_t bytes;

        if (hap_size_mul(count, size, &bytes) < 0 || bytes > room - 64) {
                hap_fail(&work->error, HAP_ESYSTEM,
                         "a run needs more scratch than the %zu bytes reserved", work->size);
                return NULL;
        }
        work->used += (bytes + 63) & ~(size_t)63;
        work->peak = work->used > work->peak ? work->used : work->peak;
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

/* The threads' scratch of one engine: faulting pages in again for every step
 * would cost as much as some layers. */
struct hap_pool {
        int n;
        struct hap_scratch *works;
};

/* A work of at least `bytes` for every thread. */
static int pool_reserve(const struct hap_engine *engine, int threads, size_t bytes,
                        struct hap_error *err)
{
        struct hap_pool *pool = engine->pool;

        if (pool->n < threads) {
                struct hap_scratch *more = realloc(pool->works, (size_t)threads * sizeof(*more));

                if (more == NULL)
                        return hap_fail_memory(err, "the threads' scratch");
                memset(more + pool->n, 0, (size_t)(threads - pool->n) * sizeof(*more));
                pool->works = more;
                pool->n = threads;
        }
        for (int i = 0; i < threads; i++) {
                if (pool->works[i].base != NULL && pool->works[i].size >= bytes)
                        continue;
                hap_scratch_release(&pool->works[i]);
                if (hap_scratch_init(&pool->works[i], engine, bytes, err) < 0)
                        return err->code;
        }
        return HAP_OK;
}

struct hap_pool *hap_pool_new(void)
{
        return calloc(1, sizeof(struct hap_pool));
}

void hap_pool_free(struct hap_pool *pool)
{
        for (int i = 0; pool != NULL && i < pool->n; i++)
                hap_scratch_release(&pool->works[i]);
        if (pool != NULL)
                free(pool->works);
        free(pool);
}

int hap_parallel(const struct hap_engine *engine, size_t n_jobs, size_t bytes,
                 int (*job)(void *context, struct hap_scratch *work, size_t i),
                 void *context, struct hap_error *err)
{
        const int threads = omp_get_max_threads();
        size_t failed = SIZE_MAX;
        struct hap_error first = {0};

        if (pool_reserve(engine, threads, bytes, err) < 0)
                return err->code;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
        for (size_t i = 0; i < n_jobs; i++) {
                struct hap_scratch *work = &engine->pool->works[omp_get_thread_num()];
                int rc;

                work->used = 0;
                work->error.code = 0;
                rc = job(context, work, i);
                if (rc < 0) {
#pragma omp critical(hap_parallel_failed)
                        if (i < failed) {
                                failed = i;
                                first = work->error;
                                first.code = rc;
                        }
                }
        }
        if (failed == SIZE_MAX)
                return HAP_OK;
        *err = first;
        return err->code;
}
