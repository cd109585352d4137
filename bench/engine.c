/* Times the engine on a model: the time of one example, and its rate as a fraction of sgemm's.
 *
 *      engine MODEL TOKENS BATCH [SCORES [SHARE]]
 *
 * Prompts are random tokens; clean and corrupted differ from the third token on. SCORES: a MIB
 * exchange file's edges (JSON of "edges") by whose absolute scores the 20 % and 5 % subgraphs are
 * chosen; without it they are random. SHARE: only steps at this share of the edges, to be
 * profiled. Prints one JSON object of medians over the rounds. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/random.h"
#include "forward/blas_rate.h"
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

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const struct hap_error *err)
{
        fprintf(stderr, "engine: %s\n", err->message);
        exit(1);
}

static int by_value(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
        qsort(values, n, sizeof(*values), by_value);
        return values[n / 2];
}

/* --- prompts --- */

static int capture(void *context, struct hap_scratch *work, size_t i)
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
        hap_log_softmax(1, b->model.config.n_out, run.logits, p->log_p);
#pragma omp critical(bench_arena)
        rc = hap_prompt_reserve(&b->engine, p, true, &b->arena, &work->error);
        return rc < 0 ? rc : hap_prompt_refill(&b->engine, work, p);
}

static void make_prompts(struct bench *b, int tokens, size_t n)
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

static int step_job(void *context, struct hap_scratch *work, size_t job)
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

static double step(struct bench *b)
{
        struct hap_error err = {0};
        const double start = now();

        if (hap_parallel(&b->engine, (b->n + GROUP - 1) / GROUP, step_job, NULL, b, &err) < 0)
                die(&err);
        return (now() - start) / (double)b->n;
}

/* Masks: `share` of the edges open at random values, the best by score. */
static void open_share(struct bench *b, const double *score, double share)
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

/* --- sgemm's own rate at the engine's shapes --- */

static double gemm_rate(int m, int n, int k, bool tb)
{
        double rates[ROUNDS];

        for (int round = 0; round < ROUNDS; round++)
                rates[round] = hap_blas_sgemm_rate(omp_get_max_threads(), m, n, k, tb, .05);
        return median(rates, ROUNDS);
}

/* Floating point operations of the products of a masked forward and backward of one
 * example with all edges open: of every row from the first difference on, and in the
 * last layer of the answer's row alone but for keys and values. */
static double dense_flop(const struct bench *b)
{
        const struct hap_config *c = &b->model.config;
        const struct hap_graph *g = &b->engine.graph;
        const double rows = b->examples[0].n_tokens - b->prompts[0].first;
        const double d = c->d_model, h = (double)c->n_heads * c->d_head;
        const double mlp = (c->gated ? 3.0 : 2.0) * d * c->d_mlp;
        const double weights = (4 * h * d + mlp) * rows * (c->n_layers - 1) +
                               2 * h * d * (rows + 1) + mlp + d * c->n_out;
        double mixing = 0;

        for (int r = 0; r < g->n_readers; r++) {
                const struct hap_node node = hap_graph_reader(g, r);
                const bool whole = node.kind != HAP_READS_LOGITS &&
                                   (node.layer < c->n_layers - 1 || node.kind == HAP_READS_K ||
                                    node.kind == HAP_READS_V);

                mixing += hap_graph_in(g, r) * (whole ? rows : 1) * d;
        }
        return 2 * 2 * weights + 3 * 2 * mixing;
}

static double *read_scores(const struct bench *b, const char *path)
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

int main(int argc, char **argv)
{
        static const double shares[] = {1, .2, .05};
        static const char *const names[] = {"ep_step_dense_s_per_example",
                                            "ep_step_20pct_s_per_example",
                                            "ep_step_5pct_s_per_example"};
        struct hap_error err = {0};
        struct bench b = {0};
        double times[6][ROUNDS], load, rate, seconds[6], forward[ROUNDS];
        double *score;
        size_t jobs;
        int tokens;
        bool has_bf16;

        if (argc < 4) {
                fprintf(stderr, "usage: engine MODEL TOKENS BATCH [SCORES [SHARE]]\n");
                return 2;
        }
        tokens = atoi(argv[2]);
        load = now();
        if (hap_model_load(&b.model, argv[1], &err) < 0 ||
            hap_engine_init(&b.engine, &b.model, NULL, &err) < 0)
                die(&err);
        load = now() - load;
        has_bf16 = hap_engine_use_bf16(&b.engine, &err) == 0;
        b.bf16 = has_bf16 && getenv("BENCH_BF16"); /* with SHARE */
        make_prompts(&b, tokens, strtoul(argv[3], NULL, 10));
        score = read_scores(&b, argc > 4 ? argv[4] : NULL);
        b.z = calloc(b.engine.graph.n_edges, sizeof(*b.z));
        b.wanted = calloc(b.engine.graph.n_edges, sizeof(*b.wanted));
        jobs = (b.n + GROUP - 1) / GROUP;
        b.d_z = calloc(jobs, sizeof(*b.d_z));
        for (size_t j = 0; j < jobs; j++)
                b.d_z[j] = calloc(b.engine.graph.n_edges, sizeof(**b.d_z));
        for (int round = 0; argc > 5 && round < ROUNDS; round++) {
                open_share(&b, score, strtod(argv[5], NULL));
                printf("%.5f s an example\n", step(&b));
        }
        if (argc > 5)
                return 0;
        for (int round = -1; round < ROUNDS; round++)
                for (int s = 0; s < (has_bf16 ? 6 : 3); s++) {
                        b.bf16 = s >= 3;
                        open_share(&b, score, shares[s % 3]);
                        const double t = step(&b);

                        if (round >= 0)
                                times[s][round] = t;
                }
        b.bf16 = false;
        open_share(&b, score, 1);
        free(b.wanted);
        b.wanted = NULL;
        for (int round = 0; round < ROUNDS; round++)
                forward[round] = step(&b);
        rate = gemm_rate(GROUP * tokens, b.model.config.d_mlp, b.model.config.d_model, true);
        printf("{\"threads\": %d, \"load_s\": %.3f, \"sgemm_gflops\": %.1f, \"sgemm_head_gflops\": %.1f, "
               "\"sgemm_mix_gflops\": %.1f, \"masked_forward_s_per_example\": %.5f",
               omp_get_max_threads(), load, rate,
               gemm_rate(GROUP * tokens, b.model.config.d_head, b.model.config.d_model, true),
               gemm_rate(3 * b.model.config.n_heads + 1, tokens * GROUP * b.model.config.d_model,
                         b.engine.graph.n_writers / 2, false), median(forward, ROUNDS));
        for (int s = 3; s < 6 && has_bf16; s++) {
                seconds[s] = median(times[s], ROUNDS);
                printf(", \"bf16_%s\": %.5f", names[s - 3], seconds[s]);
        }
        for (int s = 0; s < 3; s++) {
                seconds[s] = median(times[s], ROUNDS);
                printf(", \"%s\": %.5f", names[s], seconds[s]);
        }
        printf(", \"ep_step_dense_gflops\": %.1f, \"ep_step_dense_fraction_of_sgemm\": %.3f, "
               "\"ep_step_20pct_speedup\": %.2f, \"ep_step_5pct_speedup\": %.2f}\n",
               dense_flop(&b) / seconds[0] * 1e-9, dense_flop(&b) / seconds[0] * 1e-9 / rate,
               seconds[0] / seconds[1], seconds[0] / seconds[2]);
        return 0;
}
