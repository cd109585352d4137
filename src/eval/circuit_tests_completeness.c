/* Completeness (Wang et al. 2022, section 4.2 and appendix): for every subset K of the circuit C,
 * the circuit without K should do as the model M without K. The incompleteness score of K is
 * |F(C without K) − F(M without K)|, F the mean score. Sets: the empty one, random subsets, and
 * their greedy search: in each of 10 steps, add that one of 5 random edges of C that makes the
 * score largest.
 *
 * Here K is a set of edges, and random subsets have a size that is uniform from 1 to |C|, because
 * uniform subsets of many edges all have half of them. As a hypothesis: the equivalence test of
 * hap_equivalence_p between C without K and M without K for every set tried, with Holm's
 * correction over all of them, so that the search is paid for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/circuit_tests.h"
#include "common/distributions.h"
#include "forward/engine.h"

enum { RANDOM_SETS = 10, STEPS = 10, CANDIDATES = 5, MAX_SETS = 1 + RANDOM_SETS + STEPS * CANDIDATES };

/* A set that was tried. */
struct trial {
        double circuit, model, score, share, p;
        size_t size;     /* of K */
        const char *kind;
        bool listed;     /* has a record */
};

struct search {
        struct hap_circuit_testing *t;
        bool *out;       /* [n_edges]: K */
        float *z;        /* [n_edges], scratch */
        size_t *kept;    /* edges of C, [n] */
        uint32_t *order; /* [n], scratch */
        size_t n;
        double *a, *b;   /* [prompts->n], scratch */
        struct trial trials[MAX_SETS];
        size_t n_trials;
        double worst;    /* the largest score, and its K: */
        bool *worst_out;
};

static double mean_of(const double *x, size_t n)
{
        double sum = 0;

        for (size_t i = 0; i < n; i++)
                sum += x[i];
        return sum / (double)n;
}

static int scores_without(struct search *s, bool of_circuit, double *scores, struct hap_error *err)
{
        const size_t n_edges = s->t->engine->graph.n_edges;

        for (size_t e = 0; e < n_edges; e++)
                s->z[e] = s->out[e] ? 0 : of_circuit ? s->t->z[e] : 1;
        return hap_test_scores(s->t, s->z, scores, err);
}

/* Compares circuit and model without the current K. */
static int try_set(struct search *s, const char *kind, bool listed, struct trial **trial,
                   struct hap_error *err)
{
        const size_t n = s->t->prompts->n, n_edges = s->t->engine->graph.n_edges;
        struct trial *now = s->trials + s->n_trials;
        double wins;
        int rc = scores_without(s, true, s->a, err);

        if (rc == 0)
                rc = scores_without(s, false, s->b, err);
        if (rc < 0)
                return rc;
        s->n_trials++;
        wins = hap_test_wins(s->a, s->b, n);
        *now = (struct trial){.circuit = mean_of(s->a, n), .model = mean_of(s->b, n), .kind = kind,
                              .listed = listed, .share = wins / (double)n,
                              .p = hap_equivalence_p(n, wins, HAP_TEST_EPSILON)};
        now->score = fabs(now->circuit - now->model);
        for (size_t e = 0; e < n_edges; e++)
                now->size += s->out[e];
        if (now->score > s->worst) {
                s->worst = now->score;
                memcpy(s->worst_out, s->out, n_edges * sizeof *s->out);
        }
        *trial = now;
        return HAP_OK;
}

static int try_random(struct search *s, struct hap_error *err)
{
        const struct hap_random_key key = {s->t->seed, 0xc0de};
        struct trial *trial;
        int rc = HAP_OK;

        for (uint64_t i = 0; i < RANDOM_SETS && rc == 0; i++) {
                const size_t size = 1 + (size_t)(hap_random_uniform(key, i, 0) * (double)s->n);

                memset(s->out, 0, s->t->engine->graph.n_edges * sizeof *s->out);
                hap_random_shuffle(key, RANDOM_SETS + i, s->n, s->order);
                for (size_t k = 0; k < size && k < s->n; k++)
                        s->out[s->kept[s->order[k]]] = true;
                rc = try_set(s, "random", true, &trial, err);
        }
        return rc;
}

/* Adds to K the one of some random edges that makes the score largest. */
static int greedy_step(struct search *s, struct hap_random_key key, uint64_t step,
                       struct hap_error *err)
{
        struct trial *best = NULL, *trial;
        size_t tried = 0, edge = 0;

        hap_random_shuffle(key, step, s->n, s->order);
        for (size_t k = 0; k < s->n && tried < CANDIDATES; k++) {
                const size_t e = s->kept[s->order[k]];
                int rc;

                if (s->out[e])
                        continue;
                s->out[e] = true;
                rc = try_set(s, "greedy", false, &trial, err);
                s->out[e] = false;
                if (rc < 0)
                        return rc;
                tried++;
                if (!best || trial->score > best->score) {
                        best = trial;
                        edge = e;
                }
        }
        if (best) {
                best->listed = true;
                s->out[edge] = true;
        }
        return HAP_OK;
}

static int try_greedy(struct search *s, struct hap_error *err)
{
        const struct hap_random_key key = {s->t->seed, 0x93ed};
        int rc = HAP_OK;

        memset(s->out, 0, s->t->engine->graph.n_edges * sizeof *s->out);
        for (uint64_t step = 0; step < STEPS && rc == 0; step++)
                rc = greedy_step(s, key, step, err);
        return rc;
}

/* The names of the worst K's edges. */
static json_t *worst_names(const struct search *s)
{
        const struct hap_graph *graph = &s->t->engine->graph;
        json_t *names = json_array();
        char name[HAP_NAME];

        for (size_t e = 0; e < graph->n_edges; e++)
                if (s->worst_out[e]) {
                        hap_graph_edge_name(graph, e, name);
                        json_array_append_new(names, json_string(name));
                }
        return names;
}

static int report_sets(struct search *s, struct hap_error *err)
{
        double p[MAX_SETS], smallest = 1;
        json_t *record;

        for (size_t i = 0; i < s->n_trials; i++)
                p[i] = s->trials[i].p;
        if (hap_holm(p, s->n_trials, s->n_trials, p) < 0)
                return hap_fail_memory(err, "p-values");
        for (size_t i = 0; i < s->n_trials; i++) {
                const struct trial *trial = s->trials + i;

                smallest = fmin(smallest, p[i]);
                if (!trial->listed)
                        continue;
                record = hap_test_record(s->t, "completeness");
                if (!record || json_object_update_new(record, json_pack(
                            "{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "set", trial->kind, "edges",
                            (json_int_t)trial->size, "circuit_score", trial->circuit,
                            "model_score", trial->model, "statistic", trial->score, "share",
                            trial->share, "p", trial->p, "p_holm", p[i])))
                        return hap_fail_memory(err, "a record");
        }
        record = hap_test_record(s->t, "completeness");
        if (record)
                json_object_update_new(record, json_pack("{s:I, s:o}", "sets",
                                                         (json_int_t)s->n_trials, "worst",
                                                         worst_names(s)));
        return hap_test_result(record, fmax(s->worst, 0), smallest, smallest >= s->t->alpha, err);
}

int hap_test_completeness(struct hap_circuit_testing *t, struct hap_error *err)
{
        const size_t n_edges = t->engine->graph.n_edges;
        struct search s = {.t = t, .out = calloc(n_edges, sizeof *s.out), .worst = -1,
                           .worst_out = calloc(n_edges, sizeof *s.worst_out),
                           .z = malloc(n_edges * sizeof *s.z),
                           .kept = calloc(n_edges, sizeof *s.kept),
                           .order = calloc(n_edges, sizeof *s.order),
                           .a = calloc(t->prompts->n + 1, sizeof *s.a),
                           .b = calloc(t->prompts->n + 1, sizeof *s.b)};
        struct trial *trial;
        int rc = HAP_OK;

        if (!s.out || !s.worst_out || !s.z || !s.kept || !s.order || !s.a || !s.b)
                rc = hap_fail_memory(err, "sets of edges");
        for (size_t e = 0; e < n_edges && rc == 0; e++)
                if (t->z[e] > 0)
                        s.kept[s.n++] = e;
        if (rc == 0)
                rc = try_set(&s, "empty", true, &trial, err);
        if (rc == 0 && s.n > 0)
                rc = try_random(&s, err);
        if (rc == 0)
                rc = try_greedy(&s, err);
        if (rc == 0)
                rc = report_sets(&s, err);
        free(s.out);
        free(s.worst_out);
        free(s.z);
        free(s.kept);
        free(s.order);
        free(s.a);
        free(s.b);
        return rc;
}
