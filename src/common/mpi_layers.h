/* A model's layers over ranks (--layers-over-ranks): each rank holds the weights of some successive
 * layers, and every rank runs all jobs, of each its own layers. Meanwhile the threads that run the
 * same job on different ranks send each other messages. Without MPI, or with one rank, a process
 * holds all layers and these functions send nothing. */
#ifndef HAP_COMMON_MPI_LAYERS_H
#define HAP_COMMON_MPI_LAYERS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* From now on the ranks hold layers. HAP_EUSAGE: the MPI does not let threads take turns. */
int hap_mpi_divide_layers(struct hap_error *err);
/* Whether there are several ranks, and they hold layers. */
bool hap_mpi_layers_divided(void);
/* Ranks among which the jobs of a parallel region are shared out: 1 if all run every job. */
size_t hap_mpi_job_ranks(void);
/* The layers [*begin, *end) of n that a rank holds: n · rank / ranks and following. */
void hap_mpi_layers(int n, size_t rank, int *begin, int *end);
/* The most layers of n that a rank holds. */
int hap_mpi_most_layers(int n);

/* Memory of [n][size] values, where one row begins `stride` values after the other. */
struct hap_strided {
        float *at;
        size_t n, size, stride;
};

/* n values without gaps. */
static inline struct hap_strided hap_contiguous(float *at, size_t n)
{
        return (struct hap_strided){at, 1, n, n};
}

/* Sends values of a job to a rank, or receives as many. What lies between rows is not sent. For any
 * thread; messages of one job and one pair of ranks arrive in their order. HAP_ESYSTEM: this rank
 * has stopped. */
int hap_mpi_send(size_t rank, size_t job, const struct hap_strided *values, struct hap_error *err);
int hap_mpi_receive(size_t rank, size_t job, const struct hap_strided *values,
                    struct hap_error *err);

struct hap_piece;
/* parts: [ranks]. All ranks get the part of every rank. */
int hap_mpi_spread(size_t job, const struct hap_piece *parts, struct hap_error *err);

/* A job of this rank failed: what waits for messages gives up. The others then wait until this
 * rank's error ends them (hap_mpi_fail). */
void hap_mpi_stop(void);

#endif
