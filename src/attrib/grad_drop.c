#include "attrib/grad_drop.h"

#include <math.h>
#include <string.h>

#include "attrib/gradient_batch.h"
#include "forward/blas.h"
#include "forward/changed_pattern.h"
#include "forward/span.h"

struct drops {
        struct hap_gradient_batch *s;
        const struct hap_method *method;
        struct hap_full_run run;
        int n;         /* backward runs: L, or 1 without dropped layers */
        float *scores; /* [n][n_edges] */
        float **d_p;   /* [n][n_layers]: d loss / d pattern of backward run i; NULL: not wanted */
};

/* Values of the pattern of one head of a layer, over the batch's prompts. */
static size_t pattern_size(const struct hap_gradient_batch *s, const struct hap_full_layer *layer)
{
        const struct hap_rows *rows = layer->heads.q_rows;
        size_t n = 0;

        for (int at = 0; at < s->batch.n; at++)
                n += (size_t)(rows->start[at + 1] - rows->start[at]) *
                     (size_t)s->batch.prompts[at]->n_tokens;
        return n;
}

static int alloc_drops(struct drops *d)
{
        struct hap_scratch *scratch = d->s->scratch;
        const struct hap_graph *g = &d->s->engine->graph;
        const size_t layers = (size_t)g->n_layers, n = (size_t)d->n;

        d->scores = hap_scratch_alloc(scratch, n * g->n_edges, sizeof *d->scores);
        d->d_p = hap_scratch_alloc(scratch, n * layers, sizeof *d->d_p);
        if (!d->scores || !d->d_p)
                return scratch->error.code;
        memset(d->scores, 0, n * g->n_edges * sizeof *d->scores);
        for (size_t i = 0; i < n * layers; i++) {
                const size_t size = (size_t)g->n_heads *
                                    pattern_size(d->s, &d->run.state->layers[i % layers]);

                d->d_p[i] = d->method->exact_patterns
                                    ? hap_scratch_alloc(scratch, size, sizeof(float)) : NULL;
                if (d->d_p[i])
                        memset(d->d_p[i], 0, size * sizeof(float));
        }
        return scratch->error.code;
}

/* Backward run i, and the scores of all edges by its gradient. */
static int run_back(struct drops *d, int i, const float *d_logits)
{
        struct hap_gradient_batch *s = d->s;
        const int layers = s->engine->graph.n_layers;
        int rc;

        for (int l = 0; l < layers; l++)
                d->run.state->layers[l].heads.d_p = d->d_p[i * layers + l];
        d->run.dropped_begin = i;
        d->run.dropped_end = d->method->drops_layers ? i + 1 : i;
        hap_gradient_clear(s);
        rc = hap_full_backward(s->scratch, &s->batch, &d->run, d_logits, s->gradient);
        return rc < 0 ? rc : hap_gradient_multiply(s, s->outputs, 1, d->scores +
                                                   (size_t)i * s->engine->graph.n_edges);
}

/* changed = x + a' − a of the writer, at the rows of one position of the graph. */
static void change_input(const struct hap_gradient_batch *s, const float *x, int writer,
                         int position, float *changed)
{
        const size_t d = (size_t)s->engine->model->config.d_model;
        const size_t values = (size_t)s->batch.rows.n * d;
        const float *delta = s->outputs + (size_t)writer * values;
        struct hap_span span = {0};

        memcpy(changed, x, values * sizeof *changed);
        while (hap_span_next(&s->engine->graph, &s->batch, &s->batch.rows, NULL, &span))
                if (span.position == position)
                        hap_add((size_t)(span.end - span.begin) * d,
                                delta + (size_t)span.begin * d, changed + (size_t)span.begin * d);
}

/* Scores of the edges from a writer into the q (which = 0) or k (1) of a layer's heads. */
static void score_pattern(const struct drops *d, const struct hap_changed_pattern *changed,
                          int which, size_t edge_offset, int writer)
{
        const struct hap_graph *g = &d->s->engine->graph;
        const int l = changed->heads.layer;
        const size_t size = pattern_size(d->s, changed->layer);

        for (int i = 0; i < d->n; i++)
                for (int h = 0; h < g->n_heads; h++) {
                        const float *d_p = d->d_p[i * g->n_layers + l] + (size_t)h * size;
                        const float *p = changed->layer->heads.p + (size_t)h * size;
                        const float *other = changed->heads.p + (size_t)h * size;
                        const size_t edge = edge_offset + hap_graph_edge(
                                g, writer, hap_graph_head_reader(g, l, which, h));
                        double sum = 0;

                        for (size_t k = 0; k < size; k++)
                                sum += ((double)other[k] - (double)p[k]) * (double)d_p[k];
                        d->scores[(size_t)i * g->n_edges + edge] = (float)sum;
                }
}

static int score_layer_patterns(const struct drops *d, int l)
{
        struct hap_gradient_batch *s = d->s;
        const struct hap_graph *g = &s->engine->graph;
        const struct hap_full_layer *layer = &d->run.state->layers[l];
        const size_t mark = s->scratch->used;
        const int n = hap_graph_in(g, hap_graph_head_reader(g, l, 0, 0));
        struct hap_changed_pattern changed;
        float *x = hap_scratch_alloc(s->scratch, (size_t)s->batch.rows.n *
                                     (size_t)s->engine->model->config.d_model, sizeof *x);
        int rc = x ? hap_changed_pattern_init(&changed, s->scratch, &s->batch, layer)
                   : s->scratch->error.code;

        hap_full_run_begin(s->scratch, &d->run);
        for (int w = 0; w < n && rc == 0; w++)
                for (int p = 0; p < g->n_positions; p++) {
                        change_input(s, layer->x, w, p, x);
                        for (int which = 0; which < 2; which++) {
                                hap_changed_pattern_run(&changed, s->scratch, &s->batch, which, x);
                                score_pattern(d, &changed, which,
                                              (size_t)p * g->edges_per_position, w);
                        }
                }
        s->scratch->used = mark;
        return hap_full_run_end(s->scratch, rc);
}

/* out += the mean of the magnitudes over the dropped layers, or the scores themselves. */
static int combine(const struct drops *d, float *out)
{
        const struct hap_attrib *attrib = d->s->attrib;
        const struct hap_graph *g = &d->s->engine->graph;
        const float weight = 1.f / (float)(g->n_layers > 1 ? g->n_layers - 1 : 1);
        float *sums = hap_scratch_alloc(d->s->scratch, attrib->width, sizeof *sums);

        if (!sums)
                return d->s->scratch->error.code;
        for (int i = 0; i < d->n; i++) {
                const float *scores = d->scores + (size_t)i * g->n_edges;

                if (!d->method->drops_layers) {
                        hap_add(g->n_edges, scores, out);
                        continue;
                }
                memset(sums, 0, attrib->width * sizeof *sums);
                for (size_t e = 0; e < g->n_edges; e++)
                        sums[attrib->options.nodes ? hap_graph_edge_from(g, e) : e] += scores[e];
                for (size_t k = 0; k < attrib->width; k++)
                        out[k] += weight * fabsf(sums[k]);
        }
        return HAP_OK;
}

/* HAP_EINPUT: the patterns of an example are not kept, because it is long. */
static int check_lengths(const struct hap_gradient_batch *s)
{
        for (int i = 0; i < s->batch.n; i++)
                if (hap_attention_is_long(&s->prompts[i]))
                        return hap_fail(&s->scratch->error, HAP_EINPUT,
                                        "cannot score example '%.200s' by %s: it has %d tokens, "
                                        "and patterns of attention are kept up to %d; use eap or "
                                        "grad-drop", s->examples[i].id,
                                        s->attrib->options.method->name, s->prompts[i].n_tokens,
                                        hap_long_prompts.length);
        return HAP_OK;
}

static int score_drops(struct hap_gradient_batch *s, float *out)
{
        const struct hap_method *method = s->attrib->options.method;
        const int layers = s->engine->graph.n_layers;
        const size_t n_logits = (size_t)s->batch.answers.n *
                                (size_t)s->engine->model->config.n_out;
        struct drops d = {.s = s, .method = method, .n = method->drops_layers ? layers : 1,
                          .run = {.outputs = s->outputs, .gradients = true,
                                  .bf16 = s->attrib->options.bf16}};
        float *d_logits = hap_scratch_alloc(s->scratch, n_logits, sizeof *d_logits);
        int rc;

        if (method->exact_patterns && check_lengths(s) < 0)
                return s->scratch->error.code;
        rc = d_logits ? hap_full_forward(s->scratch, &s->batch, &d.run)
                      : s->scratch->error.code;
        if (rc < 0 || (rc = hap_gradient_loss(s, d.run.logits, d_logits)) < 0 ||
            (rc = hap_gradient_subtract(s)) < 0 || (rc = alloc_drops(&d)) < 0)
                return rc;
        for (int i = 0; i < d.n && rc == 0; i++)
                rc = run_back(&d, i, d_logits);
        for (int l = 0; l < layers && method->exact_patterns && rc == 0; l++)
                rc = score_layer_patterns(&d, l);
        return rc < 0 ? rc : combine(&d, out);
}

int hap_method_grad_drop(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                         struct hap_error *err)
{
        return hap_gradient_batches(attrib, prompts, score_drops, err);
}
