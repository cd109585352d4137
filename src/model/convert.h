/* Conversion of stored tensors to F32 by all threads. */
#ifndef HAP_MODEL_CONVERT_H
#define HAP_MODEL_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "model/store.h"

/* out[r][c] = stored[row(r)][c] + add, or stored[c][row(r)] where transposed;
 * row(r) = first + (r / group) * stride + i, with i = r % group, or, for
 * `pairs`, 2 (i % h) + i / h with h = group / 2, which undoes ggml's order
 * of the rows of rotary heads. Where transposed, stored row c is depth + c; rows of group 1 and
 * stride 2 are allowed.
 * out: [rows][columns]. A vector has one column. */
struct hap_job {
        const struct hap_stored *from;
        float *out; /* NULL: the values are only checked */
        size_t rows, columns;
        size_t first, group, stride;
        size_t depth; /* of transposed weights: the stored row of column 0 */
        bool pairs, transposed;
        float add;
        bool not_finite; /* found while converting */
};

struct hap_jobs {
        struct hap_job *items;
        size_t n, capacity;
};

int hap_jobs_add(struct hap_jobs *jobs, struct hap_job job, struct hap_error *err);
/* Does all jobs and empties the list. HAP_EINPUT: a weight is NaN or infinite;
 * names its tensor. `path` for messages. Pages of files that were read no
 * longer count as resident. */
int hap_jobs_run(struct hap_jobs *jobs, const char *path, struct hap_error *err);
void hap_jobs_release(struct hap_jobs *jobs);

/* out[rows][columns] = rows [row, row + rows) and columns [column, column + columns) of a job's
 * matrix, without its `add`. column and columns are multiples of the storage's block. */
void hap_job_read(const struct hap_job *job, size_t row, size_t rows, size_t column,
                  size_t columns, float *out);

#endif
