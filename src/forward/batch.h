/* Batches: prompts that run together.
 *
 * The rows (token positions) of the prompts are concatenated in every matrix, without
 * padding. Only rows that can matter are computed: positions before the first difference
 * between clean and corrupted prompt have a = a', and the last layer's queries and MLP
 * are needed at the answer positions only. */
#ifndef HAP_FORWARD_BATCH_H
#define HAP_FORWARD_BATCH_H

#include <stdbool.h>

#include "forward/prompt.h"
#include "forward/scratch.h"

/* Some rows of each prompt: prompt i has rows start[i] … start[i + 1] - 1, which are its
 * positions first[i] and following. */
struct hap_rows {
        int n;      /* rows in all */
        int *start; /* [n_prompts + 1] */
        int *first; /* [n_prompts] */
        const struct hap_prompt *const *prompts; /* [n_prompts], not owned */
};

/* The position of row r, which is of prompt `at`: see hap_prompt.depth. */
int hap_rows_position(const struct hap_rows *rows, int at, int r);

struct hap_batch {
        int n;
        const struct hap_prompt *const *prompts; /* [n], not owned */
        bool answer_rows_only;   /* in the last layer, for queries and MLP */
        struct hap_rows rows;    /* all computed positions */
        struct hap_rows answers; /* answer positions */
};

/* Lays out the batch's rows. Memory is from the scratch; so is the message of an error. */
int hap_batch_init(struct hap_batch *batch, struct hap_scratch *scratch,
                   const struct hap_prompt *const *prompts, int n, bool answer_rows_only);

/* The first prompt with a logit that is NaN or infinite, or batch->n. logits: [answers.n][n_out] */
int hap_batch_not_finite(const struct hap_batch *batch, int n_out, const float *logits);

/* out[i] = the row of `in` at the prompt and position of row i of `to`.
 * in: [from->n][d], out: [to->n][d]; the positions of `to` are among those of `from`. */
void hap_rows_gather(const struct hap_rows *from, const struct hap_rows *to,
                     int n_prompts, int d, const float *in, float *out);
/* The row of `out` at the prompt and position of row i of `from` += in[i].
 * in: [from->n][d], out: [to->n][d]; the positions of `from` are among those of `to`. */
void hap_rows_scatter_add(const struct hap_rows *from, const struct hap_rows *to,
                          int n_prompts, int d, const float *in, float *out);

#endif
