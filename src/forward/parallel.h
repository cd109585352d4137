/* Jobs on all threads, each thread with its own scratch, and on all ranks of MPI. */
#ifndef HAP_FORWARD_PARALLEL_H
#define HAP_FORWARD_PARALLEL_H

#include <stddef.h>

#include "common/error.h"
#include "common/mpi.h"
#include "forward/engine.h"
#include "forward/scratch.h"

/* Runs job(context, scratch, i) for i < n_jobs on all threads. Every thread has a
 * scratch, emptied before each job. The result does not depend on which thread
 * runs which job. When jobs fail, the code and message of the failed job with the lowest
 * number are returned. The scratch stays mapped until the engine is released. Calls for
 * one engine must not overlap.
 *
 * With several ranks (common/mpi.h) each runs some of the jobs. `piece` names the memory that a
 * job writes and that is read later: afterwards it is the same on every rank, and what a job
 * wrote elsewhere is lost on the others. NULL: every rank runs all jobs. If ranks hold layers
 * (common/mpi_layers.h), all run all jobs, and exchange what they need meanwhile (relay.h). */
int hap_parallel(const struct hap_engine *engine, size_t n_jobs,
                 int (*job)(void *context, struct hap_scratch *scratch, size_t i),
                 hap_job_piece *piece, void *context, struct hap_error *err);

/* The number of jobs that run at once, on all threads of all ranks. */
size_t hap_parallel_width(void);

/* The threads' scratch, kept between calls; NULL when memory is short. */
struct hap_pool *hap_pool_new(void);
void hap_pool_free(struct hap_pool *pool); /* NULL is allowed */

#endif
