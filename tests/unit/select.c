#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "attrib/selection.h"
#include "unit.h"

/* A scores section over a small graph, scored by a fixed pseudo-random row. */
static struct hap_edges make(int layers, int heads, uint32_t seed, int distinct)
{
        struct hap_edges s = {.name = strdup("test.scores")};
        struct hap_error err;

        CHECK(hap_graph_init(&s.graph, layers, heads, false, false, &err) == 0);
        s.score = calloc(s.graph.n_edges, sizeof *s.score);
        s.given = calloc(s.graph.n_edges, sizeof *s.given);
        s.n_given = s.graph.n_edges;
        for (size_t e = 0; e < s.graph.n_edges; e++) {
                seed = seed * 1664525u + 1013904223u;
                s.score[e] = (double)((int)((seed >> 8) % (uint32_t)distinct) - distinct / 2);
                s.given[e] = true;
        }
        return s;
}

static size_t choose(const struct hap_edges *s, struct hap_selection_options how, float *z)
{
        struct hap_error err;
        size_t n, set = 0;

        memset(z, 0, s->graph.n_edges * sizeof *z);
        CHECK(hap_select_edges(s, &how, z, &n, &err) == 0);
        for (size_t e = 0; e < s->graph.n_edges; e++)
                set += z[e] > 0;
        CHECK(n == set);
        return n;
}

static struct hap_selection_options top(double n)
{
        return (struct hap_selection_options){.keep = {true, false, n}, .threshold = -INFINITY};
}

static double key(const struct hap_edges *s, size_t e, bool by_sign)
{
        return by_sign ? s->score[e] : fabs(s->score[e]);
}

/* The number of edges before e in the order of selection. */
static size_t better(const struct hap_edges *s, size_t e, bool by_sign)
{
        size_t n = 0;

        for (size_t f = 0; f < s->graph.n_edges; f++)
                n += key(s, f, by_sign) > key(s, e, by_sign) ||
                     (key(s, f, by_sign) == key(s, e, by_sign) && f < e);
        return n;
}

TEST("the n best are chosen, and of equal scores the first edges")
{
        struct hap_edges s = make(3, 2, 1, 21);
        float *z = malloc(s.graph.n_edges * sizeof *z);

        for (int by_sign = 0; by_sign < 2; by_sign++) {
                for (size_t n = 0; n <= s.graph.n_edges; n += 7) {
                        struct hap_selection_options how = top((double)n);

                        how.by_sign = by_sign;
                        CHECK(choose(&s, how, z) == n);
                        for (size_t e = 0; e < s.graph.n_edges; e++)
                                CHECK((z[e] == 1) == (better(&s, e, by_sign) < n));
                }
        }
        free(z);
        hap_edges_release(&s);
}

TEST("a threshold is reached by scores equal to it, by magnitude unless signed")
{
        struct hap_edges s = make(3, 2, 2, 21);
        float *z = malloc(s.graph.n_edges * sizeof *z);
        struct hap_selection_options how = {.threshold = 4};
        size_t magnitude = 0, sign = 0;

        for (size_t e = 0; e < s.graph.n_edges; e++) {
                magnitude += fabs(s.score[e]) >= 4;
                sign += s.score[e] >= 4;
        }
        CHECK(sign > 0 && sign < magnitude && magnitude < s.graph.n_edges);
        CHECK(choose(&s, how, z) == magnitude);
        how.by_sign = true;
        CHECK(choose(&s, how, z) == sign);
        how.keep = (struct hap_count_or_percent){true, false, 3};
        CHECK(choose(&s, how, z) == 3);
        free(z);
        hap_edges_release(&s);
}

TEST("a percentage is of all the graph's edges, also when few have a score")
{
        struct hap_edges s = make(4, 4, 3, 100001);
        float *z = malloc(s.graph.n_edges * sizeof *z);
        struct hap_selection_options how = {.keep = {true, true, 20}, .threshold = -INFINITY};

        CHECK(choose(&s, how, z) == 96); /* 95.8 of 479 */
        for (size_t e = 0; e < s.graph.n_edges; e++)
                s.given[e] = e % 2 == 0;
        CHECK(choose(&s, how, z) == 96);
        for (size_t e = 1; e < s.graph.n_edges; e += 2)
                CHECK(z[e] == 0);
        free(z);
        hap_edges_release(&s);
}

/* The definition of greedy, without a heap: among all edges not taken whose
 * reader belongs to a node in the graph, the best. */
static void greedy_slowly(const struct hap_edges *s, size_t n, bool by_sign, float *z)
{
        const struct hap_graph *g = &s->graph;
        bool *in = calloc((size_t)g->n_writers, 1);

        memset(z, 0, g->n_edges * sizeof *z);
        while (n-- > 0) {
                size_t best = g->n_edges;

                for (size_t e = 0; e < g->n_edges; e++) {
                        int fed = hap_graph_reader_node(g, hap_graph_edge_reader(g, e));

                        if (z[e] == 0 && (fed < 0 || in[fed]) &&
                            (best == g->n_edges || key(s, e, by_sign) > key(s, best, by_sign)))
                                best = e;
                }
                if (best == g->n_edges)
                        break;
                z[best] = 1;
                in[hap_graph_edge_writer(g, best)] = true;
        }
        free(in);
}

TEST("greedy adds the best edge into the selected nodes, as often as asked")
{
        for (uint32_t seed = 0; seed < 8; seed++) {
                struct hap_edges s = make(3, 2, seed, seed % 2 ? 7 : 100001);
                size_t bytes = s.graph.n_edges * sizeof(float);
                float *z = malloc(bytes), *slow = malloc(bytes);

                for (size_t n = 0; n <= s.graph.n_edges; n += 5) {
                        struct hap_selection_options how = top((double)n);

                        how.greedy = true;
                        how.by_sign = seed & 1;
                        choose(&s, how, z);
                        greedy_slowly(&s, n, seed & 1, slow);
                        CHECK(memcmp(z, slow, bytes) == 0);
                }
                free(z);
                free(slow);
                hap_edges_release(&s);
        }
}

TEST("every node that greedy reaches leads to the logits")
{
        struct hap_edges s = make(4, 4, 5, 100001);
        float *z = malloc(s.graph.n_edges * sizeof *z);
        bool *out = calloc((size_t)s.graph.n_writers, 1);
        struct hap_selection_options how = top(60);

        how.greedy = true;
        choose(&s, how, z);
        for (size_t e = 0; e < s.graph.n_edges; e++)
                out[hap_graph_edge_writer(&s.graph, e)] |= z[e] > 0;
        for (size_t e = 0; e < s.graph.n_edges; e++) {
                int fed = hap_graph_reader_node(&s.graph, hap_graph_edge_reader(&s.graph, e));

                CHECK(z[e] == 0 || fed < 0 || out[fed]);
        }
        free(z);
        free(out);
        hap_edges_release(&s);
}

TEST("a quota gives every layer of readers the same share")
{
        struct hap_edges s = make(4, 4, 6, 100001);
        float *z = malloc(s.graph.n_edges * sizeof *z);
        struct hap_selection_options how = top(52);
        size_t share[5] = {0};

        how.layer_quota = true;
        CHECK(choose(&s, how, z) == 52);
        for (size_t e = 0; e < s.graph.n_edges; e++) {
                struct hap_node r = hap_graph_reader(&s.graph, hap_graph_edge_reader(&s.graph, e));

                share[r.kind == HAP_READS_LOGITS ? 4 : r.layer] += z[e] > 0;
        }
        CHECK(share[0] == 11 && share[1] == 11);
        CHECK(share[2] == 10 && share[3] == 10 && share[4] == 10);
        free(z);
        hap_edges_release(&s);
}

/* Layer 0 has 17 edges (12 of q, k, v and 5 of the MLP), logits 21. */
TEST("the part of a quota that a layer cannot use goes to the others")
{
        struct hap_edges s = make(4, 4, 6, 100001);
        float *z = malloc(s.graph.n_edges * sizeof *z);
        struct hap_selection_options how = top(200);
        size_t share[5] = {0};

        how.layer_quota = true;
        CHECK(choose(&s, how, z) == 200);
        for (size_t e = 0; e < s.graph.n_edges; e++) {
                struct hap_node r = hap_graph_reader(&s.graph, hap_graph_edge_reader(&s.graph, e));

                share[r.kind == HAP_READS_LOGITS ? 4 : r.layer] += z[e] > 0;
        }
        CHECK(share[0] == 17 && share[1] == 54 && share[2] == 54 && share[3] == 54);
        CHECK(share[4] == 21);
        free(z);
        hap_edges_release(&s);
}

TEST("a node's name selects all edges into and out of it")
{
        struct hap_edges s = make(3, 2, 1, 9);
        float *z = calloc(s.graph.n_edges, sizeof *z);
        struct hap_error err;
        char name[HAP_NAME];

        CHECK(hap_select_named(&s.graph, "a1.h1", z, &err) == 0);
        for (size_t e = 0; e < s.graph.n_edges; e++) {
                hap_graph_edge_name(&s.graph, e, name);
                CHECK((z[e] == 1) == (strncmp(name, "a1.h1->", 7) == 0 ||
                                      strstr(name, "->a1.h1<") != NULL));
        }
        memset(z, 0, s.graph.n_edges * sizeof *z);
        CHECK(hap_select_named(&s.graph, "a1.h1<k>", z, &err) == 0);
        CHECK(hap_select_named(&s.graph, "m0->logits", z, &err) == 0);
        for (size_t e = 0; e < s.graph.n_edges; e++) {
                hap_graph_edge_name(&s.graph, e, name);
                CHECK((z[e] == 1) == (strstr(name, "->a1.h1<k>") != NULL ||
                                      strcmp(name, "m0->logits") == 0));
        }
        CHECK(hap_select_named(&s.graph, "a7.h1", z, &err) == HAP_EUSAGE);
        free(z);
        hap_edges_release(&s);
}

TEST("more edges than the graph has, and a quota without an amount, are refused")
{
        struct hap_edges s = make(3, 2, 1, 9);
        float *z = calloc(s.graph.n_edges, sizeof *z);
        struct hap_selection_options how = top((double)s.graph.n_edges + 1);
        struct hap_error err;
        size_t n;

        CHECK(hap_select_edges(&s, &how, z, &n, &err) == HAP_EUSAGE);
        how = (struct hap_selection_options){.threshold = 1, .layer_quota = true};
        CHECK(hap_select_edges(&s, &how, z, &n, &err) == HAP_EUSAGE);
        how = top(3);
        how.layer_quota = how.greedy = true;
        CHECK(hap_select_edges(&s, &how, z, &n, &err) == HAP_EUSAGE);
        free(z);
        hap_edges_release(&s);
}

TEST("a circuit of dead edges only is refused, and named edges stay when dead")
{
        struct hap_edges s = make(3, 2, 1, 9);
        struct hap_selection selection = {0};
        struct hap_selection_options how = top(1);
        const char *dead = "a0.h0->a1.h0<q>";
        struct hap_error err;

        for (size_t e = 0; e < s.graph.n_edges; e++)
                s.score[e] = 0;
        s.score[hap_graph_find_edge(&s.graph, dead, strlen(dead))] = 5;
        s.header = json_object();
        CHECK(hap_selection_add(&selection, &s, &how, &err) == 0);
        CHECK(hap_selection_finish(&selection, &dead, 1, false, &err) == 0);
        CHECK(selection.kept == 1 && !hap_selection_is_dead(&selection));
        CHECK(hap_selection_check(&selection, &err) == 0);
        hap_selection_release(&selection);
        CHECK(hap_selection_add(&selection, &s, &how, &err) == 0);
        CHECK(hap_selection_finish(&selection, NULL, 0, false, &err) == 0);
        CHECK(hap_selection_is_dead(&selection));
        CHECK(hap_selection_check(&selection, &err) == HAP_EINPUT);
        hap_selection_release(&selection);
        hap_edges_release(&s);
}

TEST("a selection without an edge is refused, and is not one of dead edges")
{
        struct hap_edges s = make(3, 2, 1, 9);
        struct hap_selection selection = {0};
        struct hap_selection_options how = top(0);
        struct hap_error err;

        s.header = json_object();
        CHECK(hap_selection_add(&selection, &s, &how, &err) == 0);
        CHECK(hap_selection_finish(&selection, NULL, 0, false, &err) == 0);
        CHECK(!hap_selection_is_dead(&selection));
        CHECK(hap_selection_check(&selection, &err) == HAP_EUSAGE);
        hap_selection_release(&selection);
        hap_edges_release(&s);
}

RUN_TESTS
