#include "graph/edges.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/header.h"
#include "graph/graph_json.h"
#include "graph/nearest_name.h"

/* The key of a record's value. */
static const char *value_key(const struct hap_edges *edges)
{
        return edges->z ? "z" : "score";
}

/* The edge of a record, or a negative code. */
static int64_t record_edge(struct hap_stream_in *in, const msgpack_object *record,
                           const struct hap_edges *edges, struct hap_error *err)
{
        const msgpack_object *name = hap_map_get(record, "edge");
        char positions[HAP_POSITIONS_TEXT], hint[HAP_HINT];
        int length;
        int64_t edge;

        if (!name || name->type != MSGPACK_OBJECT_STR)
                return hap_stream_in_fail(in, err, "it has no edge");
        length = name->via.str.size < HAP_NAME ? (int)name->via.str.size : HAP_NAME;
        edge = hap_graph_find_edge(&edges->graph, name->via.str.ptr, name->via.str.size);
        if (edge < 0)
                return hap_stream_in_fail(
                        in, err, "'%.*s' is not an edge of a graph of %d layers and %d heads%s%s",
                        length, name->via.str.ptr, edges->graph.n_layers, edges->graph.n_heads,
                        hap_positions_hint(&edges->graph.positions, name->via.str.ptr,
                                           name->via.str.size, positions),
                        hap_graph_hint(&edges->graph, HAP_EDGE_NAMES, name->via.str.ptr,
                                       name->via.str.size, hint));
        if (edges->given[edge])
                return hap_stream_in_fail(in, err, "edge '%.*s' occurs twice",
                                       length, name->via.str.ptr);
        return edge;
}

/* Reads an optional number of a circuit's record. The array is made when the first is read. */
static int read_optional(struct hap_stream_in *in, const msgpack_object *record, const char *key,
                         int64_t edge, const struct hap_graph *graph, double **values,
                         struct hap_error *err)
{
        const msgpack_object *object = hap_map_get(record, key);
        double value;

        if (!object)
                return HAP_OK;
        if (!hap_object_number(object, &value) || !isfinite(value))
                return hap_stream_in_fail(in, err, "its '%s' is not a finite number", key);
        if (!*values) {
                *values = malloc(graph->n_edges * sizeof **values);
                if (!*values)
                        return hap_fail_memory(err, "the edges");
                for (size_t e = 0; e < graph->n_edges; e++)
                        (*values)[e] = (double)NAN;
        }
        (*values)[edge] = value;
        return HAP_OK;
}

static int read_value(struct hap_stream_in *in, const msgpack_object *record,
                      struct hap_edges *edges, struct hap_error *err)
{
        const char *key = value_key(edges);
        int64_t edge = record_edge(in, record, edges, err);
        double value;
        int rc;

        if (edge < 0)
                return (int)edge;
        if (!hap_object_number(hap_map_get(record, key), &value))
                return hap_stream_in_fail(in, err, "its '%s' is missing or not a number", key);
        if (!isfinite(value))
                return hap_stream_in_fail(in, err, "its '%s' is not finite", key);
        edges->given[edge] = true;
        edges->n_given++;
        if (edges->score) {
                edges->score[edge] = value;
                return HAP_OK;
        }
        edges->z[edge] = (float)value;
        if (!(edges->z[edge] > 0 && value <= 1))
                return hap_stream_in_fail(in, err, "its z is %g, not above 0 and at most 1",
                                       value);
        rc = read_optional(in, record, "score", edge, &edges->graph, &edges->ranking, err);
        return rc < 0 ? rc
                      : read_optional(in, record, "cost", edge, &edges->graph, &edges->cost, err);
}

/* As hap-select ranks: scores of attribution have a sign. */
static bool is_ranked_by_size(const json_t *header)
{
        const json_t *ranking = json_object_get(header, "ranking");
        const char *by = json_string_value(json_object_get(ranking, "by"));

        return by && strcmp(by, "magnitude") == 0;
}

static int prepare(struct hap_stream_in *in, const json_t *header,
                   struct hap_edges *edges, struct hap_error *err)
{
        const char *kind = json_string_value(json_object_get(header, "kind"));
        const bool circuit = hap_header_is(header, "circuit");
        int rc;

        *edges = (struct hap_edges){0};
        if (!circuit && !hap_header_is(header, "scores"))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': its kind is '%s', not scores or circuit",
                                hap_stream_in_name(in), kind ? kind : "");
        rc = hap_graph_of_json(&edges->graph, json_object_get(header, "graph"), err);
        if (rc < 0)
                return hap_fail_within(err, "cannot use '%s'", hap_stream_in_name(in));
        edges->name = strdup(hap_stream_in_name(in));
        edges->header = json_deep_copy(header);
        edges->ranked_by_size = is_ranked_by_size(header);
        edges->given = calloc(edges->graph.n_edges, sizeof *edges->given);
        if (circuit)
                edges->z = calloc(edges->graph.n_edges, sizeof *edges->z);
        else
                edges->score = calloc(edges->graph.n_edges, sizeof *edges->score);
        if (!edges->name || !edges->header || !edges->given || (!edges->z && !edges->score))
                return hap_fail_memory(err, "the edges");
        return HAP_OK;
}

int hap_edges_read(struct hap_stream_in *in, const json_t *header,
                   struct hap_edges *edges, struct hap_error *err)
{
        msgpack_object record;
        int rc = prepare(in, header, edges, err);

        if (rc < 0)
                goto out;
        while ((rc = hap_stream_in_record(in, &record, err)) > 0) {
                rc = read_value(in, &record, edges, err);
                if (rc < 0)
                        break;
        }
out:
        if (rc < 0)
                hap_edges_release(edges);
        return rc;
}

void hap_edges_release(struct hap_edges *edges)
{
        json_decref(edges->header);
        hap_graph_release(&edges->graph);
        free(edges->z);
        free(edges->score);
        free(edges->ranking);
        free(edges->cost);
        free(edges->given);
        free(edges->name);
        *edges = (struct hap_edges){0};
}

int hap_edges_list_add(struct hap_edges_list *list, struct hap_edges *edges, struct hap_error *err)
{
        struct hap_edges *items = reallocarray(list->items, list->n + 1, sizeof *items);

        if (!items) {
                hap_edges_release(edges);
                return hap_fail_memory(err, "edges");
        }
        list->items = items;
        items[list->n++] = *edges;
        return HAP_OK;
}

void hap_edges_list_release(struct hap_edges_list *list)
{
        for (size_t i = 0; i < list->n; i++)
                hap_edges_release(list->items + i);
        free(list->items);
        *list = (struct hap_edges_list){0};
}

int hap_edges_next(struct hap_stream_in *in, const char *kind,
                   struct hap_edges *edges, struct hap_error *err)
{
        json_t *header;
        int rc;

        *edges = (struct hap_edges){0};
        while ((rc = hap_stream_in_section(in, &header, err)) > 0) {
                if (!hap_header_is(header, kind))
                        continue;
                rc = hap_edges_read(in, header, edges, err);
                return rc < 0 ? rc : 1;
        }
        return rc;
}

double hap_edges_iou(const bool *a, const bool *b, size_t n_edges)
{
        size_t both = 0, either = 0;

        for (size_t e = 0; e < n_edges; e++) {
                both += a[e] && b[e];
                either += a[e] || b[e];
        }
        return either > 0 ? (double)both / (double)either : 1;
}

static int begin_edges_section(struct hap_stream_out *out, json_t *header,
                               const struct hap_graph *graph, struct hap_error *err)
{
        if (hap_graph_into(header, graph) < 0)
                return hap_fail_memory(err, "a header");
        return hap_stream_out_begin(out, header, err);
}

/* A number of a record, if there are such numbers. */
struct named_value {
        const char *key;
        const double *values; /* [n_edges], or NULL */
};

static int write_edges_record(struct hap_stream_out *out, const struct hap_graph *graph,
                              size_t edge, const char *key, double value,
                              const struct named_value *others, size_t n_others,
                              struct hap_error *err)
{
        msgpack_packer *packer = hap_stream_out_record(out);
        char name[HAP_NAME];
        size_t n = 2;

        for (size_t i = 0; i < n_others; i++)
                n += others[i].values != NULL;
        hap_graph_edge_name(graph, edge, name);
        msgpack_pack_map(packer, n);
        hap_pack_text_entry(packer, "edge", name);
        hap_pack_text(packer, key);
        msgpack_pack_double(packer, value);
        for (size_t i = 0; i < n_others; i++) {
                if (!others[i].values)
                        continue;
                hap_pack_text(packer, others[i].key);
                msgpack_pack_double(packer, others[i].values[edge]);
        }
        return hap_stream_out_end_record(out, err);
}

int hap_scores_write(struct hap_stream_out *out, json_t *header,
                     const struct hap_graph *graph, const double *score,
                     const bool *given, struct hap_error *err)
{
        int rc = begin_edges_section(out, header, graph, err);

        for (size_t e = 0; e < graph->n_edges && rc == 0; e++) {
                if (!given || given[e])
                        rc = write_edges_record(out, graph, e, "score", score[e], NULL, 0, err);
        }
        return rc < 0 ? rc : hap_stream_out_end(out, err);
}

int hap_circuit_write_ranked(struct hap_stream_out *out, json_t *header,
                             const struct hap_graph *graph, const float *z,
                             const double *ranking, const double *cost, struct hap_error *err)
{
        const struct named_value others[] = {{"score", ranking}, {"cost", cost}};
        const size_t kept = hap_graph_count_kept(graph, z);
        json_t *counts = json_pack("{s:I, s:I, s:f}", "edges", (json_int_t)kept,
                                   "of", (json_int_t)graph->n_edges, "sparsity",
                                   1 - (double)kept / (double)graph->n_edges);
        int rc;

        if (json_object_set_new(header, "circuit", counts) < 0)
                return hap_fail_memory(err, "a header");
        rc = begin_edges_section(out, header, graph, err);
        for (size_t e = 0; e < graph->n_edges && rc == 0; e++) {
                if (z[e] > 0)
                        rc = write_edges_record(out, graph, e, "z", (double)z[e], others, 2, err);
        }
        return rc < 0 ? rc : hap_stream_out_end(out, err);
}

int hap_circuit_write(struct hap_stream_out *out, json_t *header,
                      const struct hap_graph *graph, const float *z,
                      struct hap_error *err)
{
        return hap_circuit_write_ranked(out, header, graph, z, NULL, NULL, err);
}
