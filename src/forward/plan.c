#include "forward/plan.h"

#include <string.h>

struct planner {
        struct hap_plan *plan;
        const struct hap_engine *engine;
        const struct hap_graph *graph;
        bool *wanted_writer, *wanted_reader, *live;
};

/* Whether the heads of a layer are active together, because a post-norm, or the norm of q and k,
 * needs them all. */
static bool joint_heads(const struct planner *p)
{
        const struct hap_config *config = &p->engine->model->config;

        return config->attention_post_norm || config->qk_norm_together;
}

/* flags of a layer's heads become the OR of them all. */
static void join_heads(const struct planner *p, int layer, bool *flags)
{
        const int first = hap_graph_head_writer(p->graph, layer, 0);
        bool any = false;

        if (!joint_heads(p))
                return;
        for (int h = 0; h < p->graph->n_heads; h++)
                any |= flags[first + h];
        for (int h = 0; h < p->graph->n_heads; h++)
                flags[first + h] = any;
}

static bool reader_needed(const struct planner *p, int reader, const bool *nodes)
{
        const int reader_node = hap_graph_reader_node(p->graph, reader);

        return reader_node < 0 || nodes[reader_node];
}

/* Marks the writers of open edges into one reader. */
static void mark_open(const struct planner *p, int reader, bool *writers)
{
        const uint8_t *open = p->plan->open + p->graph->edge_start[reader];

        for (int w = 0; w < hap_graph_in(p->graph, reader); w++)
                writers[w] |= open[w];
}

/* From the logits up: flags[w] is set where an open edge leads to a reader of a
 * node that is flagged itself; `seed` (or NULL) flags further ones, `within`
 * (or NULL) bounds them. */
static void sweep_up(const struct planner *p, const bool *seed, const bool *within,
                     bool *flags)
{
        const struct hap_graph *g = p->graph;
        const int group = 3 * g->n_heads;

        mark_open(p, hap_graph_logits_reader(g), flags);
        for (int w = 0; seed != NULL && w < g->n_writers; w++)
                flags[w] |= seed[w];
        for (int l = g->n_layers - 1; l >= 0; l--) {
                const int first = hap_graph_head_reader(g, l, 0, 0);

                for (int i = 0; i < g->n_mlps; i++) {
                        const int mlp = hap_graph_mlp_writer(g, l) + i;

                        if (within != NULL)
                                flags[mlp] &= within[mlp];
                        if (flags[mlp])
                                mark_open(p, hap_graph_mlp_reader(g, l) + i, flags);
                }
                join_heads(p, l, flags);
                for (int h = 0; within != NULL && h < g->n_heads; h++)
                        flags[hap_graph_head_writer(g, l, h)] &=
                                within[hap_graph_head_writer(g, l, h)];
                for (int r = first; r < first + group; r++)
                        if (flags[hap_graph_reader_node(g, r)])
                                mark_open(p, r, flags);
        }
}

static bool any_open_from(const struct planner *p, int reader, const bool *writers)
{
        const uint8_t *open = p->plan->open + p->graph->edge_start[reader];
        bool any = false;

        for (int w = 0; w < hap_graph_in(p->graph, reader); w++)
                any |= open[w] && writers[w];
        return any;
}

/* The layer, if the reader is the last of those of its heads; else -1. */
static int layer_of_last(const struct hap_graph *g, int reader)
{
        const int readers = hap_graph_layer_readers(g);

        return reader % readers == 3 * g->n_heads - 1 ? reader / readers : -1;
}

static void find_varying(const struct planner *p, const struct hap_ablation *ablation)
{
        const struct hap_graph *g = p->graph;
        bool *varies = p->plan->varies;

        for (int w = 0; w < g->n_writers; w++)
                varies[w] = !ablation->per_prompt || w < g->n_inputs ||
                            hap_graph_writer(g, w).expert >= 0;
        if (!ablation->per_prompt)
                return;
        for (int r = 0; r < g->n_readers - 1; r++) {
                varies[hap_graph_reader_node(g, r)] |= any_open_from(p, r, varies);
                if (layer_of_last(g, r) >= 0)
                        join_heads(p, layer_of_last(g, r), varies);
        }
}

/* At some position. */
static bool is_wanted(const struct planner *p, int reader, int writer)
{
        size_t edge = hap_graph_edge(p->graph, writer, reader);
        bool any = false;

        for (; edge < p->graph->n_edges; edge += p->graph->edges_per_position)
                any |= p->plan->wanted[edge];
        return any;
}

/* Wanted edges from varying writers into needed readers. */
static void find_wanted(const struct planner *p)
{
        const struct hap_graph *g = p->graph;

        for (int r = 0; p->plan->wanted != NULL && r < g->n_readers; r++) {
                if (!reader_needed(p, r, p->plan->needed))
                        continue;
                for (int w = 0; w < hap_graph_in(g, r); w++) {
                        const bool both = is_wanted(p, r, w) && p->plan->varies[w];

                        p->wanted_writer[w] |= both;
                        p->wanted_reader[r] |= both;
                }
        }
}

/* Readers that need a gradient, and the writers that pass one on. */
static void find_gradients(const struct planner *p)
{
        const struct hap_graph *g = p->graph;
        struct hap_plan *plan = p->plan;

        for (int r = 0; r < g->n_readers; r++) {
                const int reader_node = hap_graph_reader_node(g, r);

                plan->gradient[r] = reader_needed(p, r, plan->needed) &&
                                    (p->wanted_reader[r] || any_open_from(p, r, plan->flows));
                if (reader_node >= 0)
                        plan->flows[reader_node] |= plan->gradient[r];
                if (layer_of_last(g, r) >= 0)
                        join_heads(p, layer_of_last(g, r), plan->flows);
        }
}

static void find_active(const struct planner *p)
{
        const struct hap_graph *g = p->graph;
        struct hap_plan *plan = p->plan;

        sweep_up(p, p->wanted_writer, plan->varies, p->live);
        for (int w = 0; w < g->n_writers; w++)
                plan->active[w] = (p->live[w] && plan->varies[w]) || plan->flows[w];
        for (int l = 0; l < g->n_layers; l++)
                join_heads(p, l, plan->active);
        for (int w = 0; w < g->n_writers; w++) {
                plan->slots_before[w] = plan->n_slots;
                plan->slot[w] = plan->active[w] ? plan->n_slots++ : -1;
        }
        plan->slots_before[g->n_writers] = plan->n_slots;
        for (int r = 0; r < g->n_readers; r++) {
                const int reader_node = hap_graph_reader_node(g, r);

                plan->mixed[r] = (reader_node < 0 || plan->active[reader_node]) &&
                                 any_open_from(p, r, plan->active);
        }
}

/* Open at some position; NaN counts as open. */
static void find_open(const struct planner *p, const float *z)
{
        const size_t n = p->graph->edges_per_position;

        for (int position = 0; position < p->graph->n_positions; position++, z += n)
                for (size_t e = 0; e < n; e++)
                        p->plan->open[e] |= z[e] != 0;
}

static int alloc_plan(struct planner *p, struct hap_scratch *scratch)
{
        const size_t writers = (size_t)p->graph->n_writers, readers = (size_t)p->graph->n_readers;
        struct hap_plan *plan = p->plan;
        bool *flags = hap_scratch_alloc(scratch, 6 * writers + 3 * readers, sizeof(*flags));

        plan->open = hap_scratch_alloc(scratch, p->graph->edges_per_position, 1);
        plan->slot = hap_scratch_alloc(scratch, writers, sizeof(int));
        plan->slots_before = hap_scratch_alloc(scratch, writers + 1, sizeof(int));
        if (scratch->error.code < 0)
                return scratch->error.code;
        memset(flags, 0, 6 * writers + 3 * readers);
        plan->needed = flags;
        plan->varies = flags + writers;
        plan->active = flags + 2 * writers;
        plan->flows = flags + 3 * writers;
        p->live = flags + 4 * writers;
        p->wanted_writer = flags + 5 * writers;
        plan->mixed = flags + 6 * writers;
        plan->gradient = plan->mixed + readers;
        p->wanted_reader = plan->gradient + readers;
        return HAP_OK;
}

int hap_plan_make(struct hap_plan *plan, struct hap_scratch *scratch, int n_prompts,
                  const float *const *z, const bool *wanted, bool counterfactual_gradients,
                  const struct hap_ablation *ablation)
{
        struct planner p = {.plan = plan, .engine = scratch->engine, .graph = &scratch->engine->graph};
        int rc;

        *plan = (struct hap_plan){.wanted = wanted};
        rc = alloc_plan(&p, scratch);
        if (rc < 0)
                return rc;
        memset(plan->open, 0, p.graph->edges_per_position);
        for (int i = 0; i < n_prompts; i++)
                if (i == 0 || z[i] != z[i - 1])
                        find_open(&p, z[i]);
        sweep_up(&p, NULL, NULL, plan->needed);
        find_varying(&p, ablation);
        find_wanted(&p);
        for (int r = 0; counterfactual_gradients && r < p.graph->n_readers; r++)
                p.wanted_reader[r] = reader_needed(&p, r, plan->needed);
        find_gradients(&p);
        find_active(&p);
        return HAP_OK;
}
