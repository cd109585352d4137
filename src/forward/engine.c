#include "forward/engine.h"

#include <stddef.h>
#include <stdlib.h>

#include "common/mpi_layers.h"
#include "forward/attention.h"
#include "forward/bf16.h"
#include "forward/parallel.h"
#include "model/kept.h"

/* A row of W ([d]): *shift = W · norm.bias, W *= norm.gain per column, and for LayerNorm W −= its
 * mean, which makes W x equal to W (x − mean(x)). Returns that mean. */
static double fold_row(const struct hap_norm *norm, bool centre, int d, float *row, double *shift)
{
        double mean = 0;

        *shift = 0;
        for (int i = 0; i < d; i++) {
                if (norm->bias != NULL)
                        *shift += (double)row[i] * norm->bias[i];
                if (norm->gain != NULL)
                        row[i] *= norm->gain[i];
                mean += row[i];
        }
        mean /= d;
        for (int i = 0; centre && i < d; i++)
                row[i] = (float)(row[i] - mean);
        return mean;
}

#define ROWS 64 /* of a kept matrix that are converted at a time */

/* Folds a norm into all rows of W. Of a kept matrix only the means and biases are computed;
 * hap_matrix_read does the rest whenever values are read. */
static int fold_rows(const struct hap_norm *norm, bool centre, const struct hap_matrix *w,
                     double *means, float *bias)
{
        const int d = w->columns;
        int failed = 0;

#pragma omp parallel for schedule(static) reduction(|:failed)
        for (int from = 0; from < w->rows; from += ROWS) {
                const int n = w->rows - from < ROWS ? w->rows - from : ROWS;
                float *buffer = w->data ? NULL : calloc((size_t)n * (size_t)d, sizeof(*buffer));
                float *rows = w->data ? w->data + (size_t)from * (size_t)d : buffer;

                failed |= rows == NULL;
                if (buffer != NULL)
                        hap_matrix_read(w, from, n, 0, d, buffer);
                for (int o = 0; rows != NULL && o < n; o++) {
                        double shift;
                        const double mean = fold_row(norm, centre, d, rows + (size_t)o * d, &shift);

                        if (means != NULL)
                                means[from + o] = mean;
                        if (bias != NULL)
                                bias[from + o] = (float)(bias[from + o] + shift);
                }
                free(buffer);
        }
        return failed ? -1 : 0;
}

static int fold_norm(struct hap_engine *engine, const struct hap_norm *norm,
                     struct hap_linear *linear)
{
        const struct hap_config *config = &engine->model->config;
        const bool centre = config->norm == HAP_NORM_LAYER;
        const size_t rows = (size_t)linear->weight.rows;
        struct hap_kept *kept = linear->weight.kept;
        double *means = NULL;

        if (!hap_matrix_exists(&linear->weight) || config->norm == HAP_NORM_NONE ||
            !config->pre_norm)
                return 0;
        if (norm->bias != NULL && linear->bias == NULL) {
                linear->bias = hap_arena_alloc(&engine->arena, rows, sizeof(float));
                if (linear->bias == NULL)
                        return -1;
        }
        if (kept != NULL && centre &&
            (means = hap_arena_alloc(&engine->arena, rows, sizeof(*means))) == NULL)
                return -1;
        if ((kept == NULL || centre || norm->bias != NULL) &&
            fold_rows(norm, centre, &linear->weight, means, linear->bias) < 0)
                return -1;
        if (kept != NULL) {
                kept->gain = norm->gain;
                kept->mean = means;
        }
        return 0;
}

static int fold_layer(struct hap_engine *engine, struct hap_layer *layer)
{
        int rc = 0;

        rc |= fold_norm(engine, &layer->attention_norm, &layer->q);
        rc |= fold_norm(engine, &layer->attention_norm, &layer->k);
        rc |= fold_norm(engine, &layer->attention_norm, &layer->v);
        rc |= fold_norm(engine, &layer->mlp_norm, &layer->in);
        rc |= fold_norm(engine, &layer->mlp_norm, &layer->gate);
        rc |= fold_norm(engine, &layer->mlp_norm, &layer->router);
        for (int e = 0; e < engine->model->config.n_experts && rc == 0; e++) {
                rc |= fold_norm(engine, &layer->mlp_norm, &layer->experts[e].in);
                rc |= fold_norm(engine, &layer->mlp_norm, &layer->experts[e].gate);
        }
        return rc;
}

/* Rotary tables; layers with the same frequencies and scale share one. */
static int fill_rotary_tables(struct hap_engine *engine)
{
        const struct hap_config *config = &engine->model->config;
        const struct hap_layer *layers = engine->model->layers;
        const size_t half = (size_t)config->n_rotary / 2;

        if (config->position_kind != HAP_POSITIONS_ROTARY)
                return 0;
        engine->n_rotary_positions = config->n_context < 1024 ? config->n_context : 1024;
        engine->rotary = hap_arena_alloc(&engine->arena, (size_t)config->n_layers,
                                         sizeof(*engine->rotary));
        for (int l = 0; engine->rotary != NULL && l < config->n_layers; l++) {
                float *table;
                int same = 0;

                while (layers[same].rotary_frequency != layers[l].rotary_frequency ||
                       layers[same].rotary_scale != layers[l].rotary_scale)
                        same++;
                engine->rotary[l] = engine->rotary[same];
                if (same < l || layers[l].rotary_frequency == NULL)
                        continue;
                table = hap_arena_alloc(&engine->arena,
                                        2 * half * (size_t)engine->n_rotary_positions,
                                        sizeof(*table));
                if (table == NULL)
                        return -1;
                hap_rotary_fill(&layers[l], (int)half, engine->n_rotary_positions, table);
                engine->rotary[l] = table;
        }
        return engine->rotary == NULL ? -1 : 0;
}

static int prepare_graph(struct hap_engine *engine, const struct hap_graph_form *form,
                         struct hap_error *err)
{
        const struct hap_config *config = &engine->model->config;

        if (form->split_input && config->position_kind != HAP_POSITIONS_LEARNED)
                return hap_fail(err, HAP_EUSAGE,
                                "cannot split the input of '%s': it has no learned positions",
                                engine->model->path);
        if (form->experts && (config->n_experts == 0 || config->mlp_post_norm))
                return hap_fail(err, HAP_EUSAGE, "cannot make the experts of '%s' nodes: %s",
                                engine->model->path, config->n_experts == 0 ? "it has none"
                                : "a norm follows their sum");
        if (form->experts && hap_mpi_layers_divided())
                return hap_fail(err, HAP_EUSAGE, "experts as nodes do not run with "
                                "--layers-over-ranks");
        return hap_graph_of_model(&engine->graph, config, form, err);
}

static int prepare_engine(struct hap_engine *engine, const struct hap_graph_form *form,
                          struct hap_error *err)
{
        const int rc = prepare_graph(engine, form, err);

        if (rc < 0)
                return rc;
        engine->pool = hap_pool_new();
        if (engine->pool == NULL || fill_rotary_tables(engine) < 0)
                return hap_fail_memory(err, "an engine");
        for (int l = 0; l < engine->model->config.n_layers; l++)
                if (fold_layer(engine, &engine->model->layers[l]) < 0)
                        return hap_fail_memory(err, "folded norms");
        return HAP_OK;
}

int hap_engine_init(struct hap_engine *engine, struct hap_model *model,
                    const struct hap_graph_form *form, struct hap_error *err)
{
        const struct hap_graph_form joined = {0};
        int rc;

        *engine = (struct hap_engine){.model = model};
        hap_arena_init(&engine->arena);
        rc = prepare_engine(engine, form != NULL ? form : &joined, err);
        if (rc < 0)
                hap_engine_release(engine);
        return rc;
}

int hap_engine_use_bf16(struct hap_engine *engine, struct hap_error *err)
{
        if (engine->model->config.n_experts > 0)
                return hap_fail(err, HAP_EUSAGE,
                                "products in BF16 are not supported for mixtures of experts");
        return engine->bf16 ? HAP_OK : hap_bf16_new(&engine->bf16, engine->model, err);
}

/* The caller reads engine->model to see whether the engine exists. */
void hap_engine_release(struct hap_engine *engine)
{
        hap_bf16_free(engine->bf16);
        hap_pool_free(engine->pool);
        hap_graph_release(&engine->graph);
        hap_arena_release(&engine->arena);
        *engine = (struct hap_engine){0};
}
