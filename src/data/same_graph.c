#include "data/same_graph.h"

#include "model/description.h"

int hap_check_same_graph(const struct hap_engine *engine, const char *examples_name,
                         const json_t *header, const struct hap_graph *graph, const char *name,
                         struct hap_error *err)
{
        const struct hap_graph *ours = &engine->graph;
        char their_positions[HAP_POSITIONS_TEXT], our_positions[HAP_POSITIONS_TEXT];
        int rc = hap_model_check(engine->model, header, name, err);

        if (rc < 0)
                return rc;
        if (!hap_positions_equal(&graph->positions, &ours->positions))
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': it %s, but here the graph %s",
                                name, hap_positions_text(&graph->positions, their_positions),
                                hap_positions_text(&ours->positions, our_positions));
        if (graph->split_input != ours->split_input)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': it was made %s --split-input, "
                                "but here the graph has a %s input", name,
                                graph->split_input ? "with" : "without",
                                graph->split_input ? "joined" : "split");
        if ((graph->n_experts > 0) != (ours->n_experts > 0))
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': it was made %s --experts, but "
                                "here the graph has %s as nodes", name,
                                graph->n_experts ? "with" : "without",
                                ours->n_experts ? "experts" : "MLPs");
        if (!hap_graph_equal(graph, ours))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': its graph has %zu edges, that of '%s' has %zu",
                                name, graph->n_edges, examples_name, ours->n_edges);
        return HAP_OK;
}
