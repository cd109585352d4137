#include "attrib/path.h"

#include <math.h>
#include <string.h>

#include "attrib/gradient_batch.h"

/* --- conductance --- */

struct conductance {
        struct hap_gradient_batch *s;
        float *here, *next; /* [n_writers][rows][d]: a(k) and a(k + 1) */
        float *out;
};

/* Adds the scores of the step from `here` to `to`, by the gradient at `here`; overwrites here. */
static int add_step(const struct conductance *c, const float *to)
{
        struct hap_gradient_batch *s = c->s;
        const size_t n = (size_t)s->engine->graph.n_writers * (size_t)s->batch.rows.n *
                         (size_t)s->engine->model->config.d_model;

        for (size_t i = 0; i < n; i++)
                c->here[i] -= to[i];
        return hap_gradient_multiply(s, c->here, 1, c->out);
}

/* The run with input a' + α (a − a'): scores the step to it, if there is a point before it, and
 * leaves its outputs in `here` and its gradient in s->gradient. */
static int next_point(struct conductance *c, double alpha, bool first)
{
        struct hap_gradient_batch *s = c->s;
        struct hap_full_run run = {.override_end = s->engine->graph.n_inputs,
                                   .override_alpha = (float)alpha,
                                   .override_clean = s->outputs, .outputs = c->next,
                                   .gradients = true, .bf16 = s->attrib->options.bf16};
        const size_t mark = s->scratch->used;
        float *swap = c->here;
        int rc = hap_full_forward(s->scratch, &s->batch, &run);

        if (rc == 0 && !first)
                rc = add_step(c, c->next);
        hap_gradient_clear(s);
        if (rc == 0)
                rc = hap_gradient_back(s, &run);
        c->here = c->next;
        c->next = swap;
        s->scratch->used = mark;
        return rc;
}

static int score_conductance(struct hap_gradient_batch *s, float *out)
{
        const int steps = s->attrib->options.steps;
        struct conductance c = {s, hap_gradient_outputs(s), hap_gradient_outputs(s), out};
        int rc;

        if (!c.here || !c.next)
                return s->scratch->error.code;
        rc = hap_gradient_clean_run(s, false);
        for (int k = 0; k < steps && rc == 0; k++)
                rc = next_point(&c, (double)k / steps, k == 0);
        return rc < 0 ? rc : add_step(&c, s->outputs);
}

int hap_method_conductance(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                           struct hap_error *err)
{
        return hap_gradient_batches(attrib, prompts, score_conductance, err);
}

/* --- EAP-GP --- */

struct gradient_path {
        struct hap_gradient_batch *s;
        float *x;        /* [rows][d]: the point, token embeddings */
        float *d_x;      /* [rows][d] */
        float *target;   /* [answers][n_out]: logits of the counterfactual input */
        float *d_logits; /* [answers][n_out] */
};

static size_t n_logits(const struct hap_gradient_batch *s)
{
        return (size_t)s->batch.answers.n * (size_t)s->engine->model->config.n_out;
}

static int find_target(struct gradient_path *path)
{
        struct hap_gradient_batch *s = path->s;
        struct hap_full_run run = {.override_end = s->engine->graph.n_inputs,
                                   .override_clean = s->outputs,
                                   .bf16 = s->attrib->options.bf16};
        const size_t mark = s->scratch->used;
        int rc = hap_full_forward(s->scratch, &s->batch, &run);

        if (rc == 0)
                memcpy(path->target, run.logits, n_logits(s) * sizeof *path->target);
        s->scratch->used = mark;
        return rc;
}

/* x −= d/|d| for each prompt, unless d is zero. */
static void step(const struct gradient_path *path)
{
        const struct hap_rows *rows = &path->s->batch.rows;
        const size_t d = (size_t)path->s->engine->model->config.d_model;

        for (int at = 0; at < path->s->batch.n; at++) {
                const size_t begin = (size_t)rows->start[at] * d, end = (size_t)rows->start[at + 1] * d;
                double squares = 0;

                for (size_t i = begin; i < end; i++)
                        squares += (double)path->d_x[i] * (double)path->d_x[i];
                for (size_t i = begin; i < end && squares > 0; i++)
                        path->x[i] = (float)(path->x[i] - path->d_x[i] / sqrt(squares));
        }
}

/* At the point x: adds the gradient of the loss if `counted`, and makes the next step if `go`. */
static int visit(struct gradient_path *path, bool counted, bool go)
{
        struct hap_gradient_batch *s = path->s;
        struct hap_full_run run = {.override_end = 1, .override_alpha = 1,
                                   .override_clean = path->x, .gradients = true,
                                   .d_input = path->d_x, .bf16 = s->attrib->options.bf16};
        const size_t mark = s->scratch->used;
        int rc = hap_full_forward(s->scratch, &s->batch, &run);

        if (rc == 0 && counted) {
                rc = hap_gradient_back(s, &run);
                s->n_runs++;
        }
        for (size_t i = 0; rc == 0 && i < n_logits(s); i++)
                path->d_logits[i] = run.logits[i] - path->target[i];
        if (rc == 0 && go) {
                rc = hap_full_backward(s->scratch, &s->batch, &run, path->d_logits, NULL);
                if (rc == 0)
                        step(path);
        }
        s->scratch->used = mark;
        return rc;
}

static int gradient_path_runs(struct hap_gradient_batch *s)
{
        const size_t values = (size_t)s->batch.rows.n * (size_t)s->engine->model->config.d_model;
        const int steps = s->attrib->options.steps;
        struct gradient_path path = {
                .s = s,
                .x = hap_scratch_alloc(s->scratch, values, sizeof(float)),
                .d_x = hap_scratch_alloc(s->scratch, values, sizeof(float)),
                .target = hap_scratch_alloc(s->scratch, n_logits(s), sizeof(float)),
                .d_logits = hap_scratch_alloc(s->scratch, n_logits(s), sizeof(float)),
        };
        int rc = s->scratch->error.code < 0 ? s->scratch->error.code
                                            : hap_gradient_clean_run(s, false);

        if (rc == 0)
                rc = find_target(&path);
        if (rc < 0)
                return rc;
        memcpy(path.x, s->outputs, values * sizeof *path.x);
        for (int k = 0; k <= steps && rc == 0; k++)
                rc = visit(&path, k > 0, k < steps);
        return rc;
}

int hap_method_eap_gp(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                      struct hap_error *err)
{
        return hap_gradient_scores(attrib, prompts, gradient_path_runs, err);
}
