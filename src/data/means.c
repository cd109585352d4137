#include "data/means.h"

#include <stdlib.h>

#include "common/number.h"
#include "data/batches.h"

struct means {
        const struct hap_ablation *ablation;
        bool by_position;
        size_t n_writers, d, positions; /* 1 position when not by position */
        double *sum; /* [n_writers][positions][d] */
        size_t *n;   /* [positions] */
};

static size_t place_of(const struct means *means, const struct hap_example *example, size_t t)
{
        if (!means->by_position)
                return 0;
        return example->depth ? (size_t)example->depth[t] : t;
}

/* sum[w][t] += output[w][t], t = 0 for all positions when not by position. */
static void add_prompt(struct means *means, const struct hap_example *example,
                       const float *outputs)
{
        const size_t n_tokens = (size_t)example->n_tokens;

        for (size_t w = 0; w < means->n_writers; w++)
                for (size_t t = 0; t < n_tokens; t++) {
                        size_t at = place_of(means, example, t);
                        double *sum = means->sum + (w * means->positions + at) * means->d;
                        const float *x = outputs + (w * n_tokens + t) * means->d;

                        for (size_t i = 0; i < means->d; i++)
                                sum[i] += (double)x[i];
                }
        for (size_t t = 0; t < n_tokens; t++)
                means->n[place_of(means, example, t)]++;
}

/* Runs the clean or the corrupted prompts of `n` examples from `first` on and adds the outputs of
 * their writers. */
static int add_examples(struct means *means, const struct hap_engine *engine,
                        const struct hap_examples *all, size_t first, size_t n, bool corrupted,
                        struct hap_error *err)
{
        struct hap_example examples[HAP_MEANS_AT_ONCE];
        struct hap_batches batches = {0};
        void *outputs[HAP_MEANS_AT_ONCE];
        struct hap_arena arena;
        int rc = HAP_OK;

        hap_arena_init(&arena);
        for (size_t i = 0; i < n && rc == 0; i++) {
                examples[i] = *hap_examples_at(all, first + i);
                outputs[i] = hap_arena_alloc(&arena, means->n_writers * means->d *
                                             (size_t)examples[i].n_tokens, sizeof(float));
                rc = outputs[i] ? hap_batches_add(&batches, examples + i, 0, err)
                                : hap_fail_memory(err, "means");
        }
        if (rc == 0)
                rc = hap_run_examples(engine, examples, &batches, corrupted, HAP_F32, outputs,
                                      NULL, err);
        for (size_t i = 0; i < n && rc == 0; i++)
                add_prompt(means, examples + i, outputs[i]);
        hap_batches_release(&batches);
        hap_arena_release(&arena);
        return rc;
}

static int add_all(struct means *means, const struct hap_engine *engine,
                   const struct hap_examples *examples, bool corrupted, struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < examples->n && rc == 0; i += HAP_MEANS_AT_ONCE)
                rc = add_examples(means, engine, examples, i,
                                  hap_min(examples->n - i, HAP_MEANS_AT_ONCE), corrupted, err);
        return rc;
}

static size_t longest_of(const struct hap_examples *examples)
{
        size_t longest = 0;

        for (size_t i = 0; i < examples->n; i++)
                longest = hap_max(longest, (size_t)hap_examples_at(examples, i)->n_tokens);
        return longest;
}

/* mean[w][t] = sum[w][t] / n[t]; 0 at positions that no prompt has, because its answers branch */
static int divide_sums(const struct means *means, struct hap_arena *arena,
                       struct hap_counterfactual *mean, struct hap_error *err)
{
        const size_t n = means->n_writers * means->positions * means->d;
        float *data = hap_arena_alloc(arena, n, sizeof *data);

        if (!data)
                return hap_fail_memory(err, "means");
        for (size_t i = 0; i < n; i++)
                data[i] = (float)(means->sum[i] /
                                  (double)hap_max(means->n[i / means->d % means->positions], 1));
        *mean = (struct hap_counterfactual){
                .ablation = means->ablation,
                .data = data,
                .dtype = HAP_F32,
                .n_positions = (int)means->positions,
        };
        return HAP_OK;
}

int hap_means(const struct hap_engine *engine, const struct hap_examples *examples,
              const struct hap_ablation *ablation, struct hap_arena *arena,
              struct hap_counterfactual *mean, struct hap_error *err)
{
        const bool by_position = ablation->per_position;
        struct means means = {
                .ablation = ablation,
                .by_position = by_position,
                .n_writers = (size_t)engine->graph.n_writers,
                .d = (size_t)engine->model->config.d_model,
                .positions = by_position ? longest_of(examples) : 1,
        };
        int rc = HAP_OK;

        means.sum = calloc(means.n_writers * means.positions * means.d, sizeof *means.sum);
        means.n = calloc(means.positions, sizeof *means.n);
        if (!means.sum || !means.n)
                rc = hap_fail_memory(err, "means");
        if (rc == 0 && (ablation->averaged & HAP_OVER_CLEAN))
                rc = add_all(&means, engine, examples, false, err);
        if (rc == 0 && (ablation->averaged & HAP_OVER_CORRUPTED))
                rc = add_all(&means, engine, examples, true, err);
        if (rc == 0)
                rc = divide_sums(&means, arena, mean, err);
        free(means.sum);
        free(means.n);
        return rc;
}
