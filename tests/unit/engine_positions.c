/* The engine with edges distinguished by position. */
#include "engine_bench.h"
#include "forward/full_run.h"
#include "forward/masked.h"

TEST("with positions, too, gradients are those of finite differences")
{
        divided = true;
        for (int i = 0; i < 2; i++) {
                finite_difference(models[i], &hap_interchange, 1);
                finite_difference(models[i], &hap_interchange, 0.1);
                plan_against_all(models[i], &hap_interchange, 0.1);
                constants_difference(models[i], 0.3);
        }
        for (int i = 0; i < OTHERS; i++)
                finite_difference(others[i], &hap_interchange, 0.3);
        divided = false;
}

/* The same masks at all positions are masks without positions, and the gradients at the positions
 * add up to theirs. */
static void same_at_all_places(const char *path)
{
        struct bench b;
        const size_t most = 1 << 14;
        float *z[PROMPTS], *logits[2], *d_z[2];
        const float *zs[PROMPTS];
        bool *wanted = calloc(most, sizeof(*wanted));
        size_t base = 0;

        memset(wanted, true, most);
        for (int i = 0; i < PROMPTS; i++)
                zs[i] = z[i] = calloc(most, sizeof(float));
        for (int side = 0; side < 2; side++) {
                divided = side == 1;
                set_up(&b, path, &hap_interchange);
                CHECK(b.edges <= most);
                base = b.engine.graph.edges_per_position;
                for (int i = 0; i < PROMPTS; i++)
                        for (size_t e = 0; e < b.edges; e++)
                                z[i][e] =
                                        (float)hap_random_uniform(key, 60 + (uint64_t)i, e % base);
                logits[side] = calloc((size_t)PROMPTS * b.n_out, sizeof(float));
                d_z[side] = calloc(most, sizeof(float));
                masked(&b, &hap_metric_kl, zs, wanted, logits[side], d_z[side]);
                if (side == 1)
                        CHECK_NEAR(most_apart((size_t)PROMPTS * b.n_out, logits[0], logits[1]), 0,
                                   2e-5);
                tear_down(&b);
        }
        for (size_t e = 0; e < base; e++)
                CHECK_NEAR(d_z[1][e] + d_z[1][base + e] + d_z[1][2 * base + e], d_z[0][e], 2e-5);
        for (int i = 0; i < PROMPTS; i++)
                free(z[i]);
        for (int side = 0; side < 2; side++) {
                free(logits[side]);
                free(d_z[side]);
        }
        free(wanted);
        divided = false;
}

TEST("the same masks at all positions are masks without positions")
{
        for (int i = 0; i < 2; i++)
                same_at_all_places(models[i]);
}

/* In a full run, one writer's output is the corrupted run's at the tokens of one position:
 * activation patching. In a masked run, all its edges at that position are cut. */
static void patch(struct bench *b, int i, int writer, int place, const float *clean)
{
        const struct hap_graph *g = &b->engine.graph;
        const size_t d = (size_t)b->model.config.d_model;
        const size_t tokens = (size_t)b->prompts[i].n_tokens, size = tokens * d;
        const struct hap_node node = hap_graph_writer(g, writer);
        struct hap_prompt prompt = b->prompts[i];
        const struct hap_prompt *one = &prompt;
        struct hap_batch batch;
        struct hap_full_run run = {.override_begin = writer, .override_end = writer + 1,
                                .override_alpha = 1};
        float *patched = calloc((size_t)g->n_writers * size, sizeof(float));
        float *z = calloc(b->edges, sizeof(float));
        float *expected = calloc((size_t)b->n_out, sizeof(float));
        const float *zs = z;
        struct hap_masked mixed = {.z = &zs};

        memcpy(patched, clean, (size_t)g->n_writers * size * sizeof(float));
        for (size_t t = 0; t < tokens; t++)
                if (b->place[i][t] == place)
                        memcpy(patched + (size_t)writer * size + t * d,
                               b->outputs[i] + (size_t)writer * size + t * d, d * sizeof(float));
        if (node.kind == HAP_WRITES_HEAD) { /* with the others of its layer, which stay clean */
                run.override_begin = hap_graph_head_writer(g, node.layer, 0);
                run.override_end = run.override_begin + g->n_heads;
        }
        prompt.first = 0;
        run.override_clean = patched;
        b->work.used = 0;
        CHECK(hap_batch_init(&batch, &b->work, &one, 1, false) == 0);
        CHECK(hap_full_forward(&b->work, &batch, &run) == 0);
        memcpy(expected, run.logits, (size_t)b->n_out * sizeof(float));
        for (size_t e = 0; e < b->edges; e++)
                z[e] = hap_graph_edge_writer(g, e) != writer ||
                       hap_graph_edge_position(g, e) != place;
        one = &b->prompts[i];
        b->work.used = 0;
        CHECK(hap_batch_init(&batch, &b->work, &one, 1, true) == 0);
        CHECK(hap_masked_forward(&b->work, &batch, &mixed) == 0);
        CHECK_NEAR(most_apart((size_t)b->n_out, mixed.logits, expected), 0, 5e-5);
        free(patched);
        free(z);
        free(expected);
}

TEST("cutting a writer's edges at a position is activation patching at that position")
{
        for (int m = 0; m < 2; m++) {
                struct bench b;

                divided = true;
                set_up(&b, models[m], &hap_interchange);
                for (int i = 0; i < PROMPTS; i++) {
                        const size_t size = (size_t)b.prompts[i].n_tokens * b.model.config.d_model;
                        float *clean =
                                calloc((size_t)b.engine.graph.n_writers * size, sizeof(float));
                        float *logits = calloc((size_t)b.n_out, sizeof(float));

                        plain(&b, b.clean[i], b.prompts[i].n_tokens, b.prompts[i].n_tokens - 1,
                              clean, logits);
                        for (int w = 0; w < b.engine.graph.n_writers; w++)
                                patch(&b, i, w, w % 3, clean);
                        free(clean);
                        free(logits);
                }
                tear_down(&b);
                divided = false;
        }
}

RUN_TESTS
