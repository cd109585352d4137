#include "attrib/node_scores.h"

#include <string.h>

#include "common/stream.h"
#include "graph/graph_json.h"

/* The name of a node: of its writer, and in a graph with positions '@' and the position. name:
 * HAP_NAME bytes. */
static void node_name(const struct hap_graph *graph, size_t node, char *name)
{
        const size_t writers = (size_t)graph->n_writers;
        size_t length;

        hap_graph_writer_name(graph, (int)(node % writers), name);
        if (graph->positions.n == 0)
                return;
        length = strlen(name);
        snprintf(name + length, HAP_NAME - length, "@%s", graph->positions.name[node / writers]);
}

int hap_node_scores_write(struct hap_stream_out *out, json_t *header,
                          const struct hap_graph *graph, const double *score,
                          struct hap_error *err)
{
        const size_t n = hap_graph_n_nodes(graph);
        int rc = hap_graph_into(header, graph);

        rc = rc < 0 ? hap_fail_memory(err, "a header") : hap_stream_out_begin(out, header, err);
        for (size_t i = 0; i < n && rc == 0; i++) {
                msgpack_packer *packer = hap_stream_out_record(out);
                char name[HAP_NAME];

                node_name(graph, i, name);
                msgpack_pack_map(packer, 2);
                hap_pack_text_entry(packer, "node", name);
                hap_pack_number_entry(packer, "score", score[i]);
                rc = hap_stream_out_end_record(out, err);
        }
        return rc < 0 ? rc : hap_stream_out_end(out, err);
}
