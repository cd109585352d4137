#include "prune/ablate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "common/random.h"
#include "forward/parallel.h"
#include "forward/prompt.h"
#include "prune/optimiser.h"

static size_t n_constants(const struct hap_ablate *a)
{
        return (size_t)a->engine->graph.n_writers * (size_t)a->engine->model->config.d_model;
}

/* --- prompts and their counterfactuals --- */

struct refill {
        const struct hap_ablate *ablate;
        const uint32_t *which;
};

static int refill_job(void *context, struct hap_scratch *scratch, size_t i)
{
        const struct refill *in = context;

        return hap_prompt_refill(scratch->engine, scratch,
                                 in->ablate->prompts->items + in->which[i]);
}

static bool refilled(const void *context, size_t i, size_t k, struct hap_piece *piece)
{
        const struct refill *in = context;

        return hap_prompt_piece(in->ablate->engine, in->ablate->prompts->items + in->which[i], k,
                                piece);
}

/* Runs the counterfactuals of the n prompts which[0 … n-1], all different, with the
 * constants as they are now. */
static int refill_counterfactuals(const struct hap_ablate *a, size_t n, const uint32_t *which,
                                  struct hap_error *err)
{
        struct refill in = {a, which};

        return hap_parallel(a->engine, n, refill_job, refilled, &in, err);
}

/* --- the mean KL of every case --- */

static int mean_kl_of_cases(struct hap_ablate *a, double *mean, struct hap_error *err)
{
        const size_t n = a->prompts->n;
        uint32_t *which = calloc(n, sizeof *which);
        int rc = which ? HAP_OK : hap_fail_memory(err, "constants");

        for (size_t i = 0; i < n && rc == 0; i++)
                which[i] = (uint32_t)i;
        if (rc == 0)
                rc = refill_counterfactuals(a, n, which, err);
        for (size_t c = 0; c < a->n_cases && rc == 0; c++)
                rc = hap_masked_kl_means(&a->masked_kl, 1, a->z + c * a->engine->graph.n_edges, which,
                                         n, mean + c, err);
        free(which);
        return rc;
}

/* --- descent --- */

struct descent {
        struct hap_ablate *ablate;
        size_t per_case, n;      /* runs of a step: per case, in all */
        uint32_t *order;         /* [prompts]: scratch of draw_prompts */
        uint32_t *which, *fresh; /* [n]: prompts of the runs; the different ones */
        bool *seen;              /* [prompts] */
        const float **z;         /* [n] */
        double *kl;              /* [n] */
        float *gradient, *mean, *square; /* [n_writers][d_model] */
        double *unit;            /* [n_writers]: unit of the rate */
};

/* Sets s->unit: the root mean square of each writer's mean output, or that of all writers
 * together if it is zero. */
static void find_rate_units(const struct descent *s)
{
        const struct hap_ablate *a = s->ablate;
        const size_t d = (size_t)a->engine->model->config.d_model;
        const int writers = a->engine->graph.n_writers;
        double all = 0;

        for (int w = 0; w < writers; w++) {
                double sum = 0;

                for (size_t i = 0; i < d; i++)
                        sum += (double)a->start[(size_t)w * d + i] * a->start[(size_t)w * d + i];
                s->unit[w] = sqrt(sum / (double)d);
                all += sum;
        }
        for (int w = 0; w < writers; w++)
                if (!(s->unit[w] > 0))
                        s->unit[w] = sqrt(all / (double)n_constants(a));
}

static int descent_init(struct descent *s, struct hap_ablate *a, struct hap_error *err)
{
        const size_t batch = (size_t)a->options->batch, size = n_constants(a);

        *s = (struct descent){.ablate = a};
        s->per_case = (batch + a->n_cases - 1) / a->n_cases;
        s->n = s->per_case * a->n_cases;
        s->order = calloc(a->prompts->n, sizeof *s->order);
        s->which = calloc(s->n, sizeof *s->which);
        s->fresh = calloc(s->n, sizeof *s->fresh);
        s->seen = calloc(a->prompts->n, sizeof *s->seen);
        s->z = calloc(s->n, sizeof *s->z);
        s->kl = calloc(s->n, sizeof *s->kl);
        s->gradient = calloc(size, sizeof *s->gradient);
        s->mean = calloc(size, sizeof *s->mean);
        s->square = calloc(size, sizeof *s->square);
        s->unit = calloc((size_t)a->engine->graph.n_writers, sizeof *s->unit);
        if (!s->order || !s->which || !s->fresh || !s->seen || !s->z || !s->kl ||
            !s->gradient || !s->mean || !s->square || !s->unit)
                return hap_fail_memory(err, "constants");
        for (size_t i = 0; i < s->n; i++)
                s->z[i] = a->z + i / s->per_case * a->engine->graph.n_edges;
        find_rate_units(s);
        return HAP_OK;
}

static void descent_release(struct descent *s)
{
        free(s->order);
        free(s->which);
        free(s->fresh);
        free(s->seen);
        free(s->z);
        free(s->kl);
        free(s->gradient);
        free(s->mean);
        free(s->square);
        free(s->unit);
}

/* Draws a step's prompts, each prompt once an epoch, to s->which, and the different ones of
 * them to s->fresh. Returns the number of the latter. */
static size_t draw_prompts(struct descent *s, size_t step)
{
        const struct hap_random_key key = {(uint64_t)s->ablate->options->seed, 0};
        const size_t n = s->ablate->prompts->n;
        size_t n_fresh = 0;

        hap_random_epochs(key, n, (uint64_t)step * s->n, s->n, s->order, s->which);
        memset(s->seen, 0, n * sizeof *s->seen);
        for (size_t i = 0; i < s->n; i++) {
                if (!s->seen[s->which[i]])
                        s->fresh[n_fresh++] = s->which[i];
                s->seen[s->which[i]] = true;
        }
        return n_fresh;
}

/* Updates every writer's constants by Adam. The gradient is a sum over a case's runs. */
static void update_constants(struct descent *s, size_t step)
{
        struct hap_ablate *a = s->ablate;
        const size_t d = (size_t)a->engine->model->config.d_model;
        const double factor = hap_rate_factor((long)step, 0, (long)a->options->steps);
        struct hap_adamw adam = hap_adamw_default(a->options->rate);

        adam.weight_decay = 0;
        for (size_t i = 0; i < n_constants(a); i++)
                s->gradient[i] /= (float)s->per_case;
        for (int w = 0; w < a->engine->graph.n_writers; w++) {
                const size_t at = (size_t)w * d;

                hap_adamw_step(&adam, (long)step + 1, factor * s->unit[w], d, s->gradient + at,
                               s->mean + at, s->square + at, a->values + at);
        }
}

static int descent_step(struct descent *s, size_t step, struct hap_error *err)
{
        struct hap_ablate *a = s->ablate;
        const struct hap_runs runs = {.n = s->n, .which = s->which, .z = s->z,
                                       .want_counterfactual = true};
        const size_t n_fresh = draw_prompts(s, step);
        double kl = 0;
        int rc = refill_counterfactuals(a, n_fresh, s->fresh, err);

        if (rc == 0)
                rc = hap_masked_kl_run(&a->masked_kl, &runs, s->kl, s->gradient, err);
        if (rc < 0)
                return rc;
        update_constants(s, step);
        for (size_t i = 0; i < s->n; i++)
                kl += s->kl[i] / (double)s->n;
        if (a->progress)
                a->progress(a->context, step + 1, (size_t)a->options->steps, kl);
        return HAP_OK;
}

/* --- set up and run --- */

/* Case w cuts all edges from writer w. */
static void mask_each_writer(struct hap_ablate *a)
{
        const struct hap_graph *g = &a->engine->graph;

        for (size_t w = 0; w < a->n_cases; w++)
                for (size_t e = 0; e < g->n_edges; e++)
                        a->z[w * g->n_edges + e] = hap_graph_edge_writer(g, e) != (int)w;
}

int hap_ablate_init(struct hap_ablate *a, const struct hap_ablate_options *options,
                    const struct hap_engine *engine, struct hap_prompts *prompts,
                    const float *z, struct hap_error *err)
{
        const size_t edges = engine->graph.n_edges;
        const struct hap_counterfactual mean = prompts->items[0].counterfactual;
        size_t size;

        *a = (struct hap_ablate){.options = options, .engine = engine, .prompts = prompts};
        a->n_cases = z ? 1 : (size_t)engine->graph.n_writers;
        size = n_constants(a);
        a->z = calloc(a->n_cases * edges, sizeof *a->z);
        a->values = calloc(size, sizeof *a->values);
        a->start = calloc(size, sizeof *a->start);
        a->kl = calloc(a->n_cases, sizeof *a->kl);
        a->kl_start = calloc(a->n_cases, sizeof *a->kl_start);
        hap_masked_kl_init(&a->masked_kl, engine, prompts);
        if (!a->z || !a->values || !a->start || !a->kl || !a->kl_start)
                return hap_fail_memory(err, "constants");
        if (z)
                memcpy(a->z, z, edges * sizeof *z);
        else
                mask_each_writer(a);
        memcpy(a->start, mean.data, size * sizeof *a->start);
        memcpy(a->values, a->start, size * sizeof *a->values);
        for (size_t i = 0; i < prompts->n; i++)
                prompts->items[i].counterfactual.data = a->values;
        return HAP_OK;
}

/* Puts the means back where the learned constants are no better. A single case decides about
 * all constants; otherwise each case decides about its writer's. */
static void keep_better_constants(struct hap_ablate *a)
{
        const size_t size = n_constants(a) / a->n_cases;

        for (size_t c = 0; c < a->n_cases; c++) {
                if (a->kl[c] < a->kl_start[c])
                        continue;
                a->kl[c] = a->kl_start[c];
                memcpy(a->values + c * size, a->start + c * size, size * sizeof *a->values);
        }
}

int hap_ablate_run(struct hap_ablate *a, struct hap_error *err)
{
        struct descent s;
        int rc = mean_kl_of_cases(a, a->kl_start, err);

        if (rc < 0)
                return rc;
        memcpy(a->kl, a->kl_start, a->n_cases * sizeof *a->kl);
        if (a->options->steps == 0)
                return HAP_OK;
        rc = descent_init(&s, a, err);
        for (size_t step = 0; step < (size_t)a->options->steps && rc == 0; step++)
                rc = descent_step(&s, step, err);
        descent_release(&s);
        if (rc == 0)
                rc = mean_kl_of_cases(a, a->kl, err);
        if (rc == 0)
                keep_better_constants(a);
        return rc;
}

void hap_ablate_release(struct hap_ablate *a)
{
        hap_masked_kl_release(&a->masked_kl);
        free(a->z);
        free(a->values);
        free(a->start);
        free(a->kl);
        free(a->kl_start);
        *a = (struct hap_ablate){0};
}
