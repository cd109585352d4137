/* A model, three prompts and their masks, for the tests of the engine. */
#ifndef ENGINE_BENCH_H
#define ENGINE_BENCH_H

#include <jansson.h>
#include <stdlib.h>

#include "common/number.h"
#include "common/random.h"
#include "forward/distribution.h"
#include "forward/full_run.h"
#include "metric/metric.h"
#include "forward/masked.h"
#include "forward/plan.h"
#include "unit.h"

#define PROMPTS 3
#define MOST_TOKENS 12

struct bench {
        struct hap_model model;
        struct hap_engine engine;
        struct hap_scratch work;
        struct hap_arena arena;
        struct hap_example examples[PROMPTS];
        struct hap_prompt prompts[PROMPTS];
        const struct hap_prompt *pointers[PROMPTS];
        int32_t clean[PROMPTS][MOST_TOKENS], corrupted[PROMPTS][MOST_TOKENS];
        uint8_t place[PROMPTS][MOST_TOKENS];
        int32_t answer, wrong;
        float *outputs[PROMPTS]; /* of the corrupted runs */
        float *gates; /* where the next plain run stores the weights of its experts, or NULL */
        size_t edges;
        int n_out;
};

static const struct hap_random_key key = {.seed = 11, .stream = 1};

/* Whether the graphs that set_up makes have positions: A, B and the rest, each of several tokens.
 */
static bool divided;

/* Whether each expert is a node of the graphs that set_up makes. */
static bool as_experts;

static inline void divide(struct bench *b)
{
        struct hap_positions places = {0};
        struct hap_error err;

        CHECK(hap_positions_add(&places, "A", &err) == 0);
        CHECK(hap_positions_add(&places, "B", &err) == 0);
        CHECK(hap_positions_add(&places, HAP_REST, &err) == 0);
        for (int i = 0; i < places.n; i++)
                places.answers[i] = true;
        CHECK(hap_graph_set_positions(&b->engine.graph, &places, &err) == 0);
        for (int i = 0; i < PROMPTS; i++)
                for (int t = 0; t < MOST_TOKENS; t++)
                        b->place[i][t] =
                                (uint8_t)(hap_random_word(key, 40 + (uint64_t)i, (uint64_t)t) % 3);
}

/* The prompts that set_up uses instead of its own; of the same lengths. */
static const int32_t (*given_clean)[MOST_TOKENS], (*given_corrupted)[MOST_TOKENS];

/* A plain run of one token list from its first token on. */
static inline float *plain(struct bench *b, const int32_t *tokens, int n, int answer_first,
                    float *outputs, float *logits)
{
        struct hap_prompt prompt = {.n_tokens = n, .tokens = tokens,
                                    .answer_first = answer_first, .n_answer_positions = 1};
        const struct hap_prompt *one = &prompt;
        struct hap_batch batch;
        struct hap_full_run run = {.outputs = outputs, .gates = b->gates ? &b->gates : NULL};

        b->work.used = 0;
        CHECK(hap_batch_init(&batch, &b->work, &one, 1, false) == 0);
        CHECK(hap_full_forward(&b->work, &batch, &run) == 0);
        memcpy(logits, run.logits, (size_t)b->n_out * sizeof(*logits));
        return logits;
}

/* The next plain run stores its weights of experts in the prompt. */
static inline void set_up_gates(struct bench *b, struct hap_prompt *prompt)
{
        const size_t n = (size_t)b->engine.graph.n_layers * (size_t)prompt->n_tokens *
                         (size_t)b->engine.graph.n_experts;

        b->gates = prompt->gates = hap_arena_alloc(&b->arena, n, sizeof(float));
        memset(b->gates, 0, n * sizeof(float));
}

static inline void set_up(struct bench *b, const char *path, const struct hap_ablation *ablation)
{
        static const int lengths[PROMPTS] = {5, 9, 12};
        struct hap_error err = {0};
        float *scratch;

        memset(b, 0, sizeof(*b));
        CHECK(hap_model_load(&b->model, path, &err) == 0);
        CHECK(hap_engine_init(&b->engine, &b->model,
                              &(struct hap_graph_form){.experts = as_experts}, &err) == 0);
        hap_scratch_init(&b->work, &b->engine);
        hap_arena_init(&b->arena);
        if (divided)
                divide(b);
        b->edges = b->engine.graph.n_edges;
        b->n_out = b->model.config.n_out;
        b->answer = 3;
        b->wrong = 7;
        scratch = calloc((size_t)b->n_out, sizeof(*scratch));
        for (int i = 0; i < PROMPTS; i++) {
                struct hap_prompt *p = &b->prompts[i];
                const size_t d = (size_t)b->model.config.d_model;
                const uint64_t most = hap_min(90, (size_t)b->model.config.n_vocab);

                for (int t = 0; t < lengths[i]; t++) {
                        b->clean[i][t] =
                                (int32_t)(hap_random_word(key, (uint64_t)i, (uint64_t)t) % most);
                        b->corrupted[i][t] = b->clean[i][t];
                }
                b->corrupted[i][i + 1] = (b->clean[i][i + 1] + 17) % (int32_t)most;
                b->corrupted[i][lengths[i] - 2] = (b->clean[i][lengths[i] - 2] + 5) % (int32_t)most;
                if (given_clean != NULL) {
                        memcpy(b->clean[i], given_clean[i], sizeof(b->clean[i]));
                        memcpy(b->corrupted[i], given_corrupted[i], sizeof(b->corrupted[i]));
                }
                b->examples[i] = (struct hap_example){
                        .n_tokens = lengths[i], .clean = b->clean[i], .corrupted = b->corrupted[i],
                        .n_answers = 1, .n_wrongs = 1, .answers = &b->answer, .wrongs = &b->wrong,
                        .answer_first = lengths[i] - 1, .n_answer_positions = 1};
                *p = (struct hap_prompt){.n_tokens = lengths[i],
                                         .tokens = b->clean[i],
                                         .first = hap_prompt_first(&b->engine, b->examples[i].clean,
                                                                   b->examples[i].corrupted,
                                                                   b->examples[i].answer_first,
                                                                   ablation),
                                         .answer_first = lengths[i] - 1,
                                         .n_answer_positions = 1,
                                         .position = divided ? b->place[i] : NULL};
                b->outputs[i] =
                        calloc((size_t)b->engine.graph.n_writers * lengths[i] * d, sizeof(float));
                plain(b, b->corrupted[i], lengths[i], lengths[i] - 1, b->outputs[i], scratch);
                p->counterfactual =
                        (struct hap_counterfactual){.ablation = ablation, .data = b->outputs[i]};
                p->log_p = hap_arena_alloc(&b->arena, (size_t)b->n_out, sizeof(float));
                if (as_experts)
                        set_up_gates(b, p);
                plain(b, b->clean[i], lengths[i], lengths[i] - 1, NULL, scratch);
                b->gates = NULL;
                hap_log_softmax(1, b->n_out, scratch, p->log_p, NULL);
                b->work.used = 0;
                CHECK(hap_prompt_reserve(&b->engine, p, true, &b->arena, &err) == 0);
                CHECK(hap_prompt_refill(&b->engine, &b->work, p) == 0);
                b->pointers[i] = p;
        }
        free(scratch);
}

static inline void tear_down(struct bench *b)
{
        for (int i = 0; i < PROMPTS; i++)
                free(b->outputs[i]);
        hap_arena_release(&b->arena);
        hap_scratch_release(&b->work);
        hap_engine_release(&b->engine);
        hap_model_release(&b->model);
}

/* Summed loss over the prompts, and its gradient by their logits, in the scratch. */
static inline double losses(struct bench *b, const struct hap_metric *metric, const float *logits,
                            float **d_logits)
{
        double loss = 0;

        *d_logits = hap_scratch_alloc(&b->work, (size_t)PROMPTS * b->n_out, sizeof(**d_logits));
        for (int i = 0; i < PROMPTS; i++)
                loss += hap_metric_loss(metric, &b->prompts[i], &b->examples[i], b->n_out,
                                 logits + (size_t)i * b->n_out, *d_logits + (size_t)i * b->n_out);
        return loss;
}

/* The loss over the prompts at masks z; logits and gradient where wanted. */
static inline double masked(struct bench *b, const struct hap_metric *metric, const float *const *z,
                     const bool *wanted, float *logits, float *d_z)
{
        struct hap_masked run = {.z = z, .wanted = wanted};
        struct hap_batch batch;
        double loss;
        float *d_logits;

        b->work.used = 0;
        CHECK(hap_batch_init(&batch, &b->work, b->pointers, PROMPTS, true) == 0);
        CHECK(hap_masked_forward(&b->work, &batch, &run) == 0);
        loss = losses(b, metric, run.logits, &d_logits);
        if (logits != NULL)
                memcpy(logits, run.logits, (size_t)PROMPTS * b->n_out * sizeof(*logits));
        if (wanted != NULL)
                CHECK(hap_masked_backward(&b->work, &batch, &run, d_logits, d_z) == 0);
        return loss;
}

/* The same for the constants that the prompts' sources point to. */
static inline double constants_loss(struct bench *b, const float *const *z, float *d_source)
{
        struct hap_masked run = {.z = z, .d_counterfactual = d_source};
        struct hap_batch batch;
        double loss;
        float *d_logits;

        b->work.used = 0;
        for (int i = 0; i < PROMPTS; i++)
                CHECK(hap_prompt_refill(&b->engine, &b->work, &b->prompts[i]) == 0);
        CHECK(hap_batch_init(&batch, &b->work, b->pointers, PROMPTS, true) == 0);
        CHECK(hap_masked_forward(&b->work, &batch, &run) == 0);
        loss = losses(b, &hap_metric_kl, run.logits, &d_logits);
        if (d_source != NULL)
                CHECK(hap_masked_backward(&b->work, &batch, &run, d_logits, NULL) == 0);
        return loss;
}

static inline double most_apart(size_t n, const float *a, const float *c)
{
        double most = 0;

        for (size_t i = 0; i < n; i++) {
                double apart = fabs((double)a[i] - c[i]);

                most = fmax(most, isnan(apart) ? INFINITY : apart);
        }
        return most;
}

static const char *const models[] = {"tests/golden/gpt2-a/model", "tests/golden/llama-a/model"};

/* Norms after attention and MLP, caps, windows; a parallel residual. */
static const char *const others[] = {"tests/golden/families/gemma2", "tests/golden/families/gemma3",
                                     "tests/golden/families/neox", "tests/golden/families/qwen3"};
enum { NEOX = 2, OTHERS = sizeof(others) / sizeof(*others) };

/* Masks of each prompt, its own: a share of about `open` uniform, the others 0. */
static inline void random_masks(const struct bench *b, double open, float *z[PROMPTS],
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
static inline void finite_difference(const char *path, const struct hap_ablation *ablation,
                                     double open)
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
        masked(&b, &hap_metric_kl, zs, wanted, NULL, d_z);
        for (size_t e = 0; e < b.edges; e++)
                most = fabs(d_z[e]) > most ? fabs(d_z[e]) : most;
        CHECK(most > 1e-3);
        for (size_t e = 0; e < b.edges; e += 5) {
                double up, down;

                for (int i = 0; i < PROMPTS; i++)
                        z[i][e] += h;
                up = masked(&b, &hap_metric_kl, zs, NULL, NULL, NULL);
                for (int i = 0; i < PROMPTS; i++)
                        z[i][e] -= 2 * h;
                down = masked(&b, &hap_metric_kl, zs, NULL, NULL, NULL);
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

/* A run that leaves out the parts without effect against a run that leaves out nothing: closed
 * edges are open by 1e-30 there, and all gradients are wanted. */
static inline void plan_against_all(const char *path, const struct hap_ablation *ablation,
                                    double open)
{
        struct bench b;
        struct hap_plan plan;
        float *z[PROMPTS], *all[PROMPTS], *d_z, *d_all, *logits, *logits_all;
        const float *zs[PROMPTS], *alls[PROMPTS];
        bool *wanted, *any;
        double most = 0, apart = 0, norm = 0;

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

                        z[i][e] =
                                u < open ? (float)hap_random_uniform(key, 501 + (uint64_t)i, e) : 0;
                        all[i][e] = z[i][e] == 0 ? 1e-30f : z[i][e];
                        wanted[e] = u < open / 2;
                        any[e] = true;
                }
        }
        b.work.used = 0;
        CHECK(hap_plan_make(&plan, &b.work, PROMPTS, zs, wanted, false, ablation) == 0);
        CHECK(plan.n_slots < b.engine.graph.n_writers);
        masked(&b, &hap_metric_kl, zs, wanted, logits, d_z);
        masked(&b, &hap_metric_kl, alls, any, logits_all, d_all);
        for (int i = 0; i < PROMPTS * b.n_out; i++)
                most = fabs(logits_all[i]) > most ? fabs(logits_all[i]) : most;
        CHECK_NEAR(most_apart((size_t)PROMPTS * b.n_out, logits, logits_all), 0, 2e-6 * most);
        most = 0;
        for (size_t e = 0; e < b.edges; e++)
                most = wanted[e] && fabs(d_all[e]) > most ? fabs(d_all[e]) : most;
        CHECK(most > 1e-4);
        /* Both runs add the same terms in different orders, so they differ by the
         * rounding of the terms, which depends on the BLAS kernel and is not small
         * beside a sum that cancels. A term that is missing or wrong changes single
         * gradients by far more, and the whole vector by more than the second check
         * allows. */
        for (size_t e = 0; e < b.edges; e++) {
                const double expected = wanted[e] ? d_all[e] : 0;

                CHECK_NEAR(d_z[e], expected, 5e-4 * most);
                apart += (d_z[e] - expected) * (d_z[e] - expected);
                norm += expected * expected;
        }
        CHECK_NEAR(sqrt(apart), 0, 3e-4 * sqrt(norm));
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

/* d_source against (L(a' + h) − L(a' − h)) / 2h, the constants random. */
static inline void constants_difference(const char *path, double open)
{
        const float h = 2e-3f;
        struct bench b;
        float *z[PROMPTS], *constants, *d_source;
        const float *zs[PROMPTS];
        size_t size, checked = 0;
        double most = 0;

        set_up(&b, path, &hap_zero);
        size = (size_t)b.engine.graph.n_writers * (size_t)b.model.config.d_model;
        constants = calloc(size, sizeof(*constants));
        d_source = calloc(size, sizeof(*d_source));
        for (size_t i = 0; i < size; i++)
                constants[i] = (float)(0.3 * hap_random_normal(key, 300, i));
        for (int i = 0; i < PROMPTS; i++)
                b.prompts[i].counterfactual =
                        (struct hap_counterfactual){.ablation = &hap_optimal, .data = constants};
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

/* All masks 1: the full model's logits; all 0: those of the corrupted run. The tolerance is of the
 * largest logit, by whose size sums are rounded, however the BLAS orders them. */
static inline void end_of_the_masks(const char *path, int ones, double tolerance)
{
        struct bench b;
        float *z, *logits, *should;
        const float *zs[PROMPTS];
        double most = 0;

        set_up(&b, path, &hap_interchange);
        z = calloc(b.edges, sizeof(*z));
        logits = calloc((size_t)PROMPTS * b.n_out, sizeof(*logits));
        should = calloc((size_t)b.n_out, sizeof(*should));
        for (size_t e = 0; e < b.edges; e++)
                z[e] = (float)ones;
        for (int i = 0; i < PROMPTS; i++)
                zs[i] = z;
        masked(&b, &hap_metric_logit_diff, zs, NULL, logits, NULL);
        for (int i = 0; i < PROMPTS; i++) {
                const struct hap_prompt *p = &b.prompts[i];

                plain(&b, ones ? b.clean[i] : b.corrupted[i], p->n_tokens, p->answer_first, NULL,
                      should);
                for (int v = 0; v < b.n_out; v++)
                        most = fmax(most, fabs((double)should[v]));
                CHECK(most > 0.1);
                CHECK_NEAR(most_apart((size_t)b.n_out, should, logits + (size_t)i * b.n_out), 0,
                           tolerance * most);
        }
        free(z);
        free(logits);
        free(should);
        tear_down(&b);
}

#endif
