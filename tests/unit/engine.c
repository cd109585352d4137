/* The engine against itself by algebra: identities that hold for any weights, and finite
 * differences. The tests of the programs compare with results of other programs. */
#include "engine_bench.h"
#include "forward/full_run.h"

TEST("with all masks at one a run is the full model, at zero the corrupted run")
{
        for (int ones = 0; ones < 2; ones++) {
                for (int i = 0; i < 2; i++)
                        end_of_the_masks(models[i], ones, 5e-5);
                for (int i = 0; i < OTHERS; i++)
                        end_of_the_masks(others[i], ones, 5e-5);
        }
}

TEST("mask gradients are those of finite differences, every prompt with its own masks")
{
        for (int i = 0; i < 2; i++) {
                finite_difference(models[i], &hap_interchange, 1);
                finite_difference(models[i], &hap_interchange, 0.3);
                finite_difference(models[i], &hap_interchange, 0.06);
                /* Sparse masks under zero ablation can give RMSNorm an input of zero. Its slope
                 * there is 1/√eps, for which no step is small enough. */
                finite_difference(models[i], &hap_zero, 1);
        }
        for (int i = 0; i < OTHERS; i++) {
                finite_difference(others[i], &hap_interchange, 1);
                finite_difference(others[i], &hap_interchange, 0.3);
        }
}

TEST("the parts that the plan leaves out change neither logits nor gradients")
{
        for (int i = 0; i < 2; i++) {
                plan_against_all(models[i], &hap_interchange, 0.25);
                plan_against_all(models[i], &hap_interchange, 0.35);
                plan_against_all(models[i], &hap_zero, 0.2);
        }
        for (int i = 0; i < OTHERS; i++) {
                /* few enough that the plan leaves something out, with one path open */
                plan_against_all(others[i], &hap_interchange, i == NEOX ? 0.25 : 0.12);
                plan_against_all(others[i], &hap_interchange, i == NEOX ? 0.35 : 0.18);
        }
}

TEST("gradients by the constants of cut edges are those of finite differences")
{
        static const char *const all[] = {"tests/golden/gpt2-a/model", "tests/golden/llama-a/model",
                                          "tests/golden/families/gemma2",
                                          "tests/golden/families/neox"};

        for (int i = 0; i < 4; i++) {
                constants_difference(all[i], 0.6);
                constants_difference(all[i], 0.06);
        }
}

/* Σ_rows (a'_w − a_w)·g_r of the plain run = −d loss / d m at masks of one. */
static void plain_equals_masked(const char *path)
{
        struct bench b;
        float *ones, *d_z, *gradient, *clean, *d_logits;
        const float *zs[PROMPTS];
        bool *wanted;
        struct hap_batch batch;
        struct hap_full_run run = {.gradients = true};
        const struct hap_graph *g;
        size_t size;

        set_up(&b, path, &hap_interchange);
        g = &b.engine.graph;
        ones = calloc(b.edges, sizeof(*ones));
        d_z = calloc(b.edges, sizeof(*d_z));
        wanted = calloc(b.edges, sizeof(*wanted));
        for (size_t e = 0; e < b.edges; e++) {
                ones[e] = 1;
                wanted[e] = true;
        }
        for (int i = 0; i < PROMPTS; i++)
                zs[i] = ones;
        masked(&b, &hap_metric_logit_diff, zs, wanted, NULL, d_z);
        b.work.used = 0;
        CHECK(hap_batch_init(&batch, &b.work, b.pointers, PROMPTS, true) == 0);
        size = (size_t)batch.rows.n * b.model.config.d_model;
        gradient = calloc((size_t)g->n_readers * size, sizeof(*gradient));
        clean = calloc((size_t)g->n_writers * size, sizeof(*clean));
        run.outputs = clean;
        CHECK(hap_full_forward(&b.work, &batch, &run) == 0);
        d_logits = hap_scratch_alloc(&b.work, (size_t)PROMPTS * b.n_out, sizeof(*d_logits));
        for (int i = 0; i < PROMPTS; i++)
                hap_metric_loss(&hap_metric_logit_diff, &b.prompts[i], &b.examples[i], b.n_out,
                         run.logits + (size_t)i * b.n_out, d_logits + (size_t)i * b.n_out);
        CHECK(hap_full_backward(&b.work, &batch, &run, d_logits, gradient) == 0);
        for (size_t e = 0; e < b.edges; e++) {
                const int w = hap_graph_edge_writer(g, e), r = hap_graph_edge_reader(g, e);
                const size_t d = (size_t)b.model.config.d_model;
                double score = 0;

                for (int i = 0; i < PROMPTS; i++)
                        for (int row = batch.rows.start[i]; row < batch.rows.start[i + 1]; row++)
                                for (size_t j = 0; j < d; j++) {
                                        const size_t t = (size_t)(b.prompts[i].first + row -
                                                                  batch.rows.start[i]);
                                        const float a =
                                                clean[(size_t)w * size + (size_t)row * d + j];
                                        const float c =
                                                b.outputs[i][((size_t)w * b.prompts[i].n_tokens +
                                                              t) * d +
                                                             j];

                                        score += (double)(a - c) *
                                                 gradient[(size_t)r * size + (size_t)row * d + j];
                                }
                CHECK_NEAR(score, d_z[e], 2e-4);
        }
        free(ones);
        free(d_z);
        free(wanted);
        free(gradient);
        free(clean);
        tear_down(&b);
}

TEST("a plain run's gradients give the mask gradients at masks of one")
{
        for (int i = 0; i < 2; i++)
                plain_equals_masked(models[i]);
}

TEST("an engine that could not be made is empty, and its model can make another")
{
        const struct hap_graph_form refused[] = {
                {.split_input = true},        /* llama-a has no learned positions */
                {.positions = {.n = 1 << 20}}, /* too many nodes */
        };
        const int codes[] = {HAP_EUSAGE, HAP_EINPUT};
        struct hap_error err = {0};
        struct hap_engine engine;
        struct hap_model model;

        CHECK(hap_model_load(&model, "tests/golden/llama-a/model", &err) == 0);
        for (int i = 0; i < 2; i++) {
                CHECK(hap_engine_init(&engine, &model, &refused[i], &err) == codes[i]);
                CHECK(engine.model == NULL);
                CHECK(engine.pool == NULL && engine.graph.edge_start == NULL);
                hap_engine_release(&engine);
        }
        CHECK(hap_engine_init(&engine, &model, NULL, &err) == 0 && engine.model == &model);
        hap_engine_release(&engine);
        CHECK(engine.model == NULL);
        hap_engine_release(&engine);
        hap_model_release(&model);
}

RUN_TESTS
