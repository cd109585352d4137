#include "common/mpi.h"

#ifdef HAP_MPI

#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/clock.h"
#include "common/number.h"

/* How long a rank that fails waits for the others, in seconds. They listen at their next exchange,
 * which may be far away; then it stops them. */
#define PATIENCE 5.0

/* Bytes of results in one exchange, of all ranks together. */
#define ROUND_BYTES ((size_t)64 << 20)
/* Bytes of one broadcast. */
#define SHARE_BYTES ((size_t)64 << 20)

/* What every exchange begins with: each rank says what it has come for. A rank that fails takes
 * part in whatever the others have come for, and says so. */
enum purpose { FAILS = 1, ENDS, READS, GIVES, COMPARES, EXCHANGES };

struct word {
        int64_t purpose, value;
        char text[40];
};

static struct {
        int ranks, rank, ranks_here, processors;
        size_t memory;
        struct word *words;         /* [ranks]: of the last meeting */
        struct hap_error failure;   /* of another rank */
        bool over;                  /* nothing is exchanged any more */
        bool alone;                 /* this rank failed and the others did not listen */
} mpi = {.ranks = 1, .ranks_here = 1};

size_t hap_mpi_ranks(void)
{
        return (size_t)mpi.ranks;
}

size_t hap_mpi_rank(void)
{
        return (size_t)mpi.rank;
}

int hap_mpi_processors(int allowed)
{
        const int share = mpi.processors / mpi.ranks_here;

        return mpi.ranks == 1 || share >= allowed ? allowed : share > 0 ? share : 1;
}

static size_t machine_memory(void)
{
        return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
}

size_t hap_mpi_memory(void)
{
        return mpi.memory ? mpi.memory : machine_memory();
}

/* --- meetings --- */

/* Waits for a request: MPI's own functions would keep the processor busy. False after `seconds`;
 * 0: no limit. */
static bool wait_for(MPI_Request *request, double seconds)
{
        const double start = seconds > 0 ? hap_seconds() : 0;
        int done = 0;

        for (int i = 0;; i++) {
                MPI_Test(request, &done, MPI_STATUS_IGNORE);
                if (done)
                        return true;
                hap_nap(i);
                if (seconds > 0 && hap_seconds() - start > seconds)
                        return false;
        }
}

static void share_bytes(void *data, size_t n, int from)
{
        for (size_t at = 0; at < n; at += SHARE_BYTES) {
                MPI_Request request;

                MPI_Ibcast((char *)data + at, (int)hap_min(n - at, SHARE_BYTES), MPI_BYTE, from,
                           MPI_COMM_WORLD, &request);
                wait_for(&request, 0);
        }
}

/* All ranks tell each other `word`: false if they did not come within `seconds`. */
static bool gather_words(const struct word *word, double seconds)
{
        MPI_Request request;

        MPI_Iallgather(word, sizeof *word, MPI_BYTE, mpi.words, sizeof *word, MPI_BYTE,
                       MPI_COMM_WORLD, &request);
        return wait_for(&request, seconds);
}

/* The lowest rank that fails; −1: none. */
static int failing_rank(void)
{
        for (int r = 0; r < mpi.ranks; r++)
                if (mpi.words[r].purpose == FAILS)
                        return r;
        return -1;
}

/* A rank fails: everyone learns its message, and nothing is exchanged any more. */
static int hear_failure(int rank, struct hap_error *err)
{
        struct hap_error theirs = mpi.failure;

        share_bytes(&theirs, sizeof theirs, rank);
        mpi.over = true;
        mpi.failure = theirs;
        if (rank > 0)
                hap_fail_within(&mpi.failure, "rank %d", rank);
        *err = mpi.failure;
        return err->code;
}

static int fail_apart(int rank, struct hap_error *err)
{
        mpi.over = true;
        hap_fail(&mpi.failure, HAP_ESYSTEM, "rank %d does other work than rank 0: they must have "
                 "the same program, options and input", rank);
        *err = mpi.failure;
        return err->code;
}

static int meet(enum purpose purpose, int64_t value, const char *text, struct hap_error *err)
{
        struct word word = {.purpose = purpose, .value = value};

        if (mpi.over) {
                *err = mpi.failure;
                return err->code;
        }
        snprintf(word.text, sizeof word.text, "%s", text);
        gather_words(&word, 0);
        if (failing_rank() >= 0)
                return hear_failure(failing_rank(), err);
        for (int r = 1; r < mpi.ranks; r++)
                if (mpi.words[r].purpose != mpi.words[0].purpose)
                        return fail_apart(r, err);
        return HAP_OK;
}

/* --- the beginning and the end --- */

static bool several_processes(void)
{
        /* of Open MPI, of MPICH and others, and of srun with either */
        static const char *const sizes[][2] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_SIZE"},
                                               {"PMI_SIZE", "PMI_SIZE"},
                                               {"PMIX_RANK", "SLURM_STEP_NUM_TASKS"}};

        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                const char *size = getenv(sizes[i][1]);

                if (getenv(sizes[i][0]) && size && atoi(size) > 1)
                        return true;
        }
        return false;
}

static void divide_machine(void)
{
        cpu_set_t mine, all;
        uint64_t memory;
        MPI_Comm here;

        MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, mpi.rank, MPI_INFO_NULL, &here);
        MPI_Comm_size(here, &mpi.ranks_here);
        if (sched_getaffinity(0, sizeof mine, &mine) < 0)
                memset(&mine, 0xff, sizeof mine); /* more processors than the set can name */
        MPI_Allreduce(&mine, &all, sizeof mine, MPI_BYTE, MPI_BOR, here);
        mpi.processors = CPU_COUNT(&all);
        MPI_Comm_free(&here);
        memory = machine_memory() / (size_t)mpi.ranks_here;
        MPI_Allreduce(MPI_IN_PLACE, &memory, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
        mpi.memory = memory;
}

/* The others may still need this rank, or fail while it has nothing left to do. mpirun stops all
 * when the first ends with an error: rank 0 must have printed it. */
static void leave(int status, void *unused)
{
        MPI_Request request;

        (void)unused;
        fflush(NULL);
        if (mpi.alone || (status != 0 && !mpi.over))
                MPI_Abort(MPI_COMM_WORLD, status);
        if (!mpi.over)
                hap_mpi_wait();
        if (mpi.failure.code && status == 0)
                status = hap_exit_status(mpi.failure.code);
        MPI_Ibarrier(MPI_COMM_WORLD, &request);
        if (!wait_for(&request, PATIENCE))
                MPI_Abort(MPI_COMM_WORLD, status ? status : 1);
        MPI_Finalize();
        _exit(status);
}

void hap_mpi_begin(void)
{
        int level, fd;

        if (!several_processes())
                return;
        MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
        MPI_Comm_size(MPI_COMM_WORLD, &mpi.ranks);
        MPI_Comm_rank(MPI_COMM_WORLD, &mpi.rank);
        mpi.words = calloc((size_t)mpi.ranks, sizeof *mpi.words);
        fd = mpi.rank > 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
        if (!mpi.words || (mpi.rank > 0 && (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)))
                MPI_Abort(MPI_COMM_WORLD, 1);
        if (fd >= 0)
                close(fd);
        divide_machine();
        on_exit(leave, NULL);
}

bool hap_mpi_fail(int *code, const char *message)
{
        static const struct word word = {.purpose = FAILS};
        struct hap_error first;

        if (mpi.ranks == 1 || mpi.over)
                return mpi.rank == 0;
        hap_fail(&mpi.failure, *code, "%s", message);
        if (!gather_words(&word, PATIENCE)) {
                mpi.over = mpi.alone = true;
                return true;
        }
        *code = hear_failure(failing_rank(), &first);
        return mpi.rank == 0;
}

void hap_mpi_wait(void)
{
        struct hap_error ignored;

        if (mpi.ranks > 1)
                meet(ENDS, 0, "", &ignored);
        mpi.over = true;
}

/* --- small things --- */

int hap_mpi_read(int fd, void *data, size_t n, ssize_t *got, struct hap_error *err)
{
        int64_t value = 0;

        if (mpi.rank == 0)
                value = *got = read(fd, data, n);
        if (mpi.ranks == 1)
                return HAP_OK;
        if (mpi.rank == 0 && value < 0)
                value = -errno;
        if (meet(READS, value, "", err) < 0)
                return err->code;
        value = mpi.words[0].value;
        if (value > 0)
                share_bytes(data, (size_t)value, 0);
        errno = value < 0 ? (int)-value : 0;
        *got = value < 0 ? -1 : (ssize_t)value;
        return HAP_OK;
}

int hap_mpi_share(void *data, size_t n, struct hap_error *err)
{
        int rc = mpi.ranks > 1 ? meet(READS, (int64_t)n, "", err) : HAP_OK;

        if (rc == 0 && mpi.ranks > 1)
                share_bytes(data, n, 0);
        return rc;
}

static int choose(int64_t *value, int sign, struct hap_error *err)
{
        int rc = mpi.ranks > 1 ? meet(GIVES, *value, "", err) : HAP_OK;

        if (rc < 0 || mpi.ranks == 1)
                return rc;
        *value = mpi.words[0].value;
        for (int r = 1; r < mpi.ranks; r++)
                if (sign * mpi.words[r].value > sign * *value)
                        *value = mpi.words[r].value;
        return HAP_OK;
}

int hap_mpi_first(int64_t *value, struct hap_error *err)
{
        return choose(value, 0, err);
}

int hap_mpi_least(int64_t *value, struct hap_error *err)
{
        return choose(value, -1, err);
}

int hap_mpi_largest(int64_t *value, struct hap_error *err)
{
        return choose(value, 1, err);
}

static size_t first_other_word(const char *a, const char *b)
{
        size_t word = 0;

        for (size_t i = 0; a[i] && a[i] == b[i]; i++)
                if (a[i] == ' ')
                        word = i + 1;
        return word;
}

int hap_mpi_same(const char *what, const char *text, struct hap_error *err)
{
        const int64_t hash = (int64_t)XXH3_64bits(text, strlen(text));
        int r = 1, rc = mpi.ranks > 1 ? meet(COMPARES, hash, "", err) : HAP_OK;
        struct hap_error theirs;
        size_t at;

        for (; rc == 0 && r < mpi.ranks && mpi.words[r].value == mpi.words[0].value; r++)
                ;
        if (rc < 0 || r == mpi.ranks)
                return rc;
        hap_fail(&theirs, HAP_EINPUT, "%s", text);
        share_bytes(&theirs, sizeof theirs, r);
        at = first_other_word(theirs.message, text);
        return hap_fail(err, HAP_EINPUT, "rank %d has another %s than rank 0: '%.400s' in place of "
                        "'%.400s'", r, what, theirs.message + at, text + at);
}

/* --- results of jobs --- */

/* Where a rank's pieces, joined, are being read or written. */
struct cursor {
        size_t job, k, at; /* bytes of the piece that are done */
};

struct results {
        size_t n;
        hap_job_piece *piece;
        const void *context;
        size_t *bytes;          /* [ranks]: of all of a rank's pieces */
        struct cursor *cursors; /* [ranks] */
        size_t round;           /* bytes of a rank in one round */
        char *sent, *received;  /* [round], [ranks · round] */
        int *counts, *starts;   /* [ranks] */
};

/* Copies n bytes of a rank's pieces to or from a buffer. */
static void copy_pieces(const struct results *s, int rank, char *buffer, size_t n, bool out)
{
        struct cursor *c = s->cursors + rank;
        struct hap_piece piece;

        while (n > 0) {
                size_t here;

                if (!s->piece(s->context, c->job, c->k, &piece)) {
                        *c = (struct cursor){.job = c->job + (size_t)mpi.ranks};
                        continue;
                }
                here = hap_min(n, piece.bytes - c->at);
                if (here > 0 && out)
                        memcpy(buffer, (char *)piece.at + c->at, here);
                else if (here > 0)
                        memcpy((char *)piece.at + c->at, buffer, here);
                buffer += here;
                n -= here;
                c->at += here;
                if (c->at == piece.bytes)
                        c->k++, c->at = 0;
        }
}

static size_t count_bytes(struct results *s)
{
        struct hap_piece piece;
        size_t most = 0;

        for (size_t job = 0; job < s->n; job++)
                for (size_t k = 0; s->piece(s->context, job, k, &piece); k++)
                        s->bytes[job % (size_t)mpi.ranks] += piece.bytes;
        for (int r = 0; r < mpi.ranks; r++) {
                s->cursors[r].job = (size_t)r;
                most = hap_max(most, s->bytes[r]);
        }
        return most;
}

/* The bytes from `done` on. */
static void exchange_round(struct results *s, size_t done)
{
        MPI_Request request;
        size_t start = 0;

        for (int r = 0; r < mpi.ranks; r++) {
                s->starts[r] = (int)start;
                s->counts[r] = (int)(s->bytes[r] > done ? hap_min(s->bytes[r] - done, s->round) : 0);
                start += (size_t)s->counts[r];
        }
        copy_pieces(s, mpi.rank, s->sent, (size_t)s->counts[mpi.rank], true);
        MPI_Iallgatherv(s->sent, s->counts[mpi.rank], MPI_BYTE, s->received, s->counts, s->starts,
                        MPI_BYTE, MPI_COMM_WORLD, &request);
        wait_for(&request, 0);
        for (int r = 0; r < mpi.ranks; r++)
                if (r != mpi.rank)
                        copy_pieces(s, r, s->received + s->starts[r], (size_t)s->counts[r], false);
}

static int results_init(struct results *s, size_t *most, struct hap_error *err)
{
        const size_t ranks = (size_t)mpi.ranks;

        s->bytes = calloc(ranks, sizeof *s->bytes);
        s->cursors = calloc(ranks, sizeof *s->cursors);
        s->counts = calloc(ranks, sizeof *s->counts);
        s->starts = calloc(ranks, sizeof *s->starts);
        if (!s->bytes || !s->cursors || !s->counts || !s->starts)
                return hap_fail_memory(err, "results of jobs");
        *most = count_bytes(s);
        s->round = hap_min(*most, ROUND_BYTES / ranks);
        s->sent = malloc(s->round + 1);
        s->received = malloc(s->round * ranks + 1);
        return s->sent && s->received ? HAP_OK : hap_fail_memory(err, "results of jobs");
}

static void results_release(struct results *s)
{
        free(s->bytes);
        free(s->cursors);
        free(s->counts);
        free(s->starts);
        free(s->sent);
        free(s->received);
}

/* The lowest job that failed, of all ranks; its error becomes everyone's. */
static int agree_on_failure(struct hap_error *own, struct hap_error *err)
{
        int who = 0;

        for (int r = 1; r < mpi.ranks; r++)
                if ((uint64_t)mpi.words[r].value < (uint64_t)mpi.words[who].value)
                        who = r;
        if ((uint64_t)mpi.words[who].value == UINT64_MAX)
                return HAP_OK;
        share_bytes(own, sizeof *own, who);
        *err = *own;
        return err->code;
}

int hap_mpi_exchange(size_t n, hap_job_piece *piece, const void *context, size_t failed,
                     struct hap_error *err)
{
        struct results s = {.n = n, .piece = piece, .context = context};
        struct hap_error own = *err;
        char plan[40];
        size_t most = 0;
        int rc;

        if (mpi.ranks == 1)
                return failed == SIZE_MAX ? HAP_OK : err->code;
        rc = results_init(&s, &most, err);
        if (rc == 0) {
                snprintf(plan, sizeof plan, "%zu %zu", n, most);
                rc = meet(EXCHANGES, (int64_t)failed, plan, err);
        }
        for (int r = 1; r < mpi.ranks && rc == 0; r++)
                if (strcmp(mpi.words[r].text, mpi.words[0].text) != 0)
                        rc = fail_apart(r, err);
        if (rc == 0)
                rc = agree_on_failure(&own, err);
        for (size_t done = 0; rc == 0 && done < most; done += s.round)
                exchange_round(&s, done);
        results_release(&s);
        return rc;
}

#endif
