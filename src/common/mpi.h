/* One program as several processes, the ranks of MPI: `mpirun -n R hap-prune ...`. Only a build
 * with MPI=1 has more than one; everywhere else these functions do nothing and cost nothing.
 *
 * All ranks run the same program on the same input, so all of them have the same state at every
 * step. They differ in two things. The jobs of a parallel region are shared out, and their results
 * are exchanged, so that every rank has all of them (hap_mpi_exchange). And only rank 0 reads
 * standard input, writes files and standard output, and prints messages.
 *
 * All functions that exchange something must be called by all ranks in the same order, on the
 * thread that called hap_mpi_begin. They return a negative code when another rank has failed: the
 * error is that rank's, with its number. After that, every such call returns the same error. */
#ifndef HAP_COMMON_MPI_H
#define HAP_COMMON_MPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

/* Joins the other ranks if mpirun or srun started more than one. On ranks other than 0, standard
 * output becomes /dev/null. At exit, a rank waits for the others. */
void hap_mpi_begin(void);

/* The number of ranks; 1 without MPI. */
size_t hap_mpi_ranks(void);
/* This one's number. */
size_t hap_mpi_rank(void);
/* Processors that this rank may use: those that it and the others on this machine may use,
 * divided among them; at most `allowed`. */
int hap_mpi_processors(int allowed);
/* This rank's part of the machine's memory, in bytes; the least of all ranks. */
size_t hap_mpi_memory(void);

/* Whether this is rank 0: the one that writes. */
static inline bool hap_mpi_writes(void)
{
        return hap_mpi_rank() == 0;
}
/* A file to write: `path` on rank 0, /dev/null on the others. */
static inline const char *hap_mpi_output(const char *path)
{
        return hap_mpi_writes() ? path : "/dev/null";
}

/* read(2) by rank 0 alone: all ranks get the same bytes, and the same result in *got, with errno
 * where it is −1. */
int hap_mpi_read(int fd, void *data, size_t n, ssize_t *got, struct hap_error *err);
/* All ranks get rank 0's n bytes. */
int hap_mpi_share(void *data, size_t n, struct hap_error *err);
/* All ranks get rank 0's value, the least or the largest value. */
int hap_mpi_first(int64_t *value, struct hap_error *err);
int hap_mpi_least(int64_t *value, struct hap_error *err);
int hap_mpi_largest(int64_t *value, struct hap_error *err);
/* HAP_EINPUT unless all ranks have the same text; of `what`, such as "model". */
int hap_mpi_same(const char *what, const char *text, struct hap_error *err);

/* Memory that a job writes. */
struct hap_piece {
        void *at;
        size_t bytes;
};

/* The k-th piece of job `job`: false if there are fewer pieces. */
typedef bool hap_job_piece(const void *context, size_t job, size_t k, struct hap_piece *piece);

/* Job i of n was run by rank i mod R. All ranks get the pieces of all jobs. `failed` is the lowest
 * of this rank's jobs that failed, with its error in *err, or SIZE_MAX; the error of the lowest of
 * all is returned on every rank. */
int hap_mpi_exchange(size_t n, hap_job_piece *piece, const void *context, size_t failed,
                     struct hap_error *err);

/* This rank ends the program with an error: tells the others, and returns whether this rank prints
 * the message. *code becomes that of the lowest rank that fails. If the others do not listen
 * within some seconds, all are stopped at exit. */
bool hap_mpi_fail(int *code, const char *message);
/* Waits until all ranks have come here, or one has failed. */
void hap_mpi_wait(void);

#endif
