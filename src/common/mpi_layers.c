#include "common/mpi_layers.h"

#include "common/mpi.h"

static bool divided;

bool hap_mpi_layers_divided(void)
{
        return divided;
}

size_t hap_mpi_job_ranks(void)
{
        return divided ? 1 : hap_mpi_ranks();
}

void hap_mpi_layers(int n, size_t rank, int *begin, int *end)
{
        const size_t ranks = divided ? hap_mpi_ranks() : 1, layers = (size_t)n;

        *begin = divided ? (int)(layers * rank / ranks) : 0;
        *end = divided ? (int)(layers * (rank + 1) / ranks) : n;
}

int hap_mpi_most_layers(int n)
{
        const int ranks = divided ? (int)hap_mpi_ranks() : 1;

        return (n + ranks - 1) / ranks;
}

#ifndef HAP_MPI

int hap_mpi_divide_layers(struct hap_error *err)
{
        (void)err;
        return HAP_OK;
}

int hap_mpi_send(size_t rank, size_t job, const struct hap_strided *values, struct hap_error *err)
{
        (void)rank, (void)job, (void)values, (void)err;
        return HAP_OK;
}

int hap_mpi_receive(size_t rank, size_t job, const struct hap_strided *values,
                    struct hap_error *err)
{
        (void)rank, (void)job, (void)values, (void)err;
        return HAP_OK;
}

int hap_mpi_spread(size_t job, const struct hap_piece *parts, struct hap_error *err)
{
        (void)job, (void)parts, (void)err;
        return HAP_OK;
}

void hap_mpi_stop(void)
{
}

#else

#include <mpi.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/number.h"

/* Bytes of one message. */
#define MESSAGE_BYTES ((size_t)64 << 20)
/* Every MPI has as many tags. Jobs that run at the same time are closer together. */
#define TAGS 32768

/* Threads take turns in MPI (MPI_THREAD_SERIALIZED). */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static bool stopped;

int hap_mpi_divide_layers(struct hap_error *err)
{
        int level = MPI_THREAD_SERIALIZED;

        if (hap_mpi_ranks() > 1)
                MPI_Query_thread(&level);
        if (level < MPI_THREAD_SERIALIZED)
                return hap_fail(err, HAP_EUSAGE, "--layers-over-ranks needs an MPI that threads may "
                                "call in turn (MPI_THREAD_SERIALIZED)");
        divided = hap_mpi_ranks() > 1;
        return HAP_OK;
}

void hap_mpi_stop(void)
{
        __atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
}

/* Messages under way. */
struct flight {
        MPI_Request *requests;
        int n;
};

static int reserve(struct flight *f, size_t more, struct hap_error *err)
{
        MPI_Request *requests = reallocarray(f->requests, (size_t)f->n + more, sizeof *requests);

        if (!requests)
                return hap_fail_memory(err, "messages");
        f->requests = requests;
        return HAP_OK;
}

/* The other end of a message. */
struct peer {
        size_t rank, job;
        bool sends; /* this rank does */
};

static void begin(struct flight *f, struct peer peer, void *data, size_t n, MPI_Datatype type)
{
        const int rank = (int)peer.rank, tag = (int)(peer.job % TAGS);
        MPI_Request *request = f->requests + f->n++;

        if (peer.sends)
                MPI_Isend(data, (int)n, type, rank, tag, MPI_COMM_WORLD, request);
        else
                MPI_Irecv(data, (int)n, type, rank, tag, MPI_COMM_WORLD, request);
}

static int post(struct flight *f, struct peer peer, void *data, size_t n, struct hap_error *err)
{
        if (reserve(f, n / MESSAGE_BYTES + 1, err) < 0)
                return err->code;
        pthread_mutex_lock(&turn);
        for (size_t at = 0; at < n; at += MESSAGE_BYTES)
                begin(f, peer, (char *)data + at, hap_min(n - at, MESSAGE_BYTES), MPI_BYTE);
        pthread_mutex_unlock(&turn);
        return HAP_OK;
}

/* As many rows as are in MESSAGE_BYTES, at least one, make a message. */
static int post_rows(struct flight *f, struct peer peer, const struct hap_strided *values,
                     struct hap_error *err)
{
        const size_t row = values->size * sizeof *values->at;
        const size_t rows = hap_max(MESSAGE_BYTES / hap_max(row, 1), 1);

        if (values->stride == values->size)
                return post(f, peer, values->at, values->n * row, err);
        if (reserve(f, values->n / rows + 1, err) < 0)
                return err->code;
        pthread_mutex_lock(&turn);
        for (size_t i = 0; i < values->n; i += rows) {
                MPI_Datatype type;

                MPI_Type_vector((int)hap_min(values->n - i, rows), (int)values->size,
                                (int)values->stride, MPI_FLOAT, &type);
                MPI_Type_commit(&type);
                begin(f, peer, values->at + i * values->stride, 1, type);
                MPI_Type_free(&type); /* when the message has arrived */
        }
        pthread_mutex_unlock(&turn);
        return HAP_OK;
}

/* Waits for all messages. */
static int land(struct flight *f, int rc, struct hap_error *err)
{
        int done = 0;

        for (int i = 0; rc == 0 && !done; i++) {
                pthread_mutex_lock(&turn);
                MPI_Testall(f->n, f->requests, &done, MPI_STATUSES_IGNORE);
                pthread_mutex_unlock(&turn);
                if (!done && __atomic_load_n(&stopped, __ATOMIC_RELAXED))
                        rc = hap_fail(err, HAP_ESYSTEM, "another job of this rank failed");
                if (!done)
                        hap_nap(i);
        }
        free(f->requests);
        return rc;
}

int hap_mpi_send(size_t rank, size_t job, const struct hap_strided *values, struct hap_error *err)
{
        struct flight f = {0};

        return land(&f, post_rows(&f, (struct peer){rank, job, true}, values, err), err);
}

int hap_mpi_receive(size_t rank, size_t job, const struct hap_strided *values,
                    struct hap_error *err)
{
        struct flight f = {0};

        return land(&f, post_rows(&f, (struct peer){rank, job, false}, values, err), err);
}

int hap_mpi_spread(size_t job, const struct hap_piece *parts, struct hap_error *err)
{
        const size_t own = hap_mpi_rank();
        struct flight f = {0};
        int rc = HAP_OK;

        for (size_t r = 0; r < hap_mpi_ranks() && rc == 0; r++)
                if (r != own)
                        rc = post(&f, (struct peer){r, job, false}, parts[r].at, parts[r].bytes,
                                  err);
        for (size_t r = 0; r < hap_mpi_ranks() && rc == 0; r++)
                if (r != own)
                        rc = post(&f, (struct peer){r, job, true}, parts[own].at,
                                  parts[own].bytes, err);
        return land(&f, rc, err);
}

#endif
