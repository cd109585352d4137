/* Counts what a program exchanges with MPI, by the profiling interface: loaded before the program
 * (LD_PRELOAD), it writes at the end one line for each kind of call to the file
 * $HAP_MPI_COUNTS.RANK: name, calls, bytes sent, bytes received. Bytes of a collective call are
 * those of its buffers, however the library sends them. The last line is the largest resident
 * memory, in kB. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum kind { SENDS, RECEIVES, GATHERS, EXCHANGES, SHARES, BARRIERS, KINDS };

static const char *const names[KINDS] = {"isend", "irecv", "iallgather", "iallgatherv", "ibcast",
                                         "ibarrier"};
static long long calls[KINDS], sent[KINDS], received[KINDS];

static void add(enum kind kind, long long out, long long in)
{
        __atomic_add_fetch(&calls[kind], 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&sent[kind], out, __ATOMIC_RELAXED);
        __atomic_add_fetch(&received[kind], in, __ATOMIC_RELAXED);
}

static long long bytes_of(long long count, MPI_Datatype type)
{
        int size;

        PMPI_Type_size(type, &size);
        return count * size;
}

static int ranks_of(MPI_Comm comm)
{
        int n;

        PMPI_Comm_size(comm, &n);
        return n;
}

int MPI_Isend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request *request)
{
        add(SENDS, bytes_of(count, type), 0);
        return PMPI_Isend(data, count, type, to, tag, comm, request);
}

int MPI_Irecv(void *data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
              MPI_Request *request)
{
        add(RECEIVES, 0, bytes_of(count, type));
        return PMPI_Irecv(data, count, type, from, tag, comm, request);
}

int MPI_Iallgather(const void *out, int n_out, MPI_Datatype out_type, void *in, int n_in,
                   MPI_Datatype in_type, MPI_Comm comm, MPI_Request *request)
{
        add(GATHERS, bytes_of(n_out, out_type),
            bytes_of(n_in, in_type) * (ranks_of(comm) - 1));
        return PMPI_Iallgather(out, n_out, out_type, in, n_in, in_type, comm, request);
}

int MPI_Iallgatherv(const void *out, int n_out, MPI_Datatype out_type, void *in,
                    const int *n_in, const int *starts, MPI_Datatype in_type, MPI_Comm comm,
                    MPI_Request *request)
{
        long long all = -n_out;

        for (int r = 0; r < ranks_of(comm); r++)
                all += n_in[r];
        add(EXCHANGES, bytes_of(n_out, out_type), bytes_of(all, in_type));
        return PMPI_Iallgatherv(out, n_out, out_type, in, n_in, starts, in_type, comm, request);
}

int MPI_Ibcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm,
               MPI_Request *request)
{
        int rank;

        PMPI_Comm_rank(comm, &rank);
        add(SHARES, rank == root ? bytes_of(count, type) : 0,
            rank == root ? 0 : bytes_of(count, type));
        return PMPI_Ibcast(data, count, type, root, comm, request);
}

int MPI_Ibarrier(MPI_Comm comm, MPI_Request *request)
{
        add(BARRIERS, 0, 0);
        return PMPI_Ibarrier(comm, request);
}

int MPI_Finalize(void)
{
        const char *path = getenv("HAP_MPI_COUNTS");
        struct rusage usage;
        char name[4096];
        FILE *file;
        int rank;

        PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
        snprintf(name, sizeof name, "%s.%d", path ? path : "mpi-counts", rank);
        file = fopen(name, "w");
        for (int kind = 0; file && kind < KINDS; kind++)
                fprintf(file, "%s %lld %lld %lld\n", names[kind], calls[kind], sent[kind],
                        received[kind]);
        getrusage(RUSAGE_SELF, &usage);
        if (file) {
                fprintf(file, "resident %ld\n", usage.ru_maxrss);
                fclose(file);
        }
        return PMPI_Finalize();
}
