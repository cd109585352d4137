/* Steps of a model's engine on random prompts, for the programs that time them.
 *
 * Prompts are random tokens; clean and corrupted differ from the third token on. */
#ifndef HAP_BENCH_STEPS_H
#define HAP_BENCH_STEPS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/random.h"
#include "forward/distribution.h"
#include "forward/full_run.h"
#include "forward/parallel.h"
#include "metric/metric.h"
#include "forward/masked.h"

#define ROUNDS 5
#define GROUP 8

static const struct hap_random_key key = {.seed = 5, .stream = 9};

struct bench {
        struct hap_model model;
        struct hap_engine engine;
        struct hap_arena arena;
        struct hap_example *examples;
        struct hap_prompt *prompts;
        const struct hap_prompt **pointers;
        size_t n;
        float *z;
        bool *wanted;
        float **d_z;
        bool bf16; /* steps multiply by weights in BF16 */
};

static inline double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void die(const struct hap_error *err)
{
        fprintf(stderr, "engine: %s\n", err->message);
        exit(1);
}

static inline int by_value(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static inline double median(double *values, size_t n)
{
        qsort(values, n, sizeof(*values), by_value);
        return values[n / 2];
}

/* --- prompts --- */

static inline int capture(void *context, struct hap_scratch *work, size_t i)
{
        struct bench *b = context;
        struct hap_prompt *p = &b->prompts[i], plain = *p;
        const struct hap_prompt *one = &plain;
        const size_t size = (size_t)b->engine.graph.n_writers * (size_t)p->n_tokens *
                            (size_t)b->model.config.d_model;
        struct hap_batch batch;
        struct hap_full_run run = {0};
        float *outputs;
        int rc;

        plain.tokens = b->examples[i].corrupted;
        plain.first = 0;
#pragma omp critical(bench_arena)
        outputs = hap_arena_alloc(&b->arena, size, sizeof(float));
        run.outputs = outputs;
        if (hap_batch_init(&batch, work, &one, 1, false) < 0 ||
            hap_full_forward(work, &batch, &run) < 0)
                return work->error.code;
        p->counterfactual =
                (struct hap_counterfactual){.ablation = &hap_interchange, .data = outputs};
        plain.tokens = p->tokens;
        run.outputs = NULL;
        if (hap_full_forward(work, &batch, &run) < 0)
                return work->error.code;
        hap_log_softmax(1, b->model.config.n_out, run.logits, p->log_p, NULL);
#pragma omp critical(bench_arena)
        rc = hap_prompt_reserve(&b->engine, p, true, &b->arena, &work->error);
        return rc < 0 ? rc : hap_prompt_refill(&b->engine, work, p);
}

static inline void make_prompts(struct bench *b, int tokens, size_t n)
{
        struct hap_error err = {0};
        int32_t *ids;

        b->n = n;
        b->examples = calloc(n, sizeof(*b->examples));
        b->prompts = calloc(n, sizeof(*b->prompts));
        b->pointers = calloc(n, sizeof(*b->pointers));
        for (size_t i = 0; i < n; i++) {
                ids = calloc(2 * (size_t)tokens + 2, sizeof(*ids));
                for (int t = 0; t < 2 * tokens + 2; t++)
                        ids[t] = (int32_t)(hap_random_word(key, i, (uint64_t)t) %
                                           (uint64_t)b->model.config.n_vocab);
                ids[tokens] = ids[0];
                ids[tokens + 1] = ids[1];
                b->examples[i] = (struct hap_example){.n_tokens = tokens,
                                                      .clean = ids,
                                                      .corrupted = ids + tokens,
                                                      .answers = ids + 2 * tokens,
                                                      .wrongs = ids + 2 * tokens + 1,
                                                      .n_answers = 1,
                                                      .n_wrongs = 1,
                                                      .answer_first = tokens - 1,
                                                      .n_answer_positions = 1};
                b->prompts[i] = (struct hap_prompt){
                        .n_tokens = tokens,
                        .tokens = ids,
                        .answer_first = tokens - 1,
                        .n_answer_positions = 1,
                        .first = hap_prompt_first(&b->engine, b->examples[i].clean,
                                                  b->examples[i].corrupted,
                                                  b->examples[i].answer_first, &hap_interchange),
                        .log_p = calloc((size_t)b->model.config.n_out, sizeof(float))};
                b->pointers[i] = &b->prompts[i];
        }
        if (hap_parallel(&b->engine, n, capture, NULL, b, &err) < 0)
                die(&err);
}

/* --- one pruning step --- */

static inline int step_job(void *context, struct hap_scratch *work, size_t job)
{
        struct bench *b = context;
        const size_t from = job * GROUP;
        const int n = (int)(b->n - from < GROUP ? b->n - from : GROUP);
        const float *z[GROUP];
        struct hap_masked run = {.z = z, .wanted = b->wanted, .bf16 = b->bf16};
        struct hap_batch batch;
        float *d_logits;

        for (int i = 0; i < n; i++)
                z[i] = b->z;
        if (hap_batch_init(&batch, work, b->pointers + from, n, true) < 0 ||
            hap_masked_forward(work, &batch, &run) < 0)
                return work->error.code;
        if (b->wanted == NULL)
                return HAP_OK;
        d_logits = hap_scratch_alloc(work, (size_t)n * b->model.config.n_out, sizeof(*d_logits));
        for (int i = 0; i < n; i++)
                hap_metric_loss(&hap_metric_kl, b->pointers[from + i], &b->examples[from + i],
                         b->model.config.n_out, run.logits + (size_t)i * b->model.config.n_out,
                         d_logits + (size_t)i * b->model.config.n_out);
        return hap_masked_backward(work, &batch, &run, d_logits, b->d_z[job]);
}

static inline double step(struct bench *b)
{
        struct hap_error err = {0};
        const double start = now();

        if (hap_parallel(&b->engine, (b->n + GROUP - 1) / GROUP, step_job, NULL, b, &err) < 0)
                die(&err);
        return (now() - start) / (double)b->n;
}

/* Masks: `share` of the edges open at random values, the best by score. */
static inline void open_share(struct bench *b, const double *score, double share)
{
        const size_t n = b->engine.graph.n_edges, keep = (size_t)(share * (double)n + .5);
        double *sorted = malloc(n * sizeof(*sorted));
        double limit;

        memcpy(sorted, score, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), by_value);
        limit = sorted[n - keep];
        for (size_t e = 0; e < n; e++) {
                b->wanted[e] = score[e] >= limit;
                b->z[e] = b->wanted[e] ? (float)(.05 + .9 * hap_random_uniform(key, 77, e)) : 0;
        }
        free(sorted);
}

/* Scores of the edges: those of a MIB exchange file, or without one random ones. */
static inline double *read_scores(const struct bench *b, const char *path)
{
        const size_t n = b->engine.graph.n_edges;
        double *score = calloc(n, sizeof(*score));
        json_t *root = path != NULL ? json_load_file(path, 0, NULL) : NULL;
        const char *name;
        json_t *edge;

        for (size_t e = 0; e < n; e++)
                score[e] = hap_random_uniform(key, 3, e) * 1e-12;
        if (path == NULL)
                return score;
        json_object_foreach(json_object_get(root, "edges"), name, edge) {
                const int64_t e = hap_graph_find_edge(&b->engine.graph, name, strlen(name));

                if (e >= 0) {
                        const double s = json_number_value(json_object_get(edge, "score"));

                        score[e] += s < 0 ? -s : s;
                }
        }
        json_decref(root);
        return score;
}

/* Makes the prompts and the memory of steps. Returns the edges' scores. */
static inline double *make_steps(struct bench *b, int tokens, size_t n, const char *scores)
{
        const size_t edges = b->engine.graph.n_edges, jobs = (n + GROUP - 1) / GROUP;

        make_prompts(b, tokens, n);
        b->z = calloc(edges, sizeof(*b->z));
        b->wanted = calloc(edges, sizeof(*b->wanted));
        b->d_z = calloc(jobs, sizeof(*b->d_z));
        for (size_t j = 0; j < jobs; j++)
                b->d_z[j] = calloc(edges, sizeof(**b->d_z));
        return read_scores(b, scores);
}

#endif
