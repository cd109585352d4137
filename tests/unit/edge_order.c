#include "prune/edge_order.h"

#include <stdlib.h>

#include "unit.h"

/* 2 layers of 2 heads: small enough to draw. */
static struct hap_graph graph(void)
{
        struct hap_graph g;
        struct hap_error err;

        CHECK(hap_graph_init(&g, 2, 2, false, false, &err) == 0);
        return g;
}

/* The same at three positions. Logits are read at one of them. */
static struct hap_graph divided(void)
{
        struct hap_graph g = graph();
        struct hap_positions places = {0};
        struct hap_error err;

        CHECK(hap_positions_add(&places, "S", &err) == 0 && hap_positions_add(&places, "END", &err) == 0);
        CHECK(hap_positions_add(&places, HAP_REST, &err) == 0);
        places.answers[1] = true;
        CHECK(hap_graph_set_positions(&g, &places, &err) == 0);
        return g;
}

static uint32_t edge(const struct hap_graph *g, const char *name)
{
        int64_t e = hap_graph_find_edge(g, name, strlen(name));

        CHECK(e >= 0);
        return (uint32_t)e;
}

static size_t open_edges(const struct hap_graph *g, const float *z)
{
        size_t n = 0;

        for (size_t e = 0; e < g->n_edges; e++)
                n += z[e] > 0;
        return n;
}

/* The circuit has n edges, none dead. */
static void check_live(const struct hap_graph *g, float *z, size_t n)
{
        CHECK(open_edges(g, z) == n);
        CHECK(hap_graph_drop_dead(g, z) == 0);
}

TEST("edges are sorted by value, equal ones in an order drawn by the key")
{
        double value[6] = {1, 5, 3, 3, 3, -2};
        uint32_t edges[6] = {0, 1, 2, 3, 4, 5}, order[6], other[6];
        struct hap_random_key key = {1, 2};
        bool differs = false;

        CHECK(hap_edge_order_sort(value, edges, 6, key, 0, order) == 0);
        CHECK(order[0] == 1 && order[4] == 0 && order[5] == 5);
        for (uint64_t i = 1; i < 20; i++) {
                CHECK(hap_edge_order_sort(value, edges, 6, key, i, other) == 0);
                CHECK(other[0] == 1 && other[4] == 0 && other[5] == 5);
                CHECK(other[1] + other[2] + other[3] == 9);
                differs |= other[1] != order[1];
        }
        CHECK(differs);
        CHECK(hap_edge_order_sort(value, edges, 6, key, 0, other) == 0);
        CHECK(memcmp(order, other, sizeof order) == 0);
}

/* input->a0.h0<v>, a0.h0->m1, m1->logits: alive only when all three are in. */
static size_t path(const struct hap_graph *g, uint32_t *order)
{
        order[0] = edge(g, "input->a0.h0<v>");
        order[1] = edge(g, "m0->logits");
        order[2] = edge(g, "m1->logits");
        order[3] = edge(g, "a0.h0->m1");
        order[4] = edge(g, "input->m0");
        order[5] = edge(g, "input->m1");
        return 6;
}

TEST("the first edges of an order lose those that lead nowhere")
{
        struct hap_graph g = graph();
        float *z = calloc(g.n_edges, sizeof *z);
        uint32_t order[6];

        path(&g, order);
        CHECK(hap_edge_order_first(&g, order, 3, z) == 0);
        CHECK(hap_edge_order_first(&g, order, 4, z) == 3);
        CHECK(z[order[0]] == 1 && z[order[1]] == 0);
        CHECK(hap_edge_order_first(&g, order, 5, z) == 5);
        free(z);
        hap_graph_release(&g);
}

TEST("the longest prefix counts live edges only")
{
        struct hap_graph g = graph();
        float *z = calloc(g.n_edges, sizeof *z);
        uint32_t order[6];
        size_t n = path(&g, order);

        CHECK(hap_edge_order_longest(&g, order, n, 2, z) == 0);
        CHECK(hap_edge_order_longest(&g, order, n, 3, z) == 3);
        CHECK(hap_edge_order_longest(&g, order, n, 4, z) == 3); /* the next brings two */
        CHECK(hap_edge_order_longest(&g, order, n, 5, z) == 5);
        CHECK(hap_edge_order_longest(&g, order, n, 99, z) == 6);
        free(z);
        hap_graph_release(&g);
}

TEST("filling adds edges between live nodes in their order, up to the number")
{
        struct hap_graph g = graph();
        float *z = calloc(g.n_edges, sizeof *z);
        uint32_t order[6];
        size_t n = path(&g, order);

        CHECK(hap_edge_order_longest(&g, order, n, 4, z) == 3);
        CHECK(hap_edge_order_fill(&g, order, n, 4, z) == 4);
        CHECK(z[order[5]] == 1);                       /* input->m1: both live */
        CHECK(z[order[1]] == 0 && z[order[4]] == 0);   /* m0 does not */
        free(z);
        hap_graph_release(&g);
}

TEST("a cut has at least one path even if the longest prefix has none")
{
        struct hap_graph g = graph();
        float *z = calloc(g.n_edges, sizeof *z);
        /* m0 gets its output last: then five edges come alive at once */
        const char *names[] = {"input->a0.h0<q>", "input->a0.h1<k>", "a0.h0->m0",
                               "a0.h1->m0", "m0->logits"};
        uint32_t order[5];

        for (int i = 0; i < 5; i++)
                order[i] = edge(&g, names[i]);
        CHECK(hap_edge_order_longest(&g, order, 5, 4, z) == 0);
        CHECK(hap_edge_order_cut(&g, order, 5, 4, z) == 3);
        CHECK(z[order[0]] == 1 && z[order[2]] == 1 && z[order[4]] == 1);
        CHECK(hap_edge_order_cut(&g, order, 5, 5, z) == 5);
        CHECK(hap_edge_order_cut(&g, order, 5, 2, z) == 0); /* shorter than any path */
        free(z);
        hap_graph_release(&g);
}

/* In any order, a cut of the whole graph has the number asked for and no dead edges. */
static void cut_everything(struct hap_graph g)
{
        float *z = calloc(g.n_edges, sizeof *z);
        uint32_t *order = calloc(g.n_edges, sizeof *order);
        size_t alive;

        for (size_t e = 0; e < g.n_edges; e++)
                z[e] = 1;
        alive = g.n_edges - hap_graph_drop_dead(&g, z);
        for (uint64_t i = 0; i < 200; i++) {
                size_t most = 1 + i % (alive - 1);

                hap_random_shuffle((struct hap_random_key){9, 9}, i, g.n_edges, order);
                CHECK(hap_edge_order_cut(&g, order, g.n_edges, most, z) == (long)most);
                check_live(&g, z, most);
        }
        free(z);
        free(order);
        hap_graph_release(&g);
}

TEST("a cut of all edges in any order has exactly the number asked for, all alive")
{
        cut_everything(graph());
        cut_everything(divided());
}

/* Part of an order fills a random circuit: the edges that it counts as alive are alive. */
static void fill_some(struct hap_graph g, uint64_t cases)
{
        float *z = calloc(g.n_edges, sizeof *z);
        uint32_t *order = calloc(g.n_edges, sizeof *order);
        size_t filled = 0;

        for (uint64_t i = 0; i < cases; i++) {
                const struct hap_random_key key = {9, 10};
                const uint64_t rare = 2 + hap_random_word(key, i, g.n_edges) % 40;
                const size_t n = g.n_edges / (1 + hap_random_word(key, i, g.n_edges + 1) % 6);
                size_t alive;
                long now;

                hap_random_shuffle(key, i, g.n_edges, order);
                for (size_t e = 0; e < g.n_edges; e++)
                        z[e] = hap_random_word(key, i, e) % rare == 0;
                hap_graph_drop_dead(&g, z);
                alive = open_edges(&g, z);
                if (alive == 0)
                        continue;
                now = hap_edge_order_fill(&g, order, n, alive + 1 + i % 3, z);
                CHECK(now >= (long)alive && now <= (long)(alive + 1 + i % 3));
                check_live(&g, z, (size_t)now);
                filled += now > (long)alive;
        }
        CHECK(filled > cases / 20);
        free(z);
        free(order);
        hap_graph_release(&g);
}

TEST("the edges that filling counts as alive are alive")
{
        fill_some(graph(), 5000);
        fill_some(divided(), 30000);
}

static void cut_some(struct hap_graph g, size_t least, size_t paths_at_least)
{
        float *z = calloc(g.n_edges, sizeof *z);
        uint32_t *order = calloc(g.n_edges, sizeof *order);
        size_t paths = 0;

        for (uint64_t i = 0; i < 400; i++) {
                size_t n = least + i % 12, shortest, most;

                hap_random_shuffle((struct hap_random_key){9, 8}, i, g.n_edges, order);
                memset(z, 0, g.n_edges * sizeof *z);
                for (size_t k = 0; k < n; k++)
                        z[order[k]] = 1;
                shortest = hap_edge_order_shortest_path(&g, z);
                paths += shortest > 1;
                for (most = shortest ? shortest : 1; most <= n; most++) {
                        long cut = hap_edge_order_cut(&g, order, n, most, z);

                        CHECK(shortest ? cut >= (long)shortest && cut <= (long)most : cut == 0);
                        if (cut > 0)
                                check_live(&g, z, (size_t)cut);
                }
        }
        CHECK(paths > paths_at_least);
        free(z);
        free(order);
        hap_graph_release(&g);
}

TEST("a cut of some edges is never larger than asked for, and exists if a path is that short")
{
        cut_some(graph(), 4, 50);
        cut_some(divided(), 10, 50);
}

TEST("of equally short paths the cut has the one whose worst edge ranks best")
{
        struct hap_graph g = graph();
        float *z = calloc(g.n_edges, sizeof *z);
        const char *names[] = {"a0.h0->a1.h0<q>", "a0.h1->a1.h0<k>", "input->a0.h0<v>",
                               "input->a0.h1<k>", "a1.h0->logits", "a0.h0->logits",
                               "a0.h1->logits"};
        uint32_t order[7];

        for (int i = 0; i < 7; i++)
                order[i] = edge(&g, names[i]);
        CHECK(hap_edge_order_cut(&g, order, 7, 2, z) == 2);
        CHECK(z[order[2]] == 1 && z[order[5]] == 1);
        free(z);
        hap_graph_release(&g);
}

TEST("the shortest path counts edges, and is 0 if none leads to the logits")
{
        struct hap_graph g = graph();
        float *z = calloc(g.n_edges, sizeof *z);

        CHECK(hap_edge_order_shortest_path(&g, z) == 0);
        z[edge(&g, "input->a0.h0<q>")] = z[edge(&g, "a0.h0->m0")] = 1;
        CHECK(hap_edge_order_shortest_path(&g, z) == 0);
        z[edge(&g, "m0->a1.h1<k>")] = z[edge(&g, "a1.h1->logits")] = 1;
        CHECK(hap_edge_order_shortest_path(&g, z) == 4);
        z[edge(&g, "a0.h0->logits")] = 1;
        CHECK(hap_edge_order_shortest_path(&g, z) == 2);
        z[edge(&g, "input->logits")] = 1;
        CHECK(hap_edge_order_shortest_path(&g, z) == 1);
        free(z);
        hap_graph_release(&g);
}

TEST("with positions a path changes its position through keys and values alone")
{
        struct hap_graph g = divided();
        float *z = calloc(g.n_edges, sizeof *z);

        z[edge(&g, "input->a0.h0<q>@S")] = z[edge(&g, "a0.h0->logits@END")] = 1;
        CHECK(hap_edge_order_shortest_path(&g, z) == 0);
        z[edge(&g, "input->a0.h0<v>@S")] = 1;
        CHECK(hap_edge_order_shortest_path(&g, z) == 2);
        CHECK(hap_graph_drop_dead(&g, z) == 1);
        z[edge(&g, "a0.h0->logits@END")] = 0;
        z[edge(&g, "a0.h0->logits@S")] = 1; /* which no edge reads */
        CHECK(hap_edge_order_shortest_path(&g, z) == 0);
        CHECK(hap_graph_drop_dead(&g, z) == 2);
        free(z);
        hap_graph_release(&g);
}

RUN_TESTS
