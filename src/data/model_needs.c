#include "data/model_needs.h"

#include "data/memory_estimate.h"
#include "model/description.h"
#include "model/report.h"

static const struct {
        const char *name;
        const struct hap_memory_estimate *stage;
} stages[] = {
        {"hap-forward", &hap_memory_forward}, {"hap-attrib", &hap_memory_attrib},
        {"hap-eval", &hap_memory_eval},       {"hap-prune", &hap_memory_prune},
        {"hap-ablate", &hap_memory_ablate},
};
enum { N_STAGES = sizeof stages / sizeof *stages };

/* The number of edges of the model's graph in this form. */
static int count_edges(const struct hap_config *c, const struct hap_graph_form *form, size_t *edges,
                       struct hap_error *err)
{
        struct hap_graph graph;
        int rc = hap_graph_of_model(&graph, c, form, err);

        *edges = graph.n_edges;
        hap_graph_release(&graph);
        return rc;
}

static int make_graphs(struct hap_model_needs *needs, const struct hap_config *c,
                       struct hap_error *err)
{
        const struct hap_graph_form split = {.split_input = true}, experts = {.experts = true};
        int rc = hap_graph_of_model(&needs->graph, c, &(struct hap_graph_form){0}, err);

        if (rc == 0 && c->position_kind == HAP_POSITIONS_LEARNED)
                rc = count_edges(c, &split, &needs->split_edges, err);
        return rc < 0 || c->n_experts == 0 ? rc
                                           : count_edges(c, &experts, &needs->expert_edges, err);
}

int hap_model_needs_init(struct hap_model_needs *needs, const struct hap_model *model,
                         struct hap_error *err)
{
        const size_t n_context = (size_t)model->config.n_context;

        if (needs->tokens > n_context)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use prompts of %zu tokens: '%s' has %zu positions",
                                needs->tokens, model->path, n_context);
        if (!needs->tokens)
                needs->tokens = n_context < 32 ? n_context : 32;
        if (!needs->prompts)
                needs->prompts = 200;
        return make_graphs(needs, &model->config, err);
}

void hap_model_needs_release(struct hap_model_needs *needs)
{
        hap_graph_release(&needs->graph);
}

/* The stage on the prompts, whose outputs are kept as this or made again. */
static struct hap_memory_estimate stage_of(const struct hap_model_needs *needs, int i,
                                           enum hap_dtype dtype, enum hap_outputs outputs)
{
        struct hap_memory_estimate stage = *stages[i].stage;

        stage.prompts = needs->prompts;
        stage.tokens = needs->tokens;
        stage.positions = 1;
        stage.threads = needs->threads;
        stage.options.dtype = dtype;
        stage.options.outputs = outputs;
        return stage;
}

static void print_size(FILE *out, const char *name, size_t bytes)
{
        hap_report_line(out, name, "%.*f MB", bytes < 10000000 ? 2 : 0, (double)bytes / 1e6);
}

static double megabytes(const struct hap_memory_estimate *stage, const struct hap_model *model,
                        const struct hap_graph *graph)
{
        return (double)hap_memory_bytes(stage, model, graph) / 1e6;
}

/* If all prompts stay in memory: also their number, and the memory with outputs in f16, or none. */
static void print_stage(const struct hap_model_needs *needs, int i, const struct hap_model *model,
                        FILE *out)
{
        const struct hap_memory_estimate stage = stage_of(needs, i, HAP_F32, HAP_OUTPUTS_KEPT);
        const struct hap_memory_estimate half = stage_of(needs, i, HAP_F16, HAP_OUTPUTS_KEPT);
        const struct hap_memory_estimate none = stage_of(needs, i, HAP_F32, HAP_OUTPUTS_REMADE);
        const size_t bytes = hap_memory_bytes(&stage, model, &needs->graph);
        const char *name = stages[i].name;

        if (stage.can_halve)
                hap_report_line(out, name,
                                "%.0f MB for %zu prompts, %.0f MB with --cache-dtype f16, "
                                "%.0f MB with none", (double)bytes / 1e6, stage.prompts,
                                megabytes(&half, model, &needs->graph),
                                megabytes(&none, model, &needs->graph));
        else if (stage.batches == 0)
                hap_report_line(out, name, "%.0f MB for %zu prompts", (double)bytes / 1e6,
                                stage.prompts);
        else
                print_size(out, name, bytes);
}

void hap_model_needs_print(const struct hap_model_needs *needs, const struct hap_model *model,
                           FILE *out)
{
        const struct hap_graph *graph = &needs->graph;
        const struct hap_memory_estimate forward = stage_of(needs, 0, HAP_F32, HAP_OUTPUTS_KEPT);

        hap_report_line(out, "graph", "%d writers, %d readers, %zu edges", graph->n_writers,
                        graph->n_readers, graph->n_edges);
        if (needs->split_edges)
                hap_report_line(out, "", "%zu edges with tok and pos as two writers",
                                needs->split_edges);
        if (needs->expert_edges)
                hap_report_line(out, "", "%zu edges with each expert as a node",
                                needs->expert_edges);
        fprintf(out, "\nmemory, at most, for prompts of %zu tokens and %zu thread%s\n",
                needs->tokens, needs->threads, needs->threads == 1 ? "" : "s");
        print_size(out, "weights", hap_memory_weights(model));
        for (int i = 0; i < N_STAGES; i++)
                print_stage(needs, i, model, out);
        hap_report_line(out, "cache", "%.3g MB a prompt, as f32",
                        (double)hap_memory_record(&forward, model, graph) / 1e6);
}

int hap_model_needs_json(const struct hap_model_needs *needs, const struct hap_model *model,
                         FILE *out, struct hap_error *err)
{
        const struct hap_graph *graph = &needs->graph;
        const struct hap_memory_estimate forward = stage_of(needs, 0, HAP_F32, HAP_OUTPUTS_KEPT);
        json_t *all = hap_model_describe(model);
        json_t *memory = json_pack("{s:I, s:I, s:I, s:I, s:I}", "tokens",
                                   (json_int_t)needs->tokens, "prompts",
                                   (json_int_t)needs->prompts, "threads",
                                   (json_int_t)needs->threads, "weights",
                                   (json_int_t)hap_memory_weights(model), "cache_of_a_prompt",
                                   (json_int_t)hap_memory_record(&forward, model, graph));
        int failed = !all || !memory;

        for (int i = 0; i < N_STAGES; i++) {
                const struct hap_memory_estimate stage = stage_of(needs, i, HAP_F32, HAP_OUTPUTS_KEPT);

                failed |= json_object_set_new(memory, stages[i].name,
                                              json_integer((json_int_t)hap_memory_bytes(
                                                      &stage, model, graph)));
        }
        failed |= json_object_set_new(all, "positions", json_integer(model->config.n_context));
        failed |= json_object_set_new(all, "graph",
                                      json_pack("{s:i, s:i, s:I}", "writers", graph->n_writers,
                                                "readers", graph->n_readers, "edges",
                                                (json_int_t)graph->n_edges));
        if (needs->split_edges)
                failed |= json_object_set_new(json_object_get(all, "graph"), "edges_split_input",
                                              json_integer((json_int_t)needs->split_edges));
        if (needs->expert_edges)
                failed |= json_object_set_new(json_object_get(all, "graph"), "edges_experts",
                                              json_integer((json_int_t)needs->expert_edges));
        failed |= json_object_set_new(all, "memory", memory);
        if (!failed)
                failed = json_dumpf(all, out, JSON_COMPACT) != 0 || fputc('\n', out) == EOF;
        json_decref(all);
        return failed ? hap_fail_memory(err, "the description of a model") : HAP_OK;
}
