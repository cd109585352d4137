/* Graphs with positions. */
#include <stdint.h>
#include <stdlib.h>
#include <jansson.h>

#include "graph/graph.h"
#include "unit.h"
#include "graph/graph_json.h"

static struct hap_graph make(int layers, int heads, bool split)
{
        struct hap_graph graph;
        struct hap_error err;

        CHECK(hap_graph_init(&graph, layers, heads, false, split, &err) == 0);
        return graph;
}

static bool has(const struct hap_graph *graph, const char *name)
{
        return hap_graph_find_edge(graph, name, strlen(name)) >= 0;
}

static struct hap_graph divided(struct hap_graph g, int answers)
{
        static const char *const names[] = {"IO", "S1+1", "END", HAP_REST};
        struct hap_positions places = {0};
        struct hap_error err;

        for (int i = 0; i < 4; i++)
                CHECK(hap_positions_add(&places, names[i], &err) == 0);
        places.answers[answers] = true;
        CHECK(hap_graph_set_positions(&g, &places, &err) == 0);
        return g;
}

TEST("each position has all edges, named after an '@'")
{
        struct hap_graph g = divided(make(3, 2, false), 2);
        char name[HAP_NAME];

        CHECK(g.n_edges == 4 * g.edges_per_position);
        for (size_t e = 0; e < g.n_edges; e++) {
                hap_graph_edge_name(&g, e, name);
                CHECK(hap_graph_find_edge(&g, name, strlen(name)) == (int64_t)e);
        }
        CHECK(has(&g, "a0.h1->a1.h0<q>@S1+1") && has(&g, "input->m0@rest"));
        CHECK(!has(&g, "a0.h1->a1.h0<q>") && !has(&g, "a0.h1->a1.h0<q>@S2"));
        CHECK(!has(&g, "a0.h1->a1.h0<q>@") && !has(&g, "a1.h1->a1.h0<q>@IO"));
        hap_graph_release(&g);
        g = make(3, 2, false);
        CHECK(!has(&g, "a0.h1->a1.h0<q>@IO"));
        hap_graph_release(&g);
}

static int of_text(const char *text, struct hap_error *err)
{
        json_t *description = json_loads(text, 0, NULL);
        struct hap_graph g;
        int rc = hap_graph_of_json(&g, description, err);

        CHECK(description != NULL);
        json_decref(description);
        hap_graph_release(&g);
        return rc;
}

TEST("positions are described and read back, and wrong ones are refused")
{
        struct hap_graph g = divided(make(3, 2, false), 2), back;
        struct hap_graph other = divided(make(3, 2, false), 1), plain = make(3, 2, false);
        json_t *description = hap_graph_describe(&g);
        struct hap_positions places = {0};
        struct hap_error err;
        char name[HAP_POSITION_NAME + 1];

        CHECK(hap_graph_of_json(&back, description, &err) == 0);
        CHECK(hap_graph_equal(&g, &back) && !hap_graph_equal(&g, &other));
        CHECK(!hap_graph_equal(&g, &plain));
        CHECK(of_text("{\"layers\": 1, \"heads\": 1, \"positions\": [\"A\", \"rest\"],"
                      " \"answers\": [\"rest\"]}", &err) == 0);
        CHECK(of_text("{\"layers\": 1, \"heads\": 1, \"positions\": [\"A\"], \"answers\": [\"A\"]}",
                      &err) == HAP_EINPUT);
        CHECK(of_text("{\"layers\": 1, \"heads\": 1, \"positions\": [\"A\", \"B\"],"
                      " \"answers\": [\"A\"]}", &err) == HAP_EINPUT);
        CHECK(of_text("{\"layers\": 1, \"heads\": 1, \"positions\": [\"A\", \"A\", \"rest\"],"
                      " \"answers\": [\"A\"]}", &err) == HAP_EINPUT);
        CHECK(of_text("{\"layers\": 1, \"heads\": 1, \"positions\": [\"A\", \"rest\"],"
                      " \"answers\": [\"B\"]}", &err) == HAP_EINPUT);
        CHECK(of_text("{\"layers\": 1, \"heads\": 1, \"positions\": [\"A\", \"rest\"]}", &err) ==
              HAP_EINPUT);
        CHECK(of_text("{\"layers\": 1, \"heads\": 1, \"positions\": [7, \"rest\"],"
                      " \"answers\": [\"rest\"]}", &err) == HAP_EINPUT);
        CHECK(hap_positions_add(&places, "a@b", &err) == HAP_EINPUT);
        CHECK(hap_positions_add(&places, "a b", &err) == HAP_EINPUT);
        CHECK(hap_positions_check("a b", &err) == HAP_EINPUT);
        CHECK(hap_positions_check(HAP_REST, &err) == HAP_EINPUT);
        CHECK(hap_positions_check("S1+1", &err) == 0);
        memset(name, 'x', HAP_POSITION_NAME);
        name[HAP_POSITION_NAME] = '\0';
        CHECK(hap_positions_add(&places, name, &err) == HAP_EINPUT);
        name[HAP_POSITION_NAME - 1] = '\0';
        CHECK(hap_positions_add(&places, name, &err) == 0);
        json_decref(description);
        hap_graph_release(&g);
        hap_graph_release(&back);
        hap_graph_release(&other);
        hap_graph_release(&plain);
}

/* The flow of the graph as a list of arcs between points: writers and readers at each position,
 * and the logits. It is followed from the inputs forwards and from the logits backwards. */
struct flow {
        const struct hap_graph *g;
        const float *z;
        size_t writers, points; /* writers first, then readers, then the logits */
};

static bool arc(const struct flow *f, size_t from, size_t to)
{
        const struct hap_graph *g = f->g;
        const int n_w = g->n_writers, n_r = g->n_readers;

        if (from < f->writers && to >= f->writers && to + 1 < f->points) { /* an edge */
                const int p = (int)from / n_w, w = (int)from % n_w;
                const int q = (int)(to - f->writers) / n_r, r = (int)(to - f->writers) % n_r;

                return p == q && w < hap_graph_in(g, r) &&
                       f->z[(size_t)p * g->edges_per_position + hap_graph_edge(g, w, r)] > 0;
        }
        if (from >= f->writers && from + 1 < f->points) { /* within a node */
                const int p = (int)(from - f->writers) / n_r, r = (int)(from - f->writers) % n_r;
                const struct hap_node node = hap_graph_reader(g, r);
                const bool moves = node.kind == HAP_READS_K || node.kind == HAP_READS_V;

                if (node.kind == HAP_READS_LOGITS)
                        return to + 1 == f->points && g->positions.answers[p];
                return to < f->writers && (int)to % n_w == hap_graph_reader_node(g, r) &&
                       (moves || (int)to / n_w == p);
        }
        return false;
}

static void flood(const struct flow *f, bool back, bool *wet)
{
        for (bool changed = true; changed;) {
                changed = false;
                for (size_t a = 0; a < f->points; a++)
                        for (size_t b = 0; b < f->points; b++)
                                if (wet[a] && !wet[b] && (back ? arc(f, b, a) : arc(f, a, b)))
                                        wet[b] = changed = true;
        }
}

TEST("with positions the edges that live are those on a way from an input to an answer")
{
        struct hap_graph g = divided(make(2, 2, true), 2);
        struct flow f = {&g, NULL, (size_t)(4 * g.n_writers),
                         (size_t)(4 * (g.n_writers + g.n_readers) + 1)};
        float *z = malloc(g.n_edges * sizeof *z), *before = malloc(g.n_edges * sizeof *z);
        bool *reached = malloc(f.points), *useful = malloc(f.points);
        uint32_t state = 3;
        size_t alive = 0, dead = 0;

        for (int round = 0; round < 12; round++) {
                for (size_t e = 0; e < g.n_edges; e++) {
                        state = state * 1664525u + 1013904223u;
                        z[e] = before[e] = (state >> 16) % 40 < (uint32_t)(2 + 2 * round) ? .5f : 0;
                }
                f.z = before;
                memset(reached, 0, f.points);
                memset(useful, 0, f.points);
                for (size_t w = 0; w < f.writers; w++)
                        reached[w] = w % (size_t)g.n_writers < 2;
                useful[f.points - 1] = true;
                flood(&f, false, reached);
                flood(&f, true, useful);
                hap_graph_drop_dead(&g, z);
                for (size_t e = 0; e < g.n_edges; e++) {
                        const size_t p = e / g.edges_per_position;
                        const size_t from =
                                p * (size_t)g.n_writers + (size_t)hap_graph_edge_writer(&g, e);
                        const size_t to = f.writers + p * (size_t)g.n_readers +
                                          (size_t)hap_graph_edge_reader(&g, e);

                        CHECK((z[e] > 0) == (before[e] > 0 && reached[from] && useful[to]));
                        alive += z[e] > 0;
                        dead += before[e] > 0 && z[e] == 0;
                }
        }
        CHECK(alive > 100 && dead > 100);
        free(z);
        free(before);
        free(reached);
        free(useful);
        hap_graph_release(&g);
}

RUN_TESTS
