#include "eval/roles.h"

#include <math.h>
#include <stdlib.h>

#include "metric/evaluate.h"

const struct hap_head_role hap_roles[HAP_ROLES] = {
        /* attends to a right answer and writes it to the logits, or against it */
        [HAP_MOVERS] = {"name-mover", true, HAP_TO_ANSWER, HAP_DIRECT_EFFECT},
        [HAP_NEGATIVE_MOVERS] = {"negative-name-mover", true, HAP_TO_ANSWER, HAP_AGAINST_EFFECT},
        /* attends to a repeated wrong answer and steers the movers' queries */
        {"s-inhibition", true, HAP_TO_REPEAT, HAP_QUERY_EFFECT},
        {"induction", true, HAP_TO_INDUCTION, HAP_NO_EFFECT},
        {"duplicate-token", true, HAP_TO_DUPLICATE, HAP_NO_EFFECT},
        {"previous-token", true, HAP_TO_PREVIOUS, HAP_NO_EFFECT},
        /* no mover of either kind, and writes more of the right answer once the movers are cut */
        {"backup", false, HAP_TO_PREVIOUS, HAP_GROWTH_EFFECT},
};

void hap_roles_release(struct hap_roles *roles)
{
        hap_head_values_release(&roles->values);
        for (int r = 0; r < HAP_ROLES; r++) {
                free(roles->effect[r]);
                free(roles->found[r]);
        }
        *roles = (struct hap_roles){0};
}

double hap_role_attention(const struct hap_roles *roles, int role, int head)
{
        const struct hap_head_values *v = &roles->values;

        return hap_roles[role].attends
                       ? v->mean[hap_value_attention(v, hap_roles[role].attention, head)] : NAN;
}

/* --- effects --- */

/* What the measures of effects work with. */
struct finding {
        struct hap_roles *roles;
        const struct hap_engine *engine;
        const struct hap_prompts *prompts;
        float *z;     /* [n_edges]: masks of a run */
        int *head_of; /* [n_writers]: the number of the head, or -1 */
        double full;  /* the mean logit difference of the full model in a masked run */
};

static void set_all(const struct finding *f, float z)
{
        for (size_t e = 0; e < f->engine->graph.n_edges; e++)
                f->z[e] = z;
}

/* The head of an edge's writer or -1. */
static int head_from(const struct finding *f, size_t e)
{
        return f->head_of[hap_graph_edge_writer(&f->engine->graph, e)];
}

/* Whether the edge leads into a mover's query. */
static bool is_into_mover_query(const struct finding *f, size_t e)
{
        const struct hap_graph *graph = &f->engine->graph;
        const int reader = hap_graph_edge_reader(graph, e);
        const int node = hap_graph_reader_node(graph, reader);

        return node >= 0 && hap_graph_reader(graph, reader).kind == HAP_READS_Q &&
               f->head_of[node] >= 0 && f->roles->found[HAP_MOVERS][f->head_of[node]];
}

static int measure_direct(struct finding *f, int role, double *effect, struct hap_error *err)
{
        const struct hap_head_values *v = &f->roles->values;
        const double sign = hap_roles[role].effect == HAP_AGAINST_EFFECT ? -1 : 1;

        (void)err;
        for (int h = 0; h < v->n_heads; h++)
                effect[h] = sign * v->mean[hap_value_direct(v, hap_head_of(&f->engine->graph, h))];
        return HAP_OK;
}

/* The fall of the logit difference when the edges from the head into the movers' queries are cut:
 * path patching, Wang et al. 2022, section 3.2. */
static int measure_query(struct finding *f, int role, double *effect, struct hap_error *err)
{
        const int n_heads = f->roles->values.n_heads;
        double cut;
        int rc = HAP_OK;

        for (int h = 0; h < n_heads && rc == 0; h++) {
                size_t n = 0;

                if (!(hap_role_attention(f->roles, role, h) >= HAP_ROLE_ATTENTION))
                        continue;
                set_all(f, 1);
                for (size_t e = 0; e < f->engine->graph.n_edges; e++)
                        if (head_from(f, e) == h && is_into_mover_query(f, e)) {
                                f->z[e] = 0;
                                n++;
                        }
                if (n == 0 || isnan(f->full))
                        continue;
                rc = hap_evaluate_mean(f->engine, f->prompts, f->z, &hap_metric_logit_diff, &cut,
                                       err);
                effect[h] = f->full - cut;
        }
        return rc;
}

/* What a head's direct effect gains when all edges out of the movers are cut; not of movers, for or
 * against the answer. */
static int measure_growth(struct finding *f, int role, double *effect, struct hap_error *err)
{
        const struct hap_head_values *v = &f->roles->values;
        const bool *movers = f->roles->found[HAP_MOVERS];
        const bool *against = f->roles->found[HAP_NEGATIVE_MOVERS];
        bool any = false;
        int rc;

        (void)role;
        set_all(f, 1);
        for (size_t e = 0; e < f->engine->graph.n_edges; e++)
                if (head_from(f, e) >= 0 && movers[head_from(f, e)]) {
                        f->z[e] = 0;
                        any = true;
                }
        if (!any)
                return HAP_OK;
        rc = hap_head_values_masked(v, f->engine, f->prompts, f->z, effect, err);
        for (int h = 0; h < v->n_heads && rc == 0; h++)
                effect[h] = movers[h] || against[h]
                                    ? NAN
                                    : effect[h] - v->mean[hap_value_direct(
                                              v, hap_head_of(&f->engine->graph, h))];
        return rc;
}

static int (*const measures[])(struct finding *, int, double *, struct hap_error *) = {
        [HAP_DIRECT_EFFECT] = measure_direct,
        [HAP_AGAINST_EFFECT] = measure_direct,
        [HAP_QUERY_EFFECT] = measure_query,
        [HAP_GROWTH_EFFECT] = measure_growth,
};

/* --- finding --- */

static int find_role(struct finding *f, int role, struct hap_error *err)
{
        const struct hap_head_role *row = hap_roles + role;
        struct hap_roles *roles = f->roles;
        const int n_heads = roles->values.n_heads;
        double *effect = roles->effect[role] = calloc((size_t)n_heads, sizeof *effect);
        bool *found = roles->found[role] = calloc((size_t)n_heads, sizeof *found);
        int rc = HAP_OK;

        if (!effect || !found)
                return hap_fail_memory(err, "roles");
        for (int h = 0; h < n_heads; h++)
                effect[h] = NAN;
        if (measures[row->effect])
                rc = measures[row->effect](f, role, effect, err);
        for (int h = 0; h < n_heads && rc == 0; h++)
                found[h] = (!row->attends ||
                            hap_role_attention(roles, role, h) >= HAP_ROLE_ATTENTION) &&
                           (row->effect == HAP_NO_EFFECT || effect[h] >= roles->effect_threshold);
        return rc;
}

static bool all_have_wrongs(const struct hap_prompts *prompts)
{
        for (size_t i = 0; i < prompts->n; i++)
                if (prompts->examples[i].n_wrongs == 0)
                        return false;
        return true;
}

/* Fills what the measures need. */
static int begin_finding(struct finding *f, struct hap_error *err)
{
        const struct hap_graph *graph = &f->engine->graph;

        f->z = malloc(graph->n_edges * sizeof *f->z);
        f->head_of = malloc((size_t)graph->n_writers * sizeof *f->head_of);
        f->full = NAN;
        if (!f->z || !f->head_of)
                return hap_fail_memory(err, "roles");
        for (int w = 0; w < graph->n_writers; w++) {
                const struct hap_node node = hap_graph_writer(graph, w);

                f->head_of[w] = node.kind == HAP_WRITES_HEAD
                                        ? node.layer * graph->n_heads + node.head : -1;
        }
        set_all(f, 1);
        return all_have_wrongs(f->prompts)
                       ? hap_evaluate_mean(f->engine, f->prompts, f->z, &hap_metric_logit_diff,
                                           &f->full, err) : HAP_OK;
}

int hap_roles_find(struct hap_roles *roles, const struct hap_engine *engine,
                   const struct hap_prompts *prompts, struct hap_error *err)
{
        struct finding f = {.roles = roles, .engine = engine, .prompts = prompts};
        int rc;

        *roles = (struct hap_roles){0};
        if ((rc = hap_head_values_observe(&roles->values, engine, prompts, err)) < 0)
                return rc;
        roles->effect_threshold =
                HAP_ROLE_EFFECT * fabs(roles->values.mean[hap_value_logits(&roles->values)]);
        rc = begin_finding(&f, err);
        for (int role = 0; role < HAP_ROLES && rc == 0; role++)
                rc = find_role(&f, role, err);
        free(f.z);
        free(f.head_of);
        if (rc < 0)
                hap_roles_release(roles);
        return rc;
}
