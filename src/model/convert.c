#include "model/convert.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/dequantise.h"
#include "common/file_map.h"

#define CHUNK 262144 /* values that a thread converts at a time */
#define STRIP 256   /* rows of a transposed weight that are converted at a time */
#define DEPTH 16    /* and columns */
#define MAX_STEP 2  /* between stored rows of a transposed weight */

struct chunk {
        struct hap_job *job;
        size_t first, end; /* rows */
};

int hap_jobs_add(struct hap_jobs *jobs, struct hap_job job, struct hap_error *err)
{
        if (jobs->n == jobs->capacity) {
                size_t capacity = jobs->capacity ? 2 * jobs->capacity : 64;
                struct hap_job *items = reallocarray(jobs->items, capacity, sizeof(*items));

                if (!items)
                        return hap_fail_memory(err, "the list of weights");
                jobs->items = items;
                jobs->capacity = capacity;
        }
        jobs->items[jobs->n++] = job;
        return 0;
}

void hap_jobs_release(struct hap_jobs *jobs)
{
        free(jobs->items);
        *jobs = (struct hap_jobs){0};
}

static size_t stored_row(const struct hap_job *job, size_t r)
{
        size_t i = r % job->group;

        if (job->pairs)
                /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): rotary heads have 2 rows or more */
                i = 2 * (i % (job->group / 2)) + i / (job->group / 2);
        return job->first + r / job->group * job->stride + i;
}

static bool contiguous(const struct hap_job *job)
{
        return job->group == job->stride && !job->pairs;
}

/* out[i] = value first + i of a tensor; first and n are multiples of its block. */
static void read_values(const struct hap_stored *from, size_t first, size_t n, float *out)
{
        const size_t block = hap_storage_block(from->kind);
        const unsigned char *data = from->data + first / block * hap_storage_block_bytes(from->kind);

        if (from->kind == HAP_STORED_MXFP4_APART)
                hap_dequantise_mxfp4_apart(data, from->exponents + first / block, n, out);
        else
                hap_dequantise(from->kind, data, n, out);
}

static void read_rows(const struct hap_job *job, size_t row, size_t rows, size_t column,
                      size_t columns, float *out)
{
        if (contiguous(job) && columns == job->columns) {
                read_values(job->from, (job->first + row) * columns, rows * columns, out);
                return;
        }
        for (size_t r = 0; r < rows; r++)
                read_values(job->from, stored_row(job, row + r) * job->columns + column, columns,
                            out + r * columns);
}

/* out[r][c] = stored[column + c][stored_row(row + r)]. */
static void read_columns(const struct hap_job *job, size_t row, size_t rows, size_t column,
                         size_t columns, float *out)
{
        const size_t total = job->from->shape[job->from->n_dims - 1];
        const size_t step = job->group == 1 ? job->stride : 1;
        float strip[DEPTH][MAX_STEP * STRIP];

        for (size_t begin = 0; begin < rows; begin += STRIP) {
                const size_t n = rows - begin < STRIP ? rows - begin : STRIP;
                const size_t first = stored_row(job, row + begin);

                for (size_t c = 0; c < columns; c += DEPTH) {
                        const size_t depth = columns - c < DEPTH ? columns - c : DEPTH;

                        for (size_t i = 0; i < depth; i++)
                                read_values(job->from, (job->depth + column + c + i) * total + first,
                                            (n - 1) * step + 1, strip[i]);
                        for (size_t r = 0; r < n; r++)
                                for (size_t i = 0; i < depth; i++)
                                        out[(begin + r) * columns + c + i] = strip[i][r * step];
                }
        }
}

void hap_job_read(const struct hap_job *job, size_t row, size_t rows, size_t column,
                  size_t columns, float *out)
{
        if (job->transposed)
                read_columns(job, row, rows, column, columns, out);
        else
                read_rows(job, row, rows, column, columns, out);
}

/* The pages that a chunk was read from. */
static void forget(const struct hap_job *job, size_t first, size_t end)
{
        const int kind = job->from->kind;
        const size_t bytes = job->columns / hap_storage_block(kind) * hap_storage_block_bytes(kind);

        if (!job->transposed && contiguous(job))
                hap_file_map_forget(job->from->data + (job->first + first) * bytes,
                                    (end - first) * bytes);
        else
                hap_file_map_forget(job->from->data, job->from->bytes);
        if (job->from->exponents)
                hap_file_map_forget(job->from->exponents, job->from->bytes / 16);
}

/* Adds job->add to x[n]. Returns whether all values are finite. */
static bool add_and_check(const struct hap_job *job, size_t n, float *x)
{
        uint32_t bad = 0;

        if (job->add != 0)
                for (size_t i = 0; i < n; i++)
                        x[i] += job->add;
        for (size_t i = 0; i < n; i++) {
                uint32_t bits;

                memcpy(&bits, &x[i], sizeof(bits));
                bad |= (bits & 0x7f800000) == 0x7f800000;
        }
        return !bad;
}

/* Returns 0, or -1 if memory is short. */
static int do_chunk(const struct chunk *chunk)
{
        struct hap_job *job = chunk->job;
        const size_t rows = chunk->end - chunk->first, n = rows * job->columns;
        float *buffer = job->out ? NULL : reallocarray(NULL, n, sizeof(*buffer));
        float *out = job->out ? job->out + chunk->first * job->columns : buffer;

        if (!out)
                return -1;
        hap_job_read(job, chunk->first, rows, 0, job->columns, out);
        forget(job, chunk->first, chunk->end);
        if (!add_and_check(job, n, out)) {
#pragma omp atomic write
                job->not_finite = true;
        }
        free(buffer);
        return 0;
}

static size_t rows_at_a_time(const struct hap_job *job)
{
        size_t rows = job->columns < CHUNK ? CHUNK / job->columns : 1;

        return job->transposed ? STRIP : rows;
}

static struct chunk *divide_jobs(const struct hap_jobs *jobs, size_t *n_chunks)
{
        struct chunk *chunks;
        size_t n = 0;

        for (size_t i = 0; i < jobs->n; i++)
                n += jobs->items[i].rows / rows_at_a_time(&jobs->items[i]) + 1;
        chunks = calloc(n + 1, sizeof(*chunks));
        if (!chunks)
                return NULL;
        *n_chunks = 0;
        for (size_t i = 0; i < jobs->n; i++) {
                struct hap_job *job = &jobs->items[i];
                size_t step = rows_at_a_time(job);

                for (size_t r = 0; r < job->rows; r += step)
                        chunks[(*n_chunks)++] = (struct chunk){
                                job, r, r + step < job->rows ? r + step : job->rows};
        }
        return chunks;
}

int hap_jobs_run(struct hap_jobs *jobs, const char *path, struct hap_error *err)
{
        size_t n_chunks;
        struct chunk *chunks = divide_jobs(jobs, &n_chunks);
        int rc = 0, failed = 0;

        if (!chunks)
                return hap_fail_memory(err, "the list of weights");
#pragma omp parallel for schedule(dynamic) reduction(|:failed)
        for (size_t i = 0; i < n_chunks; i++)
                failed |= do_chunk(&chunks[i]) < 0;
        if (failed)
                rc = hap_fail_memory(err, "the model's weights");
        for (size_t i = 0; i < jobs->n && rc == 0; i++)
                if (jobs->items[i].not_finite)
                        rc = hap_fail(err, HAP_EINPUT,
                                      "cannot use '%s': tensor '%.200s' contains NaN or infinite "
                                      "values",
                                      path, jobs->items[i].from->name);
        free(chunks);
        jobs->n = 0;
        return rc;
}
