#include "forward/parallel.h"

#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mpi_layers.h"
#include "forward/blas_kernel.h"
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

size_t hap_parallel_width(void)
{
        return (size_t)omp_get_max_threads() * hap_mpi_job_ranks();
}

/* Before the first jobs: other kernels sum in another order. */
static int check_ranks(const struct hap_engine *engine, struct hap_error *err)
{
        const struct hap_blas_kernel kernel = hap_blas_kernel();

        if (engine->pool->n > 0)
                return HAP_OK;
        return hap_mpi_same("processor", kernel.name ? kernel.name : "", err);
}

/* Runs the jobs first, first + step, … on all threads. Returns the lowest one that failed, with
 * its error in *err, or SIZE_MAX. */
static size_t run_jobs(const struct hap_engine *engine, size_t first, size_t step, size_t n_jobs,
                       int (*job)(void *context, struct hap_scratch *scratch, size_t i),
                       void *context, struct hap_error *err)
{
        size_t failed = SIZE_MAX;

/* In their order: ranks that hold layers wait for the lowest job of all. */
#pragma omp parallel for schedule(monotonic : dynamic, 1) num_threads(omp_get_max_threads())
        for (size_t i = first; i < n_jobs; i += step) {
                struct hap_scratch *scratch = &engine->pool->scratch[omp_get_thread_num()];
                int rc;

                scratch->used = 0;
                scratch->error.code = 0;
                scratch->job = i;
                scratch->interrupted = false;
                rc = job(context, scratch, i);
                if (rc < 0) {
                        /* that another job failed is not why this rank ends */
                        const size_t order = scratch->interrupted ? n_jobs : i;

                        hap_mpi_stop();
#pragma omp critical(hap_parallel_failed)
                        if (order < failed) {
                                failed = order;
                                *err = scratch->error;
                                err->code = rc;
                        }
                }
        }
        return failed;
}

int hap_parallel(const struct hap_engine *engine, size_t n_jobs,
                 int (*job)(void *context, struct hap_scratch *scratch, size_t i),
                 hap_job_piece *piece, void *context, struct hap_error *err)
{
        const int threads = omp_get_max_threads();
        size_t failed;

        if (check_ranks(engine, err) < 0 || pool_reserve(engine, threads, err) < 0 ||
            hap_blas_reserve(threads, err) < 0)
                return err->code;
        if (!piece || hap_mpi_layers_divided()) {
                failed = run_jobs(engine, 0, 1, n_jobs, job, context, err);
                return failed == SIZE_MAX ? HAP_OK : err->code;
        }
        failed = run_jobs(engine, hap_mpi_rank(), hap_mpi_ranks(), n_jobs, job, context, err);
        return hap_mpi_exchange(n_jobs, piece, context, failed, err);
}
