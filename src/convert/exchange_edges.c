#include "convert/exchange_edges.h"

#include <string.h>

static bool is_wanted(const json_t *header, const char *kind)
{
        const char *theirs = json_string_value(json_object_get(header, "kind"));

        return kind ? strcmp(theirs, kind) == 0
                    : strcmp(theirs, "scores") == 0 || strcmp(theirs, "circuit") == 0;
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
