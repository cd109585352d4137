#include "forward/batch.h"

#include <string.h>

#include "common/number.h"
#include "forward/blas.h"

int hap_batch_init(struct hap_batch *batch, struct hap_scratch *scratch,
                   const struct hap_prompt *const *prompts, int n, bool answer_rows_only)
{
        *batch = (struct hap_batch){.n = n, .prompts = prompts, .answer_rows_only = answer_rows_only};
        batch->rows.prompts = batch->answers.prompts = prompts;
        batch->rows.start = hap_scratch_alloc(scratch, (size_t)n + 1, sizeof(int));
        batch->rows.first = hap_scratch_alloc(scratch, (size_t)n, sizeof(int));
        batch->answers.start = hap_scratch_alloc(scratch, (size_t)n + 1, sizeof(int));
        batch->answers.first = hap_scratch_alloc(scratch, (size_t)n, sizeof(int));
        if (scratch->error.code < 0)
                return scratch->error.code;
        for (int i = 0; i < n; i++) {
                batch->rows.start[i] = batch->rows.n;
                batch->rows.first[i] = prompts[i]->first;
                batch->rows.n += prompts[i]->n_tokens - prompts[i]->first;
                batch->answers.start[i] = batch->answers.n;
                batch->answers.first[i] = prompts[i]->answer_first;
                batch->answers.n += prompts[i]->n_answer_positions;
        }
        batch->rows.start[n] = batch->rows.n;
        batch->answers.start[n] = batch->answers.n;
        return HAP_OK;
}

int hap_batch_not_finite(const struct hap_batch *batch, int n_out, const float *logits)
{
        const int *start = batch->answers.start;
        int i = 0;

        while (i < batch->n && hap_all_finite(logits + (size_t)start[i] * n_out,
                                              (size_t)(start[i + 1] - start[i]) * n_out))
                i++;
        return i;
}

int hap_rows_position(const struct hap_rows *rows, int at, int r)
{
        return hap_prompt_token_position(rows->prompts[at], rows->first[at] + r - rows->start[at]);
}

/* The row in `from` of the first row that prompt `at` has in `to`. */
static size_t first_row(const struct hap_rows *from, const struct hap_rows *to, int at)
{
        return (size_t)(from->start[at] + to->first[at] - from->first[at]);
}

void hap_rows_gather(const struct hap_rows *from, const struct hap_rows *to,
                     int n_prompts, int d, const float *in, float *out)
{
        for (int at = 0; at < n_prompts; at++)
                memcpy(out + (size_t)to->start[at] * d, in + first_row(from, to, at) * d,
                       (size_t)(to->start[at + 1] - to->start[at]) * d * sizeof(*out));
}

void hap_rows_scatter_add(const struct hap_rows *from, const struct hap_rows *to,
                          int n_prompts, int d, const float *in, float *out)
{
        for (int at = 0; at < n_prompts; at++)
                hap_add((size_t)(from->start[at + 1] - from->start[at]) * d,
                        in + (size_t)from->start[at] * d, out + first_row(to, from, at) * d);
}
