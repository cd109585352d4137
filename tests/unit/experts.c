/* Experts of a mixture as nodes of the graph. */
#include "engine_bench.h"
#include "graph/graph_json.h"

static const char *const mixtures[] = {"mixtral", "mixtral-ties", "qwen3-moe", "olmoe", "gpt-oss"};
enum { MIXTURES = sizeof(mixtures) / sizeof(*mixtures) };

static const char *path_of(const char *name)
{
        static char path[128];

        snprintf(path, sizeof(path), "tests/golden/families/%s", name);
        return path;
}

/* --- the graph --- */

static struct hap_graph make(int layers, int heads, int experts, bool parallel)
{
        struct hap_graph graph;
        struct hap_error err;

        CHECK(hap_graph_init_experts(&graph, layers, heads, experts, parallel, false, &err) == 0);
        return graph;
}

/* Time: 2·layer for a layer's heads to read, 2·layer + 1 to be written and for its experts to
 * read, 2·layer + 2 for these to be written. */
TEST("the edges of a graph with experts are exactly those from writers written before")
{
        struct hap_graph g = make(3, 4, 5, false);
        size_t n = 0;

        for (int r = 0; r < g.n_readers; r++) {
                const struct hap_node reader = hap_graph_reader(&g, r);
                const int reads = reader.kind == HAP_READS_LOGITS ? 1000
                                  : 2 * reader.layer + (reader.kind == HAP_READS_MLP);

                for (int w = 0; w < g.n_writers; w++) {
                        const struct hap_node writer = hap_graph_writer(&g, w);
                        const int written = writer.kind == HAP_WRITES_INPUT ? 0
                                      : 2 * writer.layer + 1 + (writer.kind == HAP_WRITES_MLP);

                        CHECK((w < hap_graph_in(&g, r)) == (written <= reads));
                        n += written <= reads;
                }
        }
        CHECK(g.n_writers == 1 + 3 * (4 + 5) && g.n_readers == 3 * (3 * 4 + 5) + 1);
        CHECK(n == g.n_edges && g.edge_start[g.n_readers] == n);
        hap_graph_release(&g);
}

TEST("every name in a graph with experts is found again, and an MLP is none of them")
{
        struct hap_graph g = make(12, 2, 11, true);
        char name[HAP_NAME];

        for (size_t e = 0; e < g.n_edges; e++) {
                hap_graph_edge_name(&g, e, name);
                CHECK(hap_graph_find_edge(&g, name, strlen(name)) == (int64_t)e);
        }
        for (int l = 0; l < 12; l++)
                for (int e = 0; e < 11; e++) {
                        const int writer = hap_graph_mlp_writer(&g, l) + e;
                        const int reader = hap_graph_mlp_reader(&g, l) + e;

                        snprintf(name, sizeof(name), "m%d.e%d", l, e);
                        CHECK(hap_graph_find_writer(&g, name, strlen(name)) == writer);
                        CHECK(hap_graph_find_reader(&g, name, strlen(name)) == reader);
                        CHECK(hap_graph_reader_node(&g, reader) == writer);
                        CHECK(hap_graph_mlp_writer_reader(&g, writer) == reader);
                        CHECK(hap_graph_writer(&g, writer).expert == e);
                }
        CHECK(hap_graph_find_writer(&g, "m3", 2) == -1);
        CHECK(hap_graph_find_writer(&g, "m3.e11", 6) == -1);
        CHECK(hap_graph_find_writer(&g, "m3.e01", 6) == -1);
        CHECK(hap_graph_find_reader(&g, "m3.e1x", 6) == -1);
        hap_graph_release(&g);
        g = make(3, 2, 0, false);
        CHECK(hap_graph_find_writer(&g, "m1", 2) >= 0);
        CHECK(hap_graph_find_writer(&g, "m1.e0", 5) == -1);
        hap_graph_release(&g);
}

TEST("a description keeps the number of experts, and 0 or too many are refused")
{
        struct hap_graph g = make(3, 4, 5, false), same, other = make(3, 4, 6, false);
        json_t *description = hap_graph_describe(&g);
        struct hap_error err;

        CHECK(hap_graph_of_json(&same, description, &err) == 0);
        CHECK(hap_graph_equal(&g, &same) && !hap_graph_equal(&g, &other));
        hap_graph_release(&same);
        json_object_set_new(description, "experts", json_integer(0));
        CHECK(hap_graph_of_json(&same, description, &err) < 0);
        json_object_set_new(description, "experts", json_integer(HAP_MAX_GRAPH_SIZE + 1));
        CHECK(hap_graph_of_json(&same, description, &err) < 0);
        json_object_set_new(description, "experts", json_integer(6));
        CHECK(hap_graph_of_json(&same, description, &err) < 0); /* the counts are those of 5 */
        json_decref(description);
        hap_graph_release(&g);
        hap_graph_release(&other);
}

/* --- the engine --- */

TEST("all masks 1 give the full model's logits, all masks 0 those of the corrupted run")
{
        for (int m = 0; m < MIXTURES; m++) {
                as_experts = true;
                end_of_the_masks(path_of(mixtures[m]), 1, 1e-5);
                end_of_the_masks(path_of(mixtures[m]), 0, 1e-5);
                as_experts = false;
        }
}

static void for_all(double open, const struct hap_ablation *ablation)
{
        as_experts = true;
        for (int m = 0; m < MIXTURES; m++) {
                printf("# %s\n", mixtures[m]);
                if (ablation)
                        finite_difference(path_of(mixtures[m]), ablation, open);
                else
                        constants_difference(path_of(mixtures[m]), open);
        }
        as_experts = false;
}

TEST("mask gradients are those of finite differences, all edges open")
{
        for_all(1, &hap_interchange);
}

TEST("mask gradients are those of finite differences, few edges open")
{
        for_all(0.3, &hap_interchange);
}

TEST("mask gradients at named positions are those of finite differences")
{
        divided = true;
        for_all(0.5, &hap_interchange);
        divided = false;
}

TEST("gradients by the constants of cut edges are those of finite differences")
{
        for_all(0.6, NULL);
}

TEST("leaving out what has no effect changes nothing, even for experts without an edge in")
{
        as_experts = true;
        for (int m = 0; m < MIXTURES; m++) {
                printf("# %s\n", mixtures[m]);
                plan_against_all(path_of(mixtures[m]), &hap_interchange, 0.3);
                plan_against_all(path_of(mixtures[m]), &hap_zero, 0.3);
        }
        as_experts = false;
}

TEST("without the clean run's weights a masked run is refused")
{
        struct bench b;
        float *z;
        const float *zs[PROMPTS];
        struct hap_masked run = {.z = zs};
        struct hap_batch batch;

        as_experts = true;
        set_up(&b, path_of("mixtral"), &hap_interchange);
        as_experts = false;
        z = calloc(b.edges, sizeof(*z));
        for (size_t e = 0; e < b.edges; e++)
                z[e] = 1;
        for (int i = 0; i < PROMPTS; i++) {
                zs[i] = z;
                b.prompts[i].gates = NULL;
        }
        b.work.used = 0;
        CHECK(hap_batch_init(&batch, &b.work, b.pointers, PROMPTS, true) == 0);
        CHECK(hap_masked_forward(&b.work, &batch, &run) == HAP_EINPUT);
        CHECK(strstr(b.work.error.message, "weights of experts") != NULL);
        free(z);
        tear_down(&b);
}

TEST("a model without experts has none to make nodes")
{
        struct hap_model model;
        struct hap_engine engine;
        struct hap_error err = {0};

        CHECK(hap_model_load(&model, "tests/golden/families/mistral", &err) == 0);
        CHECK(hap_engine_init(&engine, &model, &(struct hap_graph_form){.experts = true}, &err) ==
              HAP_EUSAGE);
        CHECK(strstr(err.message, "it has none") != NULL);
        hap_model_release(&model);
}

RUN_TESTS
