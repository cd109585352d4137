#include "data/round.h"

#include <stdlib.h>

/* Places for the outputs, n_writers × n_tokens × d, and the logits, n_positions × n_out,
 * of every example and both runs; outputs and logits, [2][n], get them too. */
static int take(struct hap_round *r, const struct hap_engine *engine, void **outputs,
                float **logits, struct hap_error *err)
{
        const size_t n_out = (size_t)engine->model->config.n_out;
        const size_t width = (size_t)engine->graph.n_writers *
                             (size_t)engine->model->config.d_model;
        size_t needed = 0;
        float *at;

        for (size_t i = 0; i < r->n; i++)
                needed += 2 * (width * (size_t)r->examples[i].n_tokens +
                               n_out * (size_t)r->examples[i].n_answer_positions);
        if (needed > r->room) {
                free(r->values);
                r->values = calloc(needed, sizeof *r->values);
                r->room = r->values ? needed : 0;
        }
        if (!r->values)
                return hap_fail_memory(err, "outputs");
        at = r->values;
        for (size_t k = 0; k < 2 * r->n; k++) {
                const struct hap_example *example = r->examples + k % r->n;
                struct hap_run_values *left = r->left[k / r->n] + k % r->n;

                outputs[k] = at;
                left->outputs = at;
                at += width * (size_t)example->n_tokens;
                logits[k] = at;
                left->logits = at;
                at += n_out * (size_t)example->n_answer_positions;
        }
        return HAP_OK;
}

static int run_both(struct hap_round *r, const struct hap_engine *engine,
                    const struct hap_batches *batches, struct hap_error *err)
{
        void **outputs = calloc(2 * r->n, sizeof *outputs);
        float **logits = calloc(2 * r->n, sizeof *logits);
        int rc = HAP_OK;

        for (int side = 0; side < 2; side++) {
                free(r->left[side]);
                r->left[side] = calloc(r->n, sizeof *r->left[side]);
                if (!r->left[side] || !outputs || !logits)
                        rc = hap_fail_memory(err, "outputs");
        }
        if (rc == HAP_OK)
                rc = take(r, engine, outputs, logits, err);
        for (size_t side = 0; side < 2 && rc == HAP_OK; side++)
                rc = hap_run_whole(engine, r->examples, batches, side == 1, HAP_F32,
                                   outputs + side * r->n, logits + side * r->n, err);
        free(outputs);
        free(logits);
        return rc;
}

int hap_round_run(struct hap_round *r, const struct hap_engine *engine,
                  const struct hap_example *examples, size_t n, size_t threads,
                  struct hap_error *err)
{
        struct hap_batches batches = {0};
        int rc = HAP_OK;

        r->examples = examples;
        for (r->n = 0; rc == HAP_OK && r->n < n && !hap_batches_have(&batches, threads); r->n++)
                rc = hap_batches_add(&batches, examples + r->n, 0, err);
        if (rc == HAP_OK)
                rc = run_both(r, engine, &batches, err);
        hap_batches_release(&batches);
        return rc;
}

int hap_round_write(const struct hap_round *r, const struct hap_engine *engine,
                    enum hap_dtype dtype, struct hap_stream_out *out, struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < r->n && rc == HAP_OK; i++)
                rc = hap_cache_write(out, engine, dtype, r->examples + i, r->left[0] + i,
                                     r->left[1] + i, err);
        return rc;
}

void hap_round_release(struct hap_round *r)
{
        free(r->values);
        free(r->left[0]);
        free(r->left[1]);
        *r = (struct hap_round){0};
}
