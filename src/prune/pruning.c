#include "prune/pruning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "forward/counterfactual.h"
#include "forward/engine.h"
#include "prune/edge_order.h"

/* --- setting up --- */

static int list_allowed_edges(struct hap_pruning *p, const float *subgraph, struct hap_error *err)
{
        size_t n = p->graph->n_edges;

        p->allowed = calloc(n, sizeof *p->allowed);
        p->edges = calloc(n, sizeof *p->edges);
        p->result.z = calloc(n, sizeof *p->result.z);
        p->ranking = calloc(n, sizeof *p->ranking);
        if (p->options->threshold_circuit)
                p->threshold_circuit.z = calloc(n, sizeof *p->threshold_circuit.z);
        if (!p->allowed || !p->edges || !p->result.z || !p->ranking ||
            (p->options->threshold_circuit && !p->threshold_circuit.z))
                return hap_fail_memory(err, "the edges");
        for (size_t e = 0; e < n; e++) {
                p->allowed[e] = !subgraph || subgraph[e] > 0;
                if (p->allowed[e])
                        p->edges[p->n_allowed++] = (uint32_t)e;
        }
        return HAP_OK;
}

/* The wanted size must be possible within the subgraph. */
static int check_target(struct hap_pruning *p, struct hap_error *err)
{
        size_t n = p->graph->n_edges, shortest, alive;
        int rc = hap_prune_target(p->options, n, &p->n_target, &p->target, err);

        if (rc < 0)
                return rc;
        for (size_t e = 0; e < n; e++)
                p->result.z[e] = p->allowed[e];
        shortest = hap_edge_order_shortest_path(p->graph, p->result.z);
        if (shortest == 0)
                return hap_fail(err, HAP_EINPUT, "the subgraph has no path from the input to the "
                                                 "logits: select more edges");
        if (!hap_prune_has_size(p->options))
                return HAP_OK;
        alive = p->n_allowed - hap_graph_drop_dead(p->graph, p->result.z);
        if (p->n_target > alive)
                return hap_fail(err, HAP_EUSAGE, "cannot keep %zu edges of a subgraph of %zu: ask "
                                "for a sparsity of %.4g%% or more, or give a larger subgraph",
                                p->n_target, alive, 100 * (1 - (double)alive / (double)n));
        if (p->n_target < shortest)
                return hap_fail(err, HAP_EUSAGE, "cannot keep only %zu edges: the shortest path "
                                "from the input to the logits in the subgraph has %zu",
                                p->n_target, shortest);
        return HAP_OK;
}

static void hash_bytes(XXH3_state_t *state, const void *data, size_t bytes)
{
        XXH3_64bits_update(state, data, bytes);
}

/* Hashes what cut edges carry, as far as it does not follow from the prompts. */
static void hash_counterfactual(XXH3_state_t *state, const struct hap_pruning *p,
                                const struct hap_engine *engine)
{
        const struct hap_counterfactual *source = &p->prompts->items[0].counterfactual;
        int dtype = source->dtype;

        hash_bytes(state, &dtype, sizeof dtype);
        if (source->ablation->learned)
                hash_bytes(state, source->data, (size_t)engine->graph.n_writers *
                                         (size_t)engine->model->config.d_model * sizeof(float));
}

static void hash_tokens(XXH3_state_t *state, int n, const int32_t *tokens)
{
        hash_bytes(state, &n, sizeof n);
        hash_bytes(state, tokens, (size_t)n * sizeof *tokens);
}

/* Right and wrong answers, on which a metric other than KL depends. */
static void hash_answers(XXH3_state_t *state, const struct hap_example *x)
{
        hash_tokens(state, x->n_answers, x->answers);
        hash_tokens(state, x->n_wrongs, x->wrongs);
        for (int i = 0; x->whole && i < x->n_answers + x->n_wrongs; i++)
                hash_tokens(state, x->whole[i].n, x->whole[i].tokens);
}

/* The tokens, positions and answers of one example. */
static void hash_example(XXH3_state_t *state, const struct hap_pruning *p, size_t i)
{
        const struct hap_example *x = &p->prompts->examples[i];
        const size_t bytes = (size_t)x->n_tokens * sizeof *x->clean;

        hash_bytes(state, x->clean, bytes);
        hash_bytes(state, x->corrupted, bytes);
        hash_bytes(state, &x->answer_first, sizeof x->answer_first);
        hash_bytes(state, &x->n_answer_positions, sizeof x->n_answer_positions);
        if (x->whole) /* the positions of the loss, and what each can see */
                hash_bytes(state, x->whole->at, (size_t)x->whole->n * sizeof *x->whole->at);
        if (x->end)
                hash_bytes(state, x->end, (size_t)x->n_tokens * sizeof *x->end);
        if (hap_metric_with_gradient(p->options->metric) != &hap_metric_kl)
                hash_answers(state, x);
        if (p->graph->positions.n)
                hash_bytes(state, p->prompts->items[i].position, (size_t)x->n_tokens);
}

/* A hash of everything that the result depends on. */
static uint64_t identity_of(const struct hap_pruning *p, const struct hap_engine *engine)
{
        json_t *options = hap_prune_options_describe(p->options, hap_prune_exact(p->options));
        char *text = json_dumps(options, JSON_SORT_KEYS);
        XXH3_state_t *state = XXH3_createState();
        uint64_t hash = 0;

        if (state && text) {
                int recipe = p->options->recipe_row, ablation = p->options->ablation;

                XXH3_64bits_reset(state);
                hash_bytes(state, text, strlen(text));
                hash_bytes(state, &recipe, sizeof recipe);
                hash_bytes(state, &ablation, sizeof ablation);
                hash_bytes(state, &p->options->seed, sizeof p->options->seed);
                hash_bytes(state, &p->target, sizeof p->target);
                hash_bytes(state, &engine->model->fingerprint, sizeof engine->model->fingerprint);
                hash_bytes(state, p->allowed, p->graph->n_edges * sizeof *p->allowed);
                if (p->scores)
                        hash_bytes(state, p->scores, p->graph->n_edges * sizeof *p->scores);
                hash_counterfactual(state, p, engine);
                for (size_t i = 0; i < p->prompts->n; i++)
                        hash_example(state, p, i);
                hash = XXH3_64bits_digest(state);
        }
        XXH3_freeState(state);
        free(text);
        json_decref(options);
        return hash;
}

int hap_pruning_init(struct hap_pruning *pruning, const struct hap_prune_options *options,
                     const struct hap_engine *engine, const struct hap_prompts *prompts,
                     const float *subgraph, const double *scores, struct hap_error *err)
{
        int rc;

        *pruning = (struct hap_pruning){.options = options, .graph = &engine->graph,
                                        .prompts = prompts, .scores = scores, .kl = NAN,
                                        .threshold = NAN,
                                        .result = {.soft = NAN},
                                        .threshold_circuit = {.soft = NAN}};
        hap_masked_kl_init(&pruning->masked_kl, engine, prompts);
        rc = list_allowed_edges(pruning, subgraph, err);
        if (rc == HAP_OK)
                rc = check_target(pruning, err);
        if (rc < 0) {
                hap_pruning_release(pruning);
                return rc;
        }
        pruning->checkpoint.identity = identity_of(pruning, engine);
        return HAP_OK;
}

void hap_pruning_release(struct hap_pruning *pruning)
{
        hap_masked_kl_release(&pruning->masked_kl);
        free(pruning->allowed);
        free(pruning->avoid);
        free(pruning->edges);
        free(pruning->ranking);
        free(pruning->result.z);
        free(pruning->result.cost);
        free(pruning->threshold_circuit.z);
        free(pruning->threshold_circuit.cost);
        if (pruning->log)
                fclose(pruning->log);
        *pruning = (struct hap_pruning){0};
}

/* --- running --- */

int hap_pruning_run(struct hap_pruning *pruning, struct hap_error *err)
{
        return pruning->options->recipe->run(pruning, err);
}

size_t hap_prune_batch(const struct hap_pruning *pruning, long step, size_t batch,
                       bool whole, uint32_t *which)
{
        size_t n = pruning->prompts->n, per_epoch = (n + batch - 1) / batch;
        size_t of_epoch = whole ? (size_t)step % per_epoch * batch : 0;
        size_t taken = whole && of_epoch + batch > n ? n - of_epoch : batch;
        uint64_t first = whole ? (uint64_t)step / per_epoch * n + of_epoch
                               : (uint64_t)step * batch;
        uint32_t *order = calloc(n, sizeof *order);

        if (!order)
                return 0;
        hap_random_epochs(hap_prune_key(pruning, HAP_PRUNE_ORDER), n, first, taken, order, which);
        free(order);
        return taken;
}

int hap_prune_rank(const struct hap_pruning *pruning, const double *value, uint64_t i,
                   uint32_t *order, struct hap_error *err)
{
        if (hap_edge_order_sort(value, pruning->edges, pruning->n_allowed,
                           hap_prune_key(pruning, HAP_PRUNE_TIES), i, order) < 0)
                return hap_fail_memory(err, "the ranking");
        return HAP_OK;
}

size_t hap_prune_alive(const struct hap_pruning *pruning, const float *z, float *scratch)
{
        memcpy(scratch, z, pruning->graph->n_edges * sizeof *z);
        hap_graph_drop_dead(pruning->graph, scratch);
        return hap_graph_count_kept(pruning->graph, scratch);
}

void hap_prune_keep(const struct hap_pruning *pruning, const float *z, struct hap_pruned *pruned)
{
        for (size_t e = 0; e < pruning->graph->n_edges; e++)
                pruned->z[e] = z[e] > 0;
        pruned->dead = hap_graph_drop_dead(pruning->graph, pruned->z);
        pruned->kept = hap_graph_count_kept(pruning->graph, pruned->z);
}

int hap_prune_result(struct hap_pruning *pruning, const float *z, struct hap_error *err)
{
        hap_prune_keep(pruning, z, &pruning->result);
        pruning->result.exact = hap_prune_exact(pruning->options);
        if (pruning->result.kept == 0 && !hap_prune_has_size(pruning->options))
                return hap_fail(err, HAP_EINPUT, "the circuit came out empty: lower --set %s=X, or "
                                "give its size", pruning->options->recipe->sized_by);
        if (pruning->result.kept == 0)
                return hap_fail(err, HAP_EINPUT, "the circuit came out empty: no path from the "
                                "input to the logits is left; ask for a lower sparsity, train "
                                "longer (--steps) or give --exact-sparsity");
        return HAP_OK;
}

json_t *hap_pruning_describe(const struct hap_pruning *pruning, const struct hap_pruned *pruned)
{
        const struct hap_prune_options *options = pruning->options;
        double reached = 1 - (double)pruned->kept / (double)pruning->graph->n_edges;
        const bool sized = hap_prune_has_size(options);
        json_t *description =
                json_pack("{s:s, s:o, s:I, s:o*, s:o*, s:f, s:I, s:I, s:I, s:I, s:f}", "recipe",
                          options->recipe->name, "options",
                          hap_prune_options_describe(options, pruned->exact), "seed",
                          (json_int_t)options->seed, "target",
                          sized ? json_real(pruning->target) : NULL, "target_edges",
                          sized ? json_integer((json_int_t)pruning->n_target) : NULL,
                          "reached", reached, "edges",
                          (json_int_t)pruned->kept, "dead_dropped", (json_int_t)pruned->dead,
                          "subgraph_edges", (json_int_t)pruning->n_allowed, "steps",
                          (json_int_t)pruning->taken, "masked_runs", pruning->masked_kl.runs);

        if (description && !isnan(pruning->threshold))
                json_object_set_new(description, "threshold", json_real(pruning->threshold));
        if (description && pruning->masked_kl.bf16)
                json_object_set_new(description, "precision", json_string("bf16"));
        if (description && !isnan(pruned->soft))
                json_object_set_new(description, "soft_sparsity", json_real(pruned->soft));
        if (description && !isnan(pruning->kl)) {
                json_object_set_new(description, "training_kl", json_real(pruning->kl));
                json_object_set_new(description, "training_kl_on", json_integer(pruning->kl_on));
        }
        return description;
}
