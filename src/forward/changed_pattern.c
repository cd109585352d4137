#include "forward/changed_pattern.h"

#include "forward/norm.h"
#include "forward/product.h"

int hap_changed_pattern_init(struct hap_changed_pattern *changed, struct hap_scratch *scratch,
                             const struct hap_batch *batch, const struct hap_full_layer *layer)
{
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const struct hap_heads *full = &layer->heads;

        *changed = (struct hap_changed_pattern){
                .layer = layer,
                .heads = {.layer = full->layer, .n = full->n, .head = full->head, .kv = full->kv,
                          .n_kv = full->n_kv, .q_rows = full->q_rows, .kv_rows = full->kv_rows},
                .xq = hap_scratch_alloc(scratch, (size_t)layer->out_rows->n * d, sizeof(float)),
                .mean = hap_scratch_alloc(scratch, (size_t)batch->rows.n, sizeof(float)),
                .rstd = hap_scratch_alloc(scratch, (size_t)batch->rows.n, sizeof(float)),
        };
        return hap_heads_alloc(&changed->heads, scratch, batch, true);
}

/* y = rstd · (x Wᵀ) + b at n rows, with the statistics of x. */
static void project(struct hap_changed_pattern *changed, struct hap_scratch *scratch,
                    const struct hap_linear *linear, int n, const float *x, float *y)
{
        const struct hap_config *config = &scratch->engine->model->config;
        const int width = linear->weight.rows;

        hap_input_stats(config, n, config->d_model, x, changed->mean, changed->rstd);
        hap_product_forward(scratch, hap_block_all(&linear->weight), n, x, config->d_model, 0, y,
                            width);
        hap_scale_rows(n, width, changed->rstd, linear->bias, y, width);
}

void hap_changed_pattern_run(struct hap_changed_pattern *changed, struct hap_scratch *scratch,
                             const struct hap_batch *batch, int which, const float *x)
{
        const struct hap_full_layer *full = changed->layer;
        const struct hap_layer *layer = &scratch->engine->model->layers[full->heads.layer];
        struct hap_heads run = changed->heads;

        run.v = full->heads.v;
        if (which == 0) {
                run.k = full->heads.k;
                if (full->answer_rows_only) {
                        hap_rows_gather(&batch->rows, full->out_rows, batch->n,
                                        scratch->engine->model->config.d_model, x, changed->xq);
                        x = changed->xq;
                }
                project(changed, scratch, &layer->q, full->out_rows->n, x, run.q);
        } else {
                run.q = full->heads.q;
                project(changed, scratch, &layer->k, batch->rows.n, x, run.k);
        }
        for (int i = 0; i < (which == 0 ? run.n : run.n_kv); i++)
                hap_heads_rotate(scratch->engine, &run, which, i);
        hap_heads_rotate_together(scratch->engine, &run, which);
        hap_heads_attend(scratch->engine, batch, &run, true);
}
