#include <stdint.h>
#include <stdlib.h>
#include <jansson.h>

#include "graph/graph.h"
#include "unit.h"
#include "graph/graph_json.h"

#ifndef GOLDEN
#define GOLDEN "tests/golden/"
#endif

static struct hap_graph make(int layers, int heads, bool parallel, bool split)
{
        struct hap_graph graph;
        struct hap_error err;

        CHECK(hap_graph_init(&graph, layers, heads, parallel, split, &err) == 0);
        return graph;
}

static size_t edges_of(int layers, int heads, bool parallel, bool split)
{
        struct hap_graph graph = make(layers, heads, parallel, split);
        size_t n = graph.n_edges;

        hap_graph_release(&graph);
        return n;
}

static bool has(const struct hap_graph *graph, const char *name)
{
        return hap_graph_find_edge(graph, name, strlen(name)) >= 0;
}

TEST("edge counts are those of the peers")
{
        CHECK(edges_of(12, 12, false, false) == 32491);
        CHECK(edges_of(30, 9, false, false) == 123211);
        CHECK(edges_of(3, 4, false, false) == 262);
        CHECK(edges_of(3, 6, false, false) == 496);
        CHECK(edges_of(4, 4, false, false) == 479);
        CHECK(edges_of(4, 1, false, false) == 77);
}

TEST("a split input adds one edge per reader")
{
        CHECK(edges_of(12, 12, false, true) == 32936);
        CHECK(edges_of(4, 1, false, true) == 94);
}

TEST("GPT-2 small has 157 writers and 445 readers")
{
        struct hap_graph g = make(12, 12, false, false);

        CHECK(g.n_writers == 157);
        CHECK(g.n_readers == 445);
        CHECK(g.edge_start[g.n_readers] == g.n_edges);
        hap_graph_release(&g);
}

TEST("an MLP reads its own layer's heads unless the residual is parallel")
{
        struct hap_graph serial = make(3, 2, false, false);
        struct hap_graph parallel = make(3, 2, true, false);

        CHECK(has(&serial, "a1.h0->m1"));
        CHECK(!has(&parallel, "a1.h0->m1"));
        CHECK(has(&parallel, "a0.h1->m1") && has(&parallel, "m0->m1"));
        CHECK(has(&parallel, "a2.h1->logits"));
        CHECK(parallel.n_edges == serial.n_edges - 3 * 2);
        hap_graph_release(&serial);
        hap_graph_release(&parallel);
}

TEST("a reader's edges have consecutive numbers in the order of writers")
{
        struct hap_graph g = make(3, 4, false, true);
        size_t edge = 0;

        for (int r = 0; r < g.n_readers; r++) {
                for (int w = 0; w < hap_graph_in(&g, r); w++, edge++) {
                        CHECK(hap_graph_edge(&g, w, r) == edge);
                        CHECK(hap_graph_edge_reader(&g, edge) == r);
                        CHECK(hap_graph_edge_writer(&g, edge) == w);
                }
        }
        CHECK(edge == g.n_edges);
        hap_graph_release(&g);
}

/* An edge exists when the writer is written before the reader reads: time
 * 2·layer for a layer's heads to read, 2·layer + 1 to be written and for the
 * MLP to read, 2·layer + 2 for it to be written. */
TEST("the edges are exactly those from writers written before")
{
        struct hap_graph g = make(3, 4, false, false);

        for (int r = 0; r < g.n_readers; r++) {
                struct hap_node reader = hap_graph_reader(&g, r);
                int reads = reader.kind == HAP_READS_LOGITS ? 1000
                            : 2 * reader.layer + (reader.kind == HAP_READS_MLP);

                for (int w = 0; w < g.n_writers; w++) {
                        struct hap_node writer = hap_graph_writer(&g, w);
                        int written = writer.kind == HAP_WRITES_INPUT ? 0
                                      : 2 * writer.layer + 1 + (writer.kind == HAP_WRITES_MLP);

                        CHECK((w < hap_graph_in(&g, r)) == (written <= reads));
                }
        }
        hap_graph_release(&g);
}

TEST("node numbers and node descriptions agree")
{
        struct hap_graph g = make(3, 4, false, true);

        for (int l = 0; l < 3; l++) {
                int mlp = hap_graph_mlp_reader(&g, l);

                for (int h = 0; h < 4; h++) {
                        int w = hap_graph_head_writer(&g, l, h);
                        struct hap_node node = hap_graph_writer(&g, w);

                        CHECK(node.kind == HAP_WRITES_HEAD && node.layer == l && node.head == h);
                        for (int which = 0; which < 3; which++) {
                                int r = hap_graph_head_reader(&g, l, which, h);

                                node = hap_graph_reader(&g, r);
                                CHECK(node.kind == HAP_READS_Q + which && node.layer == l &&
                                      node.head == h);
                                CHECK(hap_graph_reader_node(&g, r) == w);
                        }
                }
                CHECK(hap_graph_reader(&g, mlp).kind == HAP_READS_MLP);
                CHECK(hap_graph_reader_node(&g, mlp) == hap_graph_mlp_writer(&g, l));
        }
        CHECK(hap_graph_reader_node(&g, hap_graph_logits_reader(&g)) == -1);
        hap_graph_release(&g);
}

static void check_names_return(struct hap_graph g)
{
        char name[HAP_NAME];

        for (size_t e = 0; e < g.n_edges; e++) {
                hap_graph_edge_name(&g, e, name);
                CHECK(hap_graph_find_edge(&g, name, strlen(name)) == (int64_t)e);
        }
        for (int w = 0; w < g.n_writers; w++) {
                hap_graph_writer_name(&g, w, name);
                CHECK(hap_graph_find_writer(&g, name, strlen(name)) == w);
        }
        for (int r = 0; r < g.n_readers; r++) {
                hap_graph_reader_name(&g, r, name);
                CHECK(hap_graph_find_reader(&g, name, strlen(name)) == r);
        }
        hap_graph_release(&g);
}

TEST("every name leads back to its number")
{
        check_names_return(make(12, 12, false, false));
        check_names_return(make(3, 11, true, true));
}

TEST("names are spelled as in the exchange files of the peers")
{
        struct hap_graph g = make(12, 12, false, false);
        char name[HAP_NAME];

        hap_graph_edge_name(&g, hap_graph_edge(&g, hap_graph_head_writer(&g, 0, 0),
                                               hap_graph_head_reader(&g, 5, 0, 1)), name);
        CHECK_TEXT(name, "a0.h0->a5.h1<q>");
        hap_graph_edge_name(&g, 0, name);
        CHECK_TEXT(name, "input->a0.h0<q>");
        hap_graph_edge_name(&g, g.n_edges - 1, name);
        CHECK_TEXT(name, "m11->logits");
        hap_graph_release(&g);
}

TEST("names of another graph and misspelled names are not found")
{
        static const char *const wrong[] = {
                "", "->", "input", "input->", "->m0", "input->input", "logits->m0",
                "input->m3", "input->a3.h0<q>", "input->a0.h4<q>", "input->a00.h0<q>",
                "input->m00", "input->a0.h0", "input->a0.h0<x>", "input->a0.h0<q",
                "input->a0.h0<q>x", "input->a-1.h0<q>", "input->a0.h99999999999<q>",
                "m1->m0", "m0->m0", "a1.h0->a1.h1<q>", "m2->a1.h0<v>", "input ->m0",
                "tok->m0", "pos->m0", "input->m0->logits", "a0.h0<q>->m0", "input->m",
        };
        struct hap_graph g = make(3, 4, false, false);

        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                CHECK(!has(&g, wrong[i]));
                if (has(&g, wrong[i]))
                        printf("# found: '%s'\n", wrong[i]);
        }
        CHECK(hap_graph_find_edge(&g, "input->m01", 9) >= 0); /* by length, not by NUL */
        hap_graph_release(&g);
}

TEST("a description leads back to the graph")
{
        struct hap_graph g = make(5, 3, true, true), back;
        struct hap_error err;
        json_t *description = hap_graph_describe(&g);

        CHECK(hap_graph_of_json(&back, description, &err) == 0);
        CHECK(hap_graph_equal(&g, &back) && g.n_edges == back.n_edges);
        hap_graph_release(&back);
        json_object_set_new(description, "edges", json_integer(7));
        CHECK(hap_graph_of_json(&back, description, &err) == HAP_EINPUT);
        json_decref(description);
        hap_graph_release(&g);
}

TEST("a description that makes no sense is refused")
{
        static const char *const wrong[] = {
                "{}", "{\"layers\": 3}", "{\"layers\": 0, \"heads\": 1}",
                "{\"layers\": \"3\", \"heads\": 1}", "{\"layers\": 3, \"heads\": 4097}",
                "{\"layers\": 4096, \"heads\": 4096}", "{\"layers\": 1200, \"heads\": 8}",
                "{\"layers\": 3, \"heads\": 4, \"parallel\": 1}",
                "{\"layers\": 3, \"heads\": 4, \"input\": \"torn\"}",
                "{\"layers\": 3, \"heads\": 4, \"readers\": 3.5}",
        };
        struct hap_graph g;
        struct hap_error err;

        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                json_t *description = json_loads(wrong[i], 0, NULL);

                CHECK(hap_graph_of_json(&g, description, &err) == HAP_EINPUT);
                json_decref(description);
        }
        CHECK(hap_graph_of_json(&g, NULL, &err) == HAP_EINPUT);
}

static void mark(const struct hap_graph *graph, const json_t *names, float *z)
{
        size_t i;
        json_t *name;

        memset(z, 0, graph->n_edges * sizeof *z);
        json_array_foreach(names, i, name) {
                int64_t edge = hap_graph_find_edge(graph, json_string_value(name),
                                                   json_string_length(name));

                CHECK(edge >= 0);
                if (edge >= 0)
                        z[edge] = 1;
        }
}

static void check_circuits(const char *path, struct hap_graph g)
{
        json_t *file = json_load_file(path, 0, NULL), *circuit;
        float *z = malloc(g.n_edges * sizeof *z), *expected = malloc(g.n_edges * sizeof *z);
        size_t i, cleaned = 0;

        CHECK(json_array_size(json_object_get(file, "circuits")) == 3);
        json_array_foreach(json_object_get(file, "circuits"), i, circuit) {
                const json_t *all = json_object_get(circuit, "edges");
                const json_t *alive = json_object_get(circuit, "pruned_edges");
                size_t dead = json_array_size(all) - json_array_size(alive);

                mark(&g, all, z);
                mark(&g, alive, expected);
                CHECK(hap_graph_drop_dead(&g, z) == dead);
                CHECK(memcmp(z, expected, g.n_edges * sizeof *z) == 0);
                cleaned += dead;
        }
        CHECK(cleaned > 0);
        free(z);
        free(expected);
        json_decref(file);
        hap_graph_release(&g);
}

TEST("dead edges are those that EAP-IG removes")
{
        check_circuits(GOLDEN "gpt2-a/circuits.json", make(3, 4, false, false));
        check_circuits(GOLDEN "llama-a/circuits.json", make(3, 6, false, false));
}

/* The definition, word for word: one node's rule at a time until nothing changes. */
static void drop_dead_slowly(const struct hap_graph *g, float *z, bool *live)
{
        for (bool changed = true; changed;) {
                changed = false;
                for (int node = 0; node < g->n_writers; node++) {
                        bool in = node < g->n_inputs, out = false;

                        for (size_t e = 0; e < g->n_edges; e++) {
                                in |= z[e] > 0 &&
                                      hap_graph_reader_node(g, g->edge_reader[e]) == node;
                                out |= z[e] > 0 && hap_graph_edge_writer(g, e) == node;
                        }
                        live[node] = in && out;
                        for (size_t e = 0; e < g->n_edges && !live[node]; e++) {
                                if (z[e] > 0 &&
                                    (hap_graph_edge_writer(g, e) == node ||
                                     hap_graph_reader_node(g, g->edge_reader[e]) == node)) {
                                        z[e] = 0;
                                        changed = true;
                                }
                        }
                }
        }
}

static void check_against_slow(struct hap_graph g, uint32_t *state)
{
        float *z = malloc(g.n_edges * sizeof *z), *slow = malloc(g.n_edges * sizeof *z);
        bool *live = malloc((size_t)g.n_writers), *slow_live = malloc((size_t)g.n_writers);

        for (int round = 0; round < 60; round++) {
                size_t before = 0, after = 0, dropped;

                for (size_t e = 0; e < g.n_edges; e++) {
                        *state = *state * 1664525u + 1013904223u;
                        z[e] = slow[e] = (*state >> 16) % 60 < (uint32_t)round ? .5f : 0;
                        before += z[e] > 0;
                }
                hap_graph_live(&g, z, live);
                drop_dead_slowly(&g, slow, slow_live);
                dropped = hap_graph_drop_dead(&g, z);
                for (size_t e = 0; e < g.n_edges; e++)
                        after += slow[e] > 0;
                CHECK(dropped == before - after);
                CHECK(memcmp(z, slow, g.n_edges * sizeof *z) == 0);
                CHECK(memcmp(live, slow_live, (size_t)g.n_writers) == 0);
        }
        free(z);
        free(slow);
        free(live);
        free(slow_live);
        hap_graph_release(&g);
}

TEST("dead edges agree with the definition on random circuits")
{
        uint32_t state = 7;

        check_against_slow(make(3, 2, false, false), &state);
        check_against_slow(make(3, 2, true, false), &state);
        check_against_slow(make(4, 1, false, true), &state);
}

RUN_TESTS
