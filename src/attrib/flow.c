#include "attrib/flow.h"

#include <math.h>
#include <string.h>

#include "attrib/gradient_batch.h"
#include "forward/run_values.h"

/* c_w of one row for writers [0, n); returns their sum. x: [d]. */
static double proximities(const struct hap_gradient_batch *s, const float *x, int row, int n,
                          double *c)
{
        const int d = s->engine->model->config.d_model;
        double length = 0, sum = 0;

        for (int j = 0; j < d; j++)
                length += fabs((double)x[j]);
        for (int w = 0; w < n; w++) {
                const float *a = s->outputs + ((size_t)w * s->batch.rows.n + row) * d;
                double distance = 0;

                for (int j = 0; j < d; j++)
                        distance += fabs((double)x[j] - (double)a[j]);
                c[w] = fmax(0, length - distance);
                sum += c[w];
        }
        return sum;
}

/* Adds the shares in the stream x ([rows][d]) to the edges into readers [r, r + n_r), which all
 * read it. c: [n_writers] of scratch. */
static void add_shares(const struct hap_gradient_batch *s, const float *x, int r, int n_r,
                       double *c, float *out)
{
        const struct hap_graph *g = &s->engine->graph;
        const struct hap_rows *rows = &s->batch.rows;
        const int n = hap_graph_in(g, r), d = s->engine->model->config.d_model;
        int at = 0;

        for (int row = 0; row < rows->n; row++) {
                const double sum = proximities(s, x + (size_t)row * d, row, n, c);
                const struct hap_prompt *prompt;
                size_t position;

                while (row >= rows->start[at + 1])
                        at++;
                prompt = s->batch.prompts[at];
                position = prompt->position && g->n_positions > 1
                                   ? prompt->position[row - rows->start[at] + rows->first[at]] : 0;
                for (int i = 0; i < n_r && sum > 0; i++)
                        for (int w = 0; w < n; w++)
                                out[position * g->edges_per_position +
                                    hap_graph_edge(g, w, r + i)] +=
                                        (float)(c[w] / sum / prompt->n_tokens);
        }
}

static int score_flow(struct hap_gradient_batch *s, float *out)
{
        const struct hap_graph *g = &s->engine->graph;
        struct hap_full_run run = {.outputs = s->outputs, .gradients = true,
                                   .bf16 = s->attrib->options.bf16};
        double *c = hap_scratch_alloc(s->scratch, (size_t)g->n_writers, sizeof *c);
        int rc = c ? hap_full_forward(s->scratch, &s->batch, &run) : s->scratch->error.code;
        int bad;

        if (rc < 0)
                return rc;
        bad = hap_batch_not_finite(&s->batch, s->engine->model->config.n_out, run.logits);
        if (bad < s->batch.n)
                return hap_attrib_not_finite(s->scratch, s->examples + bad);
        for (int l = 0; l < g->n_layers; l++) {
                add_shares(s, hap_full_stream(s->engine, &run, 2 * l),
                           hap_graph_head_reader(g, l, 0, 0), 3 * g->n_heads, c, out);
                add_shares(s, hap_full_stream(s->engine, &run, 2 * l + 1),
                           hap_graph_mlp_reader(g, l), g->n_mlps, c, out);
        }
        add_shares(s, hap_full_stream(s->engine, &run, 2 * g->n_layers),
                   hap_graph_logits_reader(g), 1, c, out);
        return HAP_OK;
}

int hap_method_ifr(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err)
{
        return hap_gradient_batches(attrib, prompts, score_flow, err);
}
