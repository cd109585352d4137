#include "forward/parallel.h"

#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "forward/blas_memory.h"

/* The scratch of an engine's threads, kept between calls. */
struct hap_pool {
        int n;
        struct hap_scratch *scratch;
};

/* Scratch for every thread. */
static int pool_reserve(const struct hap_engine *engine, int threads, struct hap_error *err)
{
        struct hap_pool *pool = engine->pool;
        struct hap_scratch *more;

        if (pool->n >= threads)
                return HAP_OK;
        more = reallocarray(pool->scratch, (size_t)threads, sizeof *more);
        if (!more)
                return hap_fail_memory(err, "the threads' scratch");
        pool->scratch = more;
        while (pool->n < threads)
                hap_scratch_init(&pool->scratch[pool->n++], engine);
        return HAP_OK;
}

struct hap_pool *hap_pool_new(void)
{
        return calloc(1, sizeof(struct hap_pool));
}

void hap_pool_free(struct hap_pool *pool)
{
        for (int i = 0; pool != NULL && i < pool->n; i++)
                hap_scratch_release(&pool->scratch[i]);
        if (pool != NULL)
                free(pool->scratch);
        free(pool);
}

int hap_parallel(const struct hap_engine *engine, size_t n_jobs,
                 int (*job)(void *context, struct hap_scratch *scratch, size_t i),
                 void *context, struct hap_error *err)
{
        const int threads = omp_get_max_threads();
        size_t failed = SIZE_MAX;
        struct hap_error first = {0};

        if (pool_reserve(engine, threads, err) < 0 || hap_blas_reserve(threads, err) < 0)
                return err->code;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
        for (size_t i = 0; i < n_jobs; i++) {
                struct hap_scratch *scratch = &engine->pool->scratch[omp_get_thread_num()];
                int rc;

                scratch->used = 0;
                scratch->error.code = 0;
                rc = job(context, scratch, i);
                if (rc < 0) {
#pragma omp critical(hap_parallel_failed)
                        if (i < failed) {
                                failed = i;
                                first = scratch->error;
                                first.code = rc;
                        }
                }
        }
        if (failed == SIZE_MAX)
                return HAP_OK;
        *err = first;
        return err->code;
}
