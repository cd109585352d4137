/* The engine against itself by algebra: identities that hold whatever the
 * weights are, and finite differences. What other programs computed is compared
 * in the tests of the programs. */
#include <jansson.h>
#include <stdlib.h>

#include "common/number.h"
#include "forward/kernels.h"
#include "forward/loss.h"
#include "forward/masked.h"
#include "forward/plan.h"
#include "unit.h"

#define PROMPTS 3
#define MOST_TOKENS 12

struct bench {
        struct hap_model model;
        struct hap_engine engine;
        struct hap_work work;
        struct hap_arena arena;
        struct hap_example examples[PROMPTS];
        struct hap_prompt prompts[PROMPTS];
        const struct hap_prompt *pointers[PROMPTS];
        int32_t clean[PROMPTS][MOST_TOKENS], corrupted[PROMPTS][MOST_TOKENS];
        int32_t answer, wrong;
        float *outputs[PROMPTS]; /* of the corrupted runs */
        size_t edges;
        int n_out;
};

static const struct hap_random_key key = {.seed = 11, .stream = 1};

/* A plain run of one token list from its first token on. */
static float *plain(struct bench *b, const int32_t *tokens, int n, int answer_first,
                    float *outputs, float *logits)
{
        struct hap_prompt prompt = {.n_tokens = n, .tokens = tokens,
                                    .answer_first = answer_first, .n_answers = 1};
        const struct hap_prompt *one = &prompt;
        struct hap_batch batch;
        struct hap_plain run = {.outputs = outputs};

        b->work.used = 0;
        CHECK(hap_batch_init(&batch, &b->work, &one, 1, false) == 0);
        CHECK(hap_plain_forward(&b->work, &batch, &run) == 0);
        memcpy(logits, run.logits, (size_t)b->n_out * sizeof(*logits));
        return logits;
}

static void set_up(struct bench *b, const char *path, enum hap_ablation ablation)
{
        static const int lengths[PROMPTS] = {5, 9, 12};
        struct hap_error err = {0};
        float *scratch;

        memset(b, 0, sizeof(*b));
        CHECK(hap_model_load(&b->model, path, &err) == 0);
        CHECK(hap_engine_init(&b->engine, &b->model, false, &err) == 0);
        CHECK(hap_work_init(&b->work, &b->engine, (size_t)1 << 28, &err) == 0);
        hap_arena_init(&b->arena);
        b->edges = b->engine.graph.n_edges;
        b->n_out = b->model.config.n_out;
        b->answer = 3;
        b->wrong = 7;
        scratch = calloc((size_t)b->n_out, sizeof(*scratch));
        for (int i = 0; i < PROMPTS; i++) {
                struct hap_prompt *p = &b->prompts[i];
                const size_t d = (size_t)b->model.config.d_model;
                const uint64_t most = hap_smaller(90, (size_t)b->model.config.n_vocab);

                for (int t = 0; t < lengths[i]; t++) {
                        b->clean[i][t] = (int32_t)(hap_random_word(key, (uint64_t)i, (uint64_t)t) % most);
                        b->corrupted[i][t] = b->clean[i][t];
                }
                b->corrupted[i][i + 1] = (b->clean[i][i + 1] + 17) % (int32_t)most;
                b->corrupted[i][lengths[i] - 2] = (b->clean[i][lengths[i] - 2] + 5) % (int32_t)most;
                b->examples[i] = (struct hap_example){
                        .n_tokens = lengths[i], .clean = b->clean[i], .corrupted = b->corrupted[i],
                        .n_answers = 1, .n_wrongs = 1, .answers = &b->answer, .wrongs = &b->wrong,
                        .answer_first = lengths[i] - 1, .n_positions = 1};
                *p = (struct hap_prompt){.n_tokens = lengths[i], .tokens = b->clean[i],
                                         .first = hap_prompt_first(&b->engine, &b->examples[i], ablation),
                                         .answer_first = lengths[i] - 1, .n_answers = 1};
                b->outputs[i] = calloc((size_t)b->engine.graph.n_writers * lengths[i] * d, sizeof(float));
                plain(b, b->corrupted[i], lengths[i], lengths[i] - 1, b->outputs[i], scratch);
                p->source = (struct hap_source){.kind = ablation, .data = b->outputs[i]};
                p->log_p = hap_arena_alloc(&b->arena, (size_t)b->n_out, sizeof(float));
                plain(b, b->clean[i], lengths[i], lengths[i] - 1, NULL, scratch);
                hap_log_softmax(1, b->n_out, scratch, p->log_p);
                b->work.used = 0;
                CHECK(hap_prompt_prepare(&b->engine, &b->work, p, true, &b->arena, &err) == 0);
                b->pointers[i] = p;
        }
        free(scratch);
}

static void tear_down(struct bench *b)
{
        for (int i = 0; i < PROMPTS; i++)
                free(b->outputs[i]);
        hap_arena_release(&b->arena);
        hap_work_release(&b->work);
        hap_engine_release(&b->engine);
        hap_model_release(&b->model);
}

/* Mean loss over the prompts at masks z; logits and gradient where wanted. */
static double masked(struct bench *b, enum hap_metric metric, const float *const *z,
                     const bool *wanted, float *logits, float *d_z)
{
        struct hap_masked run = {.z = z, .wanted = wanted};
        struct hap_batch batch;
        double loss = 0;
        float *d_logits;

        b->work.used = 0;
        CHECK(hap_batch_init(&batch, &b->work, b->pointers, PROMPTS, true) == 0);
        CHECK(hap_masked_forward(&b->work, &batch, &run) == 0);
        d_logits = hap_work_take(&b->work, (size_t)PROMPTS * b->n_out, sizeof(*d_logits));
        for (int i = 0; i < PROMPTS; i++)
                loss += hap_loss(metric, &b->prompts[i], &b->examples[i], b->n_out,
                                 run.logits + (size_t)i * b->n_out, d_logits + (size_t)i * b->n_out);
        if (logits != NULL)
                memcpy(logits, run.logits, (size_t)PROMPTS * b->n_out * sizeof(*logits));
        if (wanted != NULL)
                CHECK(hap_masked_backward(&b->work, &batch, &run, d_logits, d_z) == 0);
        return loss;
}

/* The same for the constants that the prompts' sources point to. */
static double constants_loss(struct bench *b, const float *const *z, float *d_source)
{
        struct hap_masked run = {.z = z, .d_source = d_source};
        struct hap_batch batch;
        double loss = 0;
        float *d_logits;

        b->work.used = 0;
        for (int i = 0; i < PROMPTS; i++)
                CHECK(hap_prompt_refill(&b->engine, &b->work, &b->prompts[i]) == 0);
        CHECK(hap_batch_init(&batch, &b->work, b->pointers, PROMPTS, true) == 0);
        CHECK(hap_masked_forward(&b->work, &batch, &run) == 0);
        d_logits = hap_work_take(&b->work, (size_t)PROMPTS * b->n_out, sizeof(*d_logits));
        for (int i = 0; i < PROMPTS; i++)
                loss += hap_loss(HAP_KL, &b->prompts[i], &b->examples[i], b->n_out,
                                 run.logits + (size_t)i * b->n_out, d_logits + (size_t)i * b->n_out);
        if (d_source != NULL)
                CHECK(hap_masked_backward(&b->work, &batch, &run, d_logits, NULL) == 0);
        return loss;
}

static double most_apart(size_t n, const float *a, const float *c)
{
        double most = 0;

        for (size_t i = 0; i < n; i++) {
                double apart = fabs((double)a[i] - c[i]);

                most = fmax(most, isnan(apart) ? INFINITY : apart);
        }
        return most;
}

static const char *const models[] = {"tests/golden/gpt2-a/model", "tests/golden/llama-a/model"};

/* Norms behind attention and MLP, caps, windows; a parallel residual. */
static const char *const others[] = {"tests/golden/families/gemma2", "tests/golden/families/gemma3",
                                     "tests/golden/families/neox", "tests/golden/families/qwen3"};
enum { NEOX = 2, OTHERS = sizeof(others) / sizeof(*others) };

/* All masks one: the full model; all zero: the corrupted run. */
static void ends_of_the_masks(const char *path)
{
        struct bench b;
        float *z, *logits, *full;
        const float *zs[PROMPTS];

        set_up(&b, path, HAP_INTERCHANGE);
        z = calloc(b.edges, sizeof(*z));
        logits = calloc((size_t)PROMPTS * b.n_out, sizeof(*logits));
        full = calloc((size_t)b.n_out, sizeof(*full));
        for (int i = 0; i < PROMPTS; i++)
                zs[i] = z;
        for (int ones = 0; ones < 2; ones++) {
                for (size_t e = 0; e < b.edges; e++)
                        z[e] = (float)ones;
                masked(&b, HAP_LOGIT_DIFF, zs, NULL, logits, NULL);
                for (int i = 0; i < PROMPTS; i++) {
                        const int n = b.prompts[i].n_tokens;

                        plain(&b, ones ? b.clean[i] : b.corrupted[i], n, n - 1, NULL, full);
                        CHECK_NEAR(most_apart((size_t)b.n_out, full, logits + (size_t)i * b.n_out), 0, 5e-5);
                }
        }
        free(z);
        free(logits);
        free(full);
        tear_down(&b);
}

TEST("with all masks at one a run is the full model, at zero the corrupted run")
{
        for (int i = 0; i < 2; i++)
                ends_of_the_masks(models[i]);
        for (int i = 0; i < OTHERS; i++)
                ends_of_the_masks(others[i]);
}

/* Masks of each prompt, its own: a share of about `open` uniform, the others 0. */
static void random_masks(const struct bench *b, double open, float *z[PROMPTS],
                         const float *zs[PROMPTS])
{
        for (int i = 0; i < PROMPTS; i++) {
                zs[i] = z[i] = calloc(b->edges, sizeof(float));
                for (size_t e = 0; e < b->edges; e++)
                        if (hap_random_uniform(key, 100 + (uint64_t)i, e) < open)
                                z[i][e] = (float)hap_random_uniform(key, 200 + (uint64_t)i, e);
        }
}

/* d_z against (L(z + h) − L(z − h)) / 2h at masks of which some are 0 or 1. */
static void finite_difference(const char *path, enum hap_ablation ablation, double open)
{
        const float h = 2e-3f;
        struct bench b;
        float *z[PROMPTS], *d_z;
        const float *zs[PROMPTS];
        bool *wanted;
        double most = 0;

        set_up(&b, path, ablation);
        wanted = calloc(b.edges, sizeof(*wanted));
        d_z = calloc(b.edges, sizeof(*d_z));
        random_masks(&b, open, z, zs);
        for (size_t e = 0; e < b.edges; e++)
                wanted[e] = e % 3 != 0;
        masked(&b, HAP_KL, zs, wanted, NULL, d_z);
        for (size_t e = 0; e < b.edges; e++)
                most = fabs(d_z[e]) > most ? fabs(d_z[e]) : most;
        CHECK(most > 1e-3);
        for (size_t e = 0; e < b.edges; e += 5) {
                double up, down;

                for (int i = 0; i < PROMPTS; i++)
                        z[i][e] += h;
                up = masked(&b, HAP_KL, zs, NULL, NULL, NULL);
                for (int i = 0; i < PROMPTS; i++)
                        z[i][e] -= 2 * h;
                down = masked(&b, HAP_KL, zs, NULL, NULL, NULL);
                for (int i = 0; i < PROMPTS; i++)
                        z[i][e] += h;
                if (wanted[e])
                        CHECK_NEAR(d_z[e], (up - down) / (2 * h), 4e-3 * most + 1e-3);
                else
                        CHECK(d_z[e] == 0);
        }
        for (int i = 0; i < PROMPTS; i++)
                free(z[i]);
        free(wanted);
        free(d_z);
        tear_down(&b);
}

TEST("mask gradients are those of finite differences, every prompt with its own masks")
{
        for (int i = 0; i < 2; i++) {
                finite_difference(models[i], HAP_INTERCHANGE, 1);
                finite_difference(models[i], HAP_INTERCHANGE, 0.3);
                finite_difference(models[i], HAP_INTERCHANGE, 0.06);
                /* Sparse masks under zero ablation can leave RMSNorm an input of
                 * zero, where its slope is 1/√eps and no step is small. */
                finite_difference(models[i], HAP_ZERO, 1);
        }
        for (int i = 0; i < OTHERS; i++) {
                finite_difference(others[i], HAP_INTERCHANGE, 1);
                finite_difference(others[i], HAP_INTERCHANGE, 0.3);
        }
}

/* A run that leaves out what cannot matter against one that leaves out nothing:
 * closed edges are open by 1e-30 there, and all gradients are wanted. */
static void plan_against_all(const char *path, enum hap_ablation ablation, double open)
{
        struct bench b;
        struct hap_plan plan;
        float *z[PROMPTS], *all[PROMPTS], *d_z, *d_all, *logits, *logits_all;
        const float *zs[PROMPTS], *alls[PROMPTS];
        bool *wanted, *any;
        double most = 0;

        set_up(&b, path, ablation);
        wanted = calloc(b.edges, sizeof(*wanted));
        any = calloc(b.edges, sizeof(*any));
        d_z = calloc(b.edges, sizeof(*d_z));
        d_all = calloc(b.edges, sizeof(*d_all));
        logits = calloc((size_t)PROMPTS * b.n_out, sizeof(*logits));
        logits_all = calloc((size_t)PROMPTS * b.n_out, sizeof(*logits_all));
        for (int i = 0; i < PROMPTS; i++) {
                zs[i] = z[i] = calloc(b.edges, sizeof(float));
                alls[i] = all[i] = calloc(b.edges, sizeof(float));
                for (size_t e = 0; e < b.edges; e++) {
                        const double u = hap_random_uniform(key, 500, e);

                        z[i][e] = u < open ? (float)hap_random_uniform(key, 501 + (uint64_t)i, e) : 0;
                        all[i][e] = z[i][e] == 0 ? 1e-30f : z[i][e];
                        wanted[e] = u < open / 2;
                        any[e] = true;
                }
        }
        b.work.used = 0;
        CHECK(hap_plan_make(&plan, &b.work, PROMPTS, zs, wanted, false, ablation) == 0);
        CHECK(plan.n_slots < b.engine.graph.n_writers);
        masked(&b, HAP_KL, zs, wanted, logits, d_z);
        masked(&b, HAP_KL, alls, any, logits_all, d_all);
        for (int i = 0; i < PROMPTS * b.n_out; i++)
                most = fabs(logits_all[i]) > most ? fabs(logits_all[i]) : most;
        CHECK_NEAR(most_apart((size_t)PROMPTS * b.n_out, logits, logits_all), 0, 2e-6 * most);
        most = 0;
        for (size_t e = 0; e < b.edges; e++)
                most = wanted[e] && fabs(d_all[e]) > most ? fabs(d_all[e]) : most;
        CHECK(most > 1e-4);
        for (size_t e = 0; e < b.edges; e++)
                CHECK_NEAR(d_z[e], wanted[e] ? d_all[e] : 0, 3e-5 * most);
        for (int i = 0; i < PROMPTS; i++) {
                free(z[i]);
                free(all[i]);
        }
        free(wanted);
        free(any);
        free(d_z);
        free(d_all);
        free(logits);
        free(logits_all);
        tear_down(&b);
}

TEST("what the plan leaves out changes neither logits nor gradients")
{
        for (int i = 0; i < 2; i++) {
                plan_against_all(models[i], HAP_INTERCHANGE, 0.25);
                plan_against_all(models[i], HAP_INTERCHANGE, 0.35);
                plan_against_all(models[i], HAP_ZERO, 0.2);
        }
        for (int i = 0; i < OTHERS; i++) {
                /* few enough that something is left out, and that a path is open */
                plan_against_all(others[i], HAP_INTERCHANGE, i == NEOX ? 0.25 : 0.12);
                plan_against_all(others[i], HAP_INTERCHANGE, i == NEOX ? 0.35 : 0.18);
        }
}

/* d_source against (L(a' + h) − L(a' − h)) / 2h, the constants random. */
static void constants_difference(const char *path, double open)
{
        const float h = 2e-3f;
        struct bench b;
        float *z[PROMPTS], *constants, *d_source;
        const float *zs[PROMPTS];
        size_t size, checked = 0;
        double most = 0;

        set_up(&b, path, HAP_ZERO);
        size = (size_t)b.engine.graph.n_writers * (size_t)b.model.config.d_model;
        constants = calloc(size, sizeof(*constants));
        d_source = calloc(size, sizeof(*d_source));
        for (size_t i = 0; i < size; i++)
                constants[i] = (float)(0.3 * hap_random_normal(key, 300, i));
        for (int i = 0; i < PROMPTS; i++)
                b.prompts[i].source = (struct hap_source){.kind = HAP_OPTIMAL, .data = constants};
        random_masks(&b, open, z, zs);
        constants_loss(&b, zs, d_source);
        for (size_t i = 0; i < size; i++)
                most = fabs(d_source[i]) > most ? fabs(d_source[i]) : most;
        CHECK(most > 1e-3);
        for (size_t i = 0; i < size; i += 7) {
                const float is = constants[i];
                double up, down;

                constants[i] = is + h;
                up = constants_loss(&b, zs, NULL);
                constants[i] = is - h;
                down = constants_loss(&b, zs, NULL);
                constants[i] = is;
                CHECK_NEAR(d_source[i], (up - down) / (2 * h), 4e-3 * most + 1e-3);
                checked += fabs(d_source[i]) > 0.05 * most;
        }
        CHECK(checked > 5);
        for (int i = 0; i < PROMPTS; i++)
                free(z[i]);
        free(constants);
        free(d_source);
        tear_down(&b);
}

TEST("gradients by what cut edges carry are those of finite differences")
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
        struct hap_plain run = {.gradients = true};
        const struct hap_graph *g;
        size_t size;

        set_up(&b, path, HAP_INTERCHANGE);
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
        masked(&b, HAP_LOGIT_DIFF, zs, wanted, NULL, d_z);
        b.work.used = 0;
        CHECK(hap_batch_init(&batch, &b.work, b.pointers, PROMPTS, true) == 0);
        size = (size_t)batch.rows.n * b.model.config.d_model;
        gradient = calloc((size_t)g->n_readers * size, sizeof(*gradient));
        clean = calloc((size_t)g->n_writers * size, sizeof(*clean));
        run.outputs = clean;
        CHECK(hap_plain_forward(&b.work, &batch, &run) == 0);
        d_logits = hap_work_take(&b.work, (size_t)PROMPTS * b.n_out, sizeof(*d_logits));
        for (int i = 0; i < PROMPTS; i++)
                hap_loss(HAP_LOGIT_DIFF, &b.prompts[i], &b.examples[i], b.n_out,
                         run.logits + (size_t)i * b.n_out, d_logits + (size_t)i * b.n_out);
        CHECK(hap_plain_backward(&b.work, &batch, &run, d_logits, gradient) == 0);
        for (size_t e = 0; e < b.edges; e++) {
                const int w = hap_graph_edge_writer(g, e), r = hap_graph_edge_reader(g, e);
                const size_t d = (size_t)b.model.config.d_model;
                double score = 0;

                for (int i = 0; i < PROMPTS; i++)
                        for (int row = batch.rows.start[i]; row < batch.rows.start[i + 1]; row++)
                                for (size_t j = 0; j < d; j++) {
                                        const size_t t = (size_t)(b.prompts[i].first + row - batch.rows.start[i]);
                                        const float a = clean[(size_t)w * size + (size_t)row * d + j];
                                        const float c = b.outputs[i][((size_t)w * b.prompts[i].n_tokens + t) * d + j];

                                        score += (double)(a - c) * gradient[(size_t)r * size + (size_t)row * d + j];
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

RUN_TESTS
