/* hap_mpi_ without MPI: one process. */
#include "common/mpi.h"

#include <unistd.h>

#ifndef HAP_MPI

void hap_mpi_begin(void)
{
}

size_t hap_mpi_ranks(void)
{
        return 1;
}

size_t hap_mpi_rank(void)
{
        return 0;
}

int hap_mpi_processors(int allowed)
{
        return allowed;
}

size_t hap_mpi_memory(void)
{
        return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
}

int hap_mpi_read(int fd, void *data, size_t n, ssize_t *got, struct hap_error *err)
{
        (void)err;
        *got = read(fd, data, n);
        return HAP_OK;
}

int hap_mpi_share(void *data, size_t n, struct hap_error *err)
{
        (void)data, (void)n, (void)err;
        return HAP_OK;
}

int hap_mpi_first(int64_t *value, struct hap_error *err)
{
        (void)value, (void)err;
        return HAP_OK;
}

int hap_mpi_least(int64_t *value, struct hap_error *err)
{
        return hap_mpi_first(value, err);
}

int hap_mpi_largest(int64_t *value, struct hap_error *err)
{
        return hap_mpi_first(value, err);
}

int hap_mpi_same(const char *what, const char *text, struct hap_error *err)
{
        (void)what, (void)text, (void)err;
        return HAP_OK;
}

int hap_mpi_exchange(size_t n, hap_job_piece *piece, const void *context, size_t failed,
                     struct hap_error *err)
{
        (void)n, (void)piece, (void)context;
        return failed == SIZE_MAX ? HAP_OK : err->code;
}

bool hap_mpi_fail(int *code, const char *message)
{
        (void)code, (void)message;
        return true;
}

void hap_mpi_wait(void)
{
}

#endif
