/* Random circuits of a small graph. */
#include "eval/random_circuit.h"

#include "unit.h"

static struct hap_error err;
static const struct hap_random_key key = {3, 1};
enum { MAX_EDGES = 400 };

static void small_graph(struct hap_graph *graph, float *like)
{
        CHECK(hap_graph_init(graph, 3, 2, false, false, &err) == 0);
        CHECK(graph->n_edges < MAX_EDGES);
        for (size_t e = 0; e < graph->n_edges; e++)
                like[e] = e % 7 == 0 ? 0.5f : 0;
}

static size_t count_between(const struct hap_graph *graph, const float *z, int from, int to)
{
        size_t n = 0;

        for (size_t e = 0; e < graph->n_edges; e++) {
                const int reader = hap_graph_edge_reader(graph, e);
                const int writer = hap_graph_edge_writer(graph, e);

                n += z[e] > 0 && hap_graph_writer(graph, writer).layer == from &&
                     hap_graph_reader(graph, reader).layer == to;
        }
        return n;
}

TEST("edges and layers have the size, layers have the profile, and both are uniform")
{
        struct hap_graph graph;
        float like[MAX_EDGES], z[MAX_EDGES];
        size_t drawn[MAX_EDGES] = {0};
        enum { RUNS = 3000 };
        size_t size;
        double p;

        small_graph(&graph, like);
        size = hap_graph_count_kept(&graph, like);
        p = (double)size / (double)graph.n_edges;
        for (uint64_t i = 0; i < RUNS; i++) {
                CHECK(hap_random_layers.draw(&graph, like, key, i, z) == 0);
                CHECK(hap_graph_count_kept(&graph, z) == size);
                for (int from = -1; from < 3; from++)
                        for (int to = -1; to < 3; to++)
                                CHECK(count_between(&graph, z, from, to) ==
                                      count_between(&graph, like, from, to));
                CHECK(hap_random_edges.draw(&graph, like, key, i, z) == 0);
                CHECK(hap_graph_count_kept(&graph, z) == size);
                for (size_t e = 0; e < graph.n_edges; e++)
                        drawn[e] += z[e] > 0;
        }
        for (size_t e = 0; e < graph.n_edges; e++)
                CHECK_NEAR((double)drawn[e] / RUNS, p, 4.5 * sqrt(p * (1 - p) / RUNS));
        hap_graph_release(&graph);
}

TEST("paths have no dead edges and at least the size")
{
        struct hap_graph graph;
        float like[MAX_EDGES], z[MAX_EDGES];

        small_graph(&graph, like);
        for (uint64_t i = 0; i < 200; i++) {
                const size_t size = hap_graph_count_kept(&graph, like);

                CHECK(hap_random_paths.draw(&graph, like, key, i, z) == 0);
                CHECK(hap_graph_count_kept(&graph, z) >= size);
                CHECK(hap_graph_count_kept(&graph, z) < size + 2 * 3 + 1);
                CHECK(hap_graph_drop_dead(&graph, z) == 0);
        }
        hap_graph_release(&graph);
}

TEST("a path in a graph with positions ends where the logits are read")
{
        struct hap_graph graph;
        struct hap_positions positions = {0};
        float z[MAX_EDGES * 4] = {0};
        uint64_t draws = 0;

        CHECK(hap_graph_init(&graph, 2, 2, false, false, &err) == 0);
        CHECK(hap_positions_add(&positions, "S", &err) == 0);
        CHECK(hap_positions_add(&positions, "END", &err) == 0);
        CHECK(hap_positions_add(&positions, HAP_REST, &err) == 0);
        positions.answers[1] = true;
        CHECK(hap_graph_set_positions(&graph, &positions, &err) == 0);
        CHECK(graph.n_edges < sizeof z / sizeof *z);
        for (int i = 0; i < 100; i++)
                CHECK(hap_random_path(&graph, key, 1, &draws, z) >= 0);
        CHECK(hap_graph_drop_dead(&graph, z) == 0);
        hap_graph_release(&graph);
}

RUN_TESTS
