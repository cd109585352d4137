#include "convert/exchange_edges.h"

#include "common/header.h"

static bool is_wanted(const json_t *header, const char *kind)
{
        return kind ? hap_header_is(header, kind)
                    : hap_header_is(header, "scores") || hap_header_is(header, "circuit");
}

int hap_exchange_one(struct hap_stream_in *in, const char *kind, struct hap_edges *edges,
                     struct hap_error *err)
{
        bool found = false;
        json_t *header;
        int rc;

        *edges = (struct hap_edges){0};
        while ((rc = hap_stream_in_section(in, &header, err)) > 0) {
                if (!is_wanted(header, kind))
                        continue;
                if (found)
                        rc = hap_fail(err, HAP_EINPUT, "cannot convert '%s': there is a second "
                                      "section of edges, and the file has only one",
                                      hap_stream_in_name(in));
                else if ((rc = hap_edges_read(in, header, edges, err)) == 0)
                        found = true;
                if (rc < 0)
                        break;
        }
        if (rc == 0 && !found)
                return hap_stream_in_fail_missing(in, kind ? kind : "scores", err);
        if (rc == 0 && edges->graph.positions.n)
                rc = hap_fail(err, HAP_EINPUT, "cannot convert '%s': the file cannot represent "
                              "positions", edges->name);
        if (rc == 0 && edges->graph.n_experts)
                rc = hap_fail(err, HAP_EINPUT, "cannot convert '%s': the file cannot represent "
                              "experts as nodes (--experts)", edges->name);
        if (rc < 0)
                hap_edges_release(edges);
        return rc;
}

int hap_exchange_check_binary(const struct hap_edges *circuit, struct hap_error *err)
{
        for (size_t e = 0; e < circuit->graph.n_edges; e++)
                if (circuit->z[e] > 0 && circuit->z[e] < 1)
                        return hap_fail(err, HAP_EINPUT, "cannot convert '%s': some z are not 1, "
                                        "and the list has no values", circuit->name);
        return HAP_OK;
}

int hap_exchange_graph(struct hap_graph *graph, const json_t *model, bool split_input,
                       const char *form, struct hap_error *err)
{
        if (!model)
                return hap_fail(err, HAP_EUSAGE, "--from %s needs -m: the file does not say how "
                                "many layers and heads the model has", form);
        return hap_graph_init(graph, (int)json_integer_value(json_object_get(model, "layers")),
                              (int)json_integer_value(json_object_get(model, "heads")),
                              false, split_input, err);
}

int hap_exchange_write_circuit(const struct hap_graph *graph, const float *z,
                               const struct hap_program *program, const json_t *model,
                               struct hap_stream_out *out, struct hap_error *err)
{
        json_t *header = hap_program_header(program, "circuit", NULL);
        int rc = header && json_object_set(header, "model", (json_t *)model) == 0
                         ? hap_circuit_write(out, header, graph, z, err)
                         : hap_fail_memory(err, "a header");

        json_decref(header);
        return rc;
}
