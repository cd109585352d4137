/* Jobs on all threads, each thread with its own scratch. */
#ifndef HAP_FORWARD_PARALLEL_H
#define HAP_FORWARD_PARALLEL_H

#include <stddef.h>

#include "common/error.h"
#include "forward/engine.h"
#include "forward/scratch.h"

/* Runs job(context, scratch, i) for i < n_jobs on all threads. Every thread has a
 * scratch, emptied before each job. The result does not depend on which thread
 * runs which job. When jobs fail, the code and message of the failed job with the lowest
 * number are returned. The scratch stays mapped until the engine is released. Calls for
 * one engine must not overlap. */
int hap_parallel(const struct hap_engine *engine, size_t n_jobs,
                 int (*job)(void *context, struct hap_scratch *scratch, size_t i),
                 void *context, struct hap_error *err);

/* The threads' scratch, kept between calls; NULL when memory is short. */
struct hap_pool *hap_pool_new(void);
void hap_pool_free(struct hap_pool *pool); /* NULL is allowed */

#endif
