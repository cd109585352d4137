#include "eval/loadings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attrib/attrib.h"
#include "attrib/gradient.h"
#include "common/number.h"
#include "forward/engine.h"
#include "forward/full_run.h"
#include "forward/parallel.h"
#include "graph/nearest_name.h"

void hap_loadings_release(struct hap_loadings *loadings)
{
        free(loadings->edges);
        free(loadings->effect);
        free(loadings->loading);
        *loadings = (struct hap_loadings){0};
}

/* --- the edges --- */

/* The EAP scores of all edges, [n_edges], owned by the caller. NULL: err is set. */
static double *scores_of(const struct hap_engine *engine, const struct hap_prompts *prompts,
                         const struct hap_ablation *ablation, struct hap_error *err)
{
        static const struct hap_method eap = {.name = "eap", .runs = HAP_MEMORY_GRADIENTS,
                                              .run = hap_method_eap};
        const struct hap_attrib_options options = {.method = &eap,
                                                   .metric = &hap_metric_logit_diff,
                                                   .ablation = ablation};
        double *score = calloc(engine->graph.n_edges, sizeof *score);
        struct hap_attrib attrib;
        int rc = score ? hap_attrib_init(&attrib, engine, &options, err)
                       : hap_fail_memory(err, "scores");

        if (rc == 0) {
                rc = hap_attrib_add(&attrib, prompts, err);
                if (rc == 0)
                        hap_attrib_scores(&attrib, score);
                hap_attrib_release(&attrib);
        }
        if (rc == 0)
                return score;
        free(score);
        return NULL;
}

static int reserve(struct hap_loadings *l, size_t n, const struct hap_graph *graph,
                   struct hap_error *err)
{
        l->n_readers = graph->n_readers;
        l->edges = calloc(n + 1, sizeof *l->edges);
        l->effect = calloc(n + 1, sizeof *l->effect);
        l->loading = calloc(n * (size_t)graph->n_readers + 1, sizeof *l->loading);
        return l->edges && l->effect && l->loading ? HAP_OK : hap_fail_memory(err, "loadings");
}

/* Inserts the edge into the list of the `most` largest effects, in their order. */
static void insert(struct hap_loadings *l, size_t most, size_t edge, double effect)
{
        size_t at;

        if (l->n == most && (most == 0 || fabs(effect) <= fabs(l->effect[most - 1])))
                return;
        at = l->n < most ? l->n++ : most - 1;
        for (; at > 0 && fabs(l->effect[at - 1]) < fabs(effect); at--) {
                l->edges[at] = l->edges[at - 1];
                l->effect[at] = l->effect[at - 1];
        }
        l->edges[at] = edge;
        l->effect[at] = effect;
}

static int take_largest(struct hap_loadings *l, size_t most, const struct hap_graph *graph,
                        const double *score, struct hap_error *err)
{
        if (reserve(l, hap_min(most, graph->n_edges), graph, err) < 0)
                return err->code;
        for (size_t e = 0; e < graph->n_edges; e++)
                if (hap_graph_reader_node(graph, hap_graph_edge_reader(graph, e)) >= 0)
                        insert(l, hap_min(most, graph->n_edges), e, score[e]);
        return HAP_OK;
}

static int take_named(struct hap_loadings *l, const char *list, const struct hap_graph *graph,
                      const double *score, struct hap_error *err)
{
        char hint[HAP_HINT];
        size_t n = 1;

        for (const char *c = list; *c; c++)
                n += *c == ',';
        if (reserve(l, n, graph, err) < 0)
                return err->code;
        while (*list) {
                const size_t length = strcspn(list, ",");
                const int64_t edge = hap_graph_find_edge(graph, list, length);

                if (edge < 0)
                        return hap_fail(err, HAP_EUSAGE, "--loadings: the graph has no edge '%.*s'%s",
                                        (int)hap_min(length, HAP_NAME), list,
                                        hap_graph_hint(graph, HAP_EDGE_NAMES, list, length, hint));
                l->edges[l->n] = (size_t)edge;
                l->effect[l->n++] = score[edge];
                list += length + (list[length] == ',');
        }
        return HAP_OK;
}

/* --- the loadings --- */

struct loading_job {
        const struct hap_loadings *l;
        const struct hap_prompts *prompts;
        double *sums; /* [batches][n][n_readers] */
};

/* One batch after its backward run. */
struct loaded {
        const struct loading_job *job;
        struct hap_scratch *scratch;
        const struct hap_graph *graph;
        struct hap_batch batch;
        struct hap_full_run run;
        size_t size;     /* rows · d_model */
        float *gradient; /* [n_readers][rows][d] */
        float *node;     /* [readers of a layer][rows][d]: see hap_full_backward_node */
        float *other;    /* [rows][d] */
        double *sums;    /* [n][n_readers] */
};

/* outputs of a writer become a' − a. */
static void subtract(struct loaded *s, int writer)
{
        const struct hap_rows *rows = &s->batch.rows;
        const int d = s->scratch->engine->model->config.d_model;
        float *a = s->run.outputs + (size_t)writer * s->size;

        for (int i = 0; i < s->batch.n; i++)
                hap_counterfactual_read(&s->batch.prompts[i]->counterfactual, s->scratch->engine,
                                        s->batch.prompts[i]->n_tokens, writer, rows->first[i],
                                        rows->start[i + 1] - rows->start[i], 1,
                                        s->other + (size_t)rows->start[i] * (size_t)d);
        for (size_t j = 0; j < s->size; j++)
                a[j] = s->other[j] - a[j];
}

/* Σ over the rows where the edge is used of (a' − a) · g. */
static double effect_on(const struct loaded *s, size_t edge, const float *g)
{
        const struct hap_rows *rows = &s->batch.rows;
        const int d = s->scratch->engine->model->config.d_model;
        const float *delta = s->run.outputs +
                             (size_t)hap_graph_edge_writer(s->graph, edge) * s->size;
        double sum = 0;

        for (int i = 0; i < s->batch.n; i++)
                for (int r = rows->start[i]; r < rows->start[i + 1]; r++) {
                        const uint8_t *position = s->batch.prompts[i]->position;
                        const size_t at = (size_t)r * (size_t)d;

                        if (position && position[rows->first[i] + r - rows->start[i]] !=
                                                hap_graph_edge_position(s->graph, edge))
                                continue;
                        for (int j = 0; j < d; j++)
                                sum += (double)delta[at + (size_t)j] * (double)g[at + (size_t)j];
                }
        return sum;
}

/* Whether the edge leads into a head, or with mlp into the MLP, of the layer. */
static bool leads_into(const struct hap_graph *graph, size_t edge, int layer, bool mlp)
{
        const struct hap_node reader = hap_graph_reader(graph, hap_graph_edge_reader(graph, edge));

        return reader.kind != HAP_READS_LOGITS && reader.layer == layer &&
               (reader.kind == HAP_READS_MLP) == mlp;
}

/* Adds what reader `via` loads of the edges into a layer's heads or its MLP. */
static int load_reader(struct loaded *s, int layer, bool mlp, int via)
{
        const struct hap_loadings *l = s->job->l;
        const int first = hap_graph_head_reader(s->graph, layer, 0, 0);
        int rc;

        memset(s->node, 0,
               (size_t)hap_graph_layer_readers(s->graph) * s->size * sizeof *s->node);
        rc = hap_full_backward_node(s->scratch, &s->batch, &s->run, layer, mlp,
                                    s->gradient + (size_t)via * s->size, s->node);
        for (size_t i = 0; i < l->n && rc == 0; i++) {
                const int reader = hap_graph_edge_reader(s->graph, l->edges[i]);

                if (leads_into(s->graph, l->edges[i], layer, mlp))
                        s->sums[i * (size_t)l->n_readers + (size_t)via] +=
                                effect_on(s, l->edges[i],
                                          s->node + (size_t)(reader - first) * s->size);
        }
        return rc;
}

static int load_layer(struct loaded *s, int layer, bool mlp)
{
        const struct hap_loadings *l = s->job->l;
        const int writer = mlp ? hap_graph_mlp_writer(s->graph, layer)
                               : hap_graph_head_writer(s->graph, layer, 0);
        bool any = false;
        int rc = HAP_OK;

        for (size_t i = 0; i < l->n; i++)
                any |= leads_into(s->graph, l->edges[i], layer, mlp);
        for (int via = 0; via < s->graph->n_readers && any && rc == 0; via++)
                if (writer < hap_graph_in(s->graph, via))
                        rc = load_reader(s, layer, mlp, via);
        return rc;
}

/* Runs the batch forward and backward. */
static int run_batch(struct loaded *s, size_t begin)
{
        const struct hap_prompts *prompts = s->job->prompts;
        const size_t n_out = (size_t)s->scratch->engine->model->config.n_out;
        float *d_logits;
        int rc = hap_full_forward(s->scratch, &s->batch, &s->run);

        if (rc < 0)
                return rc;
        d_logits = hap_scratch_alloc(s->scratch, (size_t)s->batch.answers.n * n_out,
                                     sizeof *d_logits);
        if (!d_logits)
                return s->scratch->error.code;
        for (int i = 0; i < s->batch.n; i++) {
                const size_t at = (size_t)s->batch.answers.start[i] * n_out;

                hap_metric_loss(&hap_metric_logit_diff, s->batch.prompts[i],
                                prompts->examples + begin + i, (int)n_out, s->run.logits + at,
                                d_logits + at);
        }
        return hap_full_backward(s->scratch, &s->batch, &s->run, d_logits, s->gradient);
}

static int load_batch(void *context, struct hap_scratch *scratch, size_t b)
{
        const struct loading_job *job = context;
        const struct hap_graph *graph = &scratch->engine->graph;
        const size_t begin = job->prompts->batches.start[b], n = job->l->n;
        const size_t readers = (size_t)graph->n_readers;
        struct loaded s = {.job = job, .scratch = scratch, .graph = graph,
                           .run = {.gradients = true}, .sums = job->sums + b * n * readers};
        int rc = hap_batch_init(&s.batch, scratch, job->prompts->pointers + begin,
                                (int)(job->prompts->batches.start[b + 1] - begin), true);

        if (rc < 0)
                return rc;
        s.size = (size_t)s.batch.rows.n * (size_t)scratch->engine->model->config.d_model;
        s.run.outputs = hap_scratch_alloc(scratch, (size_t)graph->n_writers * s.size, sizeof(float));
        s.gradient = hap_scratch_alloc(scratch, readers * s.size, sizeof(float));
        s.node = hap_scratch_alloc(scratch, (size_t)hap_graph_layer_readers(graph) * s.size,
                                   sizeof(float));
        s.other = hap_scratch_alloc(scratch, s.size, sizeof(float));
        if (scratch->error.code < 0)
                return scratch->error.code;
        memset(s.gradient, 0, readers * s.size * sizeof *s.gradient);
        rc = run_batch(&s, begin);
        for (int w = 0; w < graph->n_writers && rc == 0; w++)
                subtract(&s, w);
        for (int layer = 0; layer < graph->n_layers && rc == 0; layer++)
                for (int mlp = 0; mlp < 2 && rc == 0; mlp++)
                        rc = load_layer(&s, layer, mlp);
        return rc;
}

static bool batch_sums(const void *context, size_t b, size_t k, struct hap_piece *piece)
{
        const struct loading_job *job = context;
        const size_t n = job->l->n * (size_t)job->l->n_readers;

        *piece = (struct hap_piece){job->sums + b * n, n * sizeof *job->sums};
        return k == 0;
}

static int load(struct hap_loadings *l, const struct hap_engine *engine,
                const struct hap_prompts *prompts, struct hap_error *err)
{
        const size_t each = l->n * (size_t)l->n_readers;
        const int logits = hap_graph_logits_reader(&engine->graph);
        struct loading_job job = {.l = l, .prompts = prompts};
        int rc;

        job.sums = calloc(prompts->batches.n * each + 1, sizeof *job.sums);
        if (!job.sums)
                return hap_fail_memory(err, "loadings");
        rc = hap_parallel(engine, prompts->batches.n, load_batch, batch_sums, &job, err);
        for (size_t b = 0; b < prompts->batches.n && rc == 0; b++)
                for (size_t i = 0; i < each; i++)
                        l->loading[i] += job.sums[b * each + i] / (double)prompts->n;
        for (size_t i = 0; i < l->n; i++)
                if (hap_graph_edge_reader(&engine->graph, l->edges[i]) == logits)
                        l->loading[i * (size_t)l->n_readers + (size_t)logits] = l->effect[i];
        free(job.sums);
        return rc;
}

int hap_loadings_find(struct hap_loadings *l, const char *list, const struct hap_engine *engine,
                      const struct hap_prompts *prompts, const struct hap_ablation *ablation,
                      struct hap_error *err)
{
        const bool is_number = strspn(list, "0123456789") == strlen(list);
        double *score = NULL;
        int64_t most = 0;
        int rc = HAP_OK;

        *l = (struct hap_loadings){0};
        if (is_number)
                rc = hap_parse_int(list, "--loadings", 1, INT32_MAX, &most, err);
        if (rc < 0 || !(score = scores_of(engine, prompts, ablation, err)))
                return err->code;
        rc = is_number ? take_largest(l, (size_t)most, &engine->graph, score, err)
                       : take_named(l, list, &engine->graph, score, err);
        free(score);
        if (rc == 0)
                rc = load(l, engine, prompts, err);
        if (rc < 0)
                hap_loadings_release(l);
        return rc;
}
