/* The exchange files of the MIB benchmark, the format in which EAP-IG saves graphs:
 * {"cfg": {"n_layers", "n_heads", "parallel_attn_mlp", "d_model"},
 *  "nodes": {NODE: {"in_graph"}}, "edges": {EDGE: {"score", "in_graph"}}}. */
#include "convert/mib.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "convert/exchange_file.h"
#include "graph/edges.h"
#include "graph/nearest_name.h"

/* --- to MIB --- */

/* The sections to write: scores, a circuit, or both over one graph. */
struct exchange {
        struct hap_edges scores, circuit;
        bool has_scores, has_circuit;
};

static int take_section(struct hap_stream_in *in, const json_t *header, struct exchange *x,
                        struct hap_error *err)
{
        const char *kind = json_string_value(json_object_get(header, "kind"));
        bool scores = strcmp(kind, "scores") == 0;

        if (!scores && strcmp(kind, "circuit") != 0)
                return 0;
        if (scores ? x->has_scores : x->has_circuit)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': there is a second section of kind '%s', "
                                "but a MIB file has only one",
                                hap_stream_in_name(in), kind);
        *(scores ? &x->has_scores : &x->has_circuit) = true;
        return hap_edges_read(in, header, scores ? &x->scores : &x->circuit, err);
}

static int read_exchange(struct hap_stream_in *in, struct exchange *x, struct hap_error *err)
{
        json_t *header;
        int rc;

        while ((rc = hap_stream_in_section(in, &header, err)) > 0) {
                rc = take_section(in, header, x, err);
                if (rc < 0)
                        return rc;
        }
        if (rc < 0)
                return rc;
        if (!x->has_scores && !x->has_circuit)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': it contains neither scores nor a circuit",
                                hap_stream_in_name(in));
        if (x->has_scores && x->has_circuit &&
            !hap_graph_equal(&x->scores.graph, &x->circuit.graph))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': the scores and the circuit have different graphs",
                                hap_stream_in_name(in));
        if ((x->has_scores ? &x->scores : &x->circuit)->graph.split_input)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': MIB files have no 'tok' and 'pos'",
                                hap_stream_in_name(in));
        if ((x->has_scores ? &x->scores : &x->circuit)->graph.n_experts)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': MIB files cannot represent experts as nodes "
                                "(--experts)", hap_stream_in_name(in));
        if ((x->has_scores ? &x->scores : &x->circuit)->graph.positions.n)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': MIB files cannot represent positions",
                                hap_stream_in_name(in));
        return 0;
}

static bool in_graph(const struct exchange *x, size_t edge)
{
        return x->has_circuit ? x->circuit.z[edge] > 0 : true;
}

/* The edge's score; without scores, its z in the circuit. */
static double score_of(const struct exchange *x, size_t edge)
{
        return x->has_scores ? x->scores.score[edge] : (double)x->circuit.z[edge];
}

static json_t *cfg_of(const struct hap_graph *graph, const json_t *header)
{
        const json_t *model = json_object_get(header, "model");
        const json_t *mib = json_object_get(header, "mib");
        json_t *size = json_object_get(model, "d_model");
        json_t *cfg = json_pack("{s:i, s:i, s:b}", "n_layers", graph->n_layers, "n_heads",
                                graph->n_heads, "parallel_attn_mlp", graph->parallel_residual);

        if (!size)
                size = json_object_get(json_object_get(mib, "cfg"), "d_model");
        if (size)
                json_object_set(cfg, "d_model", size);
        return cfg;
}

/* A node is in the graph when one of its edges is. */
static json_t *nodes_of(const struct hap_graph *graph, const struct exchange *x)
{
        bool *used = calloc((size_t)graph->n_writers + 1, sizeof(*used));
        json_t *nodes = json_object();
        char name[HAP_NAME];

        if (!used)
                hap_memory_short();
        for (size_t e = 0; used && e < graph->n_edges; e++) {
                int fed = hap_graph_reader_node(graph, hap_graph_edge_reader(graph, e));

                if (!in_graph(x, e))
                        continue;
                used[hap_graph_edge_writer(graph, e)] = true;
                used[fed < 0 ? graph->n_writers : fed] = true;
        }
        for (int w = 0; used && w <= graph->n_writers; w++) {
                if (w < graph->n_writers)
                        hap_graph_writer_name(graph, w, name);
                else
                        strcpy(name, "logits");
                json_object_set_new(nodes, name, json_pack("{s:b}", "in_graph", used[w]));
        }
        free(used);
        return nodes;
}

/* One value at a time: there may be a million edges. */
static int put_value(FILE *out, const char *before, json_t *value, struct hap_error *err)
{
        const int rc = value && fputs(before, out) != EOF
                               ? json_dumpf(value, out, JSON_REAL_PRECISION(17)) : -1;

        if (!value)
                return hap_fail_memory(err, "a MIB file");
        json_decref(value);
        return rc < 0 ? hap_fail(err, HAP_ESYSTEM, "cannot write the MIB file") : HAP_OK;
}

static int put_edges(FILE *out, const struct hap_graph *graph, const struct exchange *x,
                     struct hap_error *err)
{
        char name[HAP_NAME], before[HAP_NAME + 16];
        int rc = HAP_OK;

        for (size_t e = 0; e < graph->n_edges && rc == 0; e++) {
                hap_graph_edge_name(graph, e, name);
                snprintf(before, sizeof before, "%s\"%s\": ", e ? ", " : "", name);
                rc = put_value(out, before, json_pack("{s:f, s:b}", "score", score_of(x, e),
                                                      "in_graph", in_graph(x, e)), err);
        }
        return rc;
}

static int put_exchange(FILE *out, const struct exchange *x, size_t *n_edges, struct hap_error *err)
{
        const struct hap_edges *first = x->has_scores ? &x->scores : &x->circuit;
        int rc = put_value(out, "{\"cfg\": ", cfg_of(&first->graph, first->header), err);

        *n_edges = first->graph.n_edges;
        if (rc == 0)
                rc = put_value(out, ", \"nodes\": ", nodes_of(&first->graph, x), err);
        if (rc == 0 && fputs(", \"edges\": {", out) != EOF)
                rc = put_edges(out, &first->graph, x, err);
        if (rc == 0 && fputs("}}\n", out) == EOF)
                rc = hap_fail(err, HAP_ESYSTEM, "cannot write the MIB file");
        return rc;
}

int hap_mib_write(struct hap_stream_in *in, FILE *out, size_t *n_edges, struct hap_error *err)
{
        struct exchange x = {0};
        int rc = read_exchange(in, &x, err);

        if (rc == 0)
                rc = put_exchange(out, &x, n_edges, err);
        hap_edges_release(&x.scores);
        hap_edges_release(&x.circuit);
        return rc;
}

/* --- from MIB --- */

/* One object in memory. */
struct import {
        struct hap_graph graph;
        double *score; /* [n_edges] */
        bool *given;   /* [n_edges]: has a score */
        float *z;      /* [n_edges]: 1 when in the graph */
        size_t n_scores, n_kept;
};

/* Sets *truth to true, false, 1 or 0, as programs that use numpy write them; absent and null are
 * false. */
static int read_truth(const json_t *object, const char *key, bool *truth, struct hap_error *err)
{
        const json_t *value = json_object_get(object, key);
        const double number = json_number_value(value);

        *truth = json_is_true(value) || number == 1;
        if (!value || json_is_null(value) || json_is_boolean(value) ||
            (json_is_number(value) && (number == 0 || number == 1)))
                return HAP_OK;
        return hap_fail(err, HAP_EINPUT, "\"%s\" is neither true, false, 1 nor 0", key);
}

/* Masks of single neurons make it another graph. */
static int refuse_neurons(const json_t *object, const char *name, struct hap_error *err)
{
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)object, key, value)
                if (strncmp(key, "neurons", 7) == 0 && !json_is_null(value))
                        return hap_fail(err, HAP_EINPUT,
                                        "'%.64s' has \"%.32s\"; hap's graph has no neurons",
                                        name, key);
        return HAP_OK;
}

static int import_graph(struct import *in, const json_t *cfg, struct hap_error *err)
{
        const json_t *layers = json_object_get(cfg, "n_layers");
        const json_t *heads = json_object_get(cfg, "n_heads");
        json_int_t n_layers = json_integer_value(layers), n_heads = json_integer_value(heads);
        bool parallel;

        if (n_layers < 1 || n_layers > 4096 || n_heads < 1 || n_heads > 4096)
                return hap_fail(err, HAP_EINPUT,
                                "\"cfg\" needs \"n_layers\" and \"n_heads\" from 1 to 4096");
        if (read_truth(cfg, "parallel_attn_mlp", &parallel, err) < 0)
                return err->code;
        return hap_graph_init(&in->graph, (int)n_layers, (int)n_heads, parallel, false, err);
}

static int import_edge(struct import *in, const char *name, const json_t *value,
                       struct hap_error *err)
{
        const json_t *score = json_object_get(value, "score");
        int64_t edge = hap_graph_find_edge(&in->graph, name, strlen(name));
        char hint[HAP_HINT];
        bool kept;

        if (edge < 0)
                return hap_fail(err, HAP_EINPUT,
                                "'%.64s' is not an edge of a model with %d layers and %d heads%s",
                                name, in->graph.n_layers, in->graph.n_heads,
                                hap_graph_hint(&in->graph, HAP_EDGE_NAMES, name, strlen(name), hint));
        if (!json_object_get(value, "score") && !json_object_get(value, "in_graph"))
                return hap_fail(err, HAP_EINPUT,
                                "the edge '%s' is no object with \"score\" or \"in_graph\"", name);
        if (refuse_neurons(value, name, err) < 0)
                return err->code;
        if (read_truth(value, "in_graph", &kept, err) < 0)
                return hap_fail_within(err, "the edge '%s'", name);
        if (score && !json_is_null(score)) {
                if (!json_is_number(score))
                        return hap_fail(err, HAP_EINPUT, "the score of '%s' is not a number", name);
                in->score[edge] = json_number_value(score);
                in->given[edge] = true;
                in->n_scores++;
        }
        in->z[edge] = kept ? 1.0F : 0.0F;
        in->n_kept += kept;
        return 0;
}

static int import_edges(struct import *in, const json_t *mib, struct hap_error *err)
{
        const json_t *edges = json_object_get(mib, "edges");
        const char *name;
        json_t *value;
        int rc = import_graph(in, json_object_get(mib, "cfg"), err);

        if (rc < 0)
                return rc;
        if (!json_object_size(edges))
                return hap_fail(err, HAP_EINPUT, "\"edges\" is empty or missing");
        in->score = calloc(in->graph.n_edges, sizeof(*in->score));
        in->given = calloc(in->graph.n_edges, sizeof(*in->given));
        in->z = calloc(in->graph.n_edges, sizeof(*in->z));
        if (!in->score || !in->given || !in->z)
                return hap_fail_memory(err, "edges");
        json_object_foreach(json_object_get(mib, "nodes"), name, value)
                if (refuse_neurons(value, name, err) < 0)
                        return err->code;
        json_object_foreach((json_t *)edges, name, value) {
                rc = import_edge(in, name, value, err);
                if (rc < 0)
                        return rc;
        }
        return 0;
}

static int check_model(const struct import *in, const json_t *cfg, const json_t *model,
                       struct hap_error *err)
{
        const json_t *theirs = json_object_get(cfg, "d_model");
        const json_t *ours = json_object_get(model, "d_model");

        if (model && (json_integer_value(json_object_get(model, "layers")) != in->graph.n_layers ||
                      json_integer_value(json_object_get(model, "heads")) != in->graph.n_heads ||
                      (theirs && json_integer_value(theirs) != json_integer_value(ours))))
                return hap_fail(err, HAP_EINPUT,
                                "it has %d layers and %d heads; the model has another size",
                                in->graph.n_layers, in->graph.n_heads);
        return 0;
}

static json_t *header_of(const struct hap_program *program, const char *kind, json_t *model,
                         json_t *cfg)
{
        json_t *header = hap_program_header(program, kind, NULL);

        if (model)
                json_object_set(header, "model", model);
        json_object_set_new(header, "mib", json_pack("{s:O}", "cfg", cfg));
        return header;
}

static int write_sections(const struct import *in, const struct hap_program *program, json_t *model,
                          json_t *cfg, struct hap_stream_out *out, struct hap_error *err)
{
        json_t *header;
        int rc = 0;

        if (in->n_scores) {
                header = header_of(program, "scores", model, cfg);
                rc = hap_scores_write(out, header, &in->graph, in->score, in->given, err);
                json_decref(header);
        }
        if (rc == 0 && in->n_kept && (in->n_kept < in->graph.n_edges || !in->n_scores)) {
                header = header_of(program, "circuit", model, cfg);
                rc = hap_circuit_write(out, header, &in->graph, in->z, err);
                json_decref(header);
        }
        return rc;
}

int hap_mib_read(struct hap_byte_input *input, const struct hap_program *program,
                 const json_t *model, struct hap_stream_out *out, size_t *n_edges,
                 struct hap_error *err)
{
        struct import in = {0};
        json_t *mib = NULL, *cfg;
        int rc = hap_exchange_load(input, &mib, err);

        if (rc < 0)
                return rc;
        cfg = json_object_get(mib, "cfg");
        rc = import_edges(&in, mib, err);
        if (rc == 0)
                rc = check_model(&in, cfg, model, err);
        if (rc == 0 && !in.n_scores && !in.n_kept)
                rc = hap_fail(err, HAP_EINPUT, "no edge has a score, and none is in the graph");
        if (rc < 0)
                hap_fail_within(err, "cannot use '%s'", input->name);
        else
                rc = write_sections(&in, program, (json_t *)model, cfg, out, err);
        *n_edges = in.n_scores ? in.n_scores : in.n_kept;
        json_decref(mib);
        hap_graph_release(&in.graph);
        free(in.score);
        free(in.given);
        free(in.z);
        return rc;
}
