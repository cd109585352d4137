#include "data/prompts.h"

#include <stdlib.h>
#include <string.h>

#include "common/file_map.h"
#include "common/number.h"
#include "data/gates.h"
#include "forward/parallel.h"
#include "forward/remake.h"

/* An array of values(example) elements of `size` bytes for each prompt, in the arena. The
 * list of arrays, [n], belongs to the caller. */
static void **alloc_arrays(struct hap_prompts *prompts, size_t size,
                           size_t (*values)(const struct hap_engine *, const struct hap_example *),
                           const struct hap_engine *engine, struct hap_error *err)
{
        void **each = calloc(prompts->n, sizeof *each);

        for (size_t i = 0; each && i < prompts->n; i++) {
                each[i] = hap_arena_alloc(&prompts->arena,
                                          values(engine, prompts->examples + i), size);
                if (!each[i]) {
                        free(each);
                        each = NULL;
                }
        }
        if (!each)
                hap_fail_memory(err, "prompts");
        return each;
}

static size_t n_outputs(const struct hap_engine *engine, const struct hap_example *example)
{
        return (size_t)engine->graph.n_writers * (size_t)example->n_tokens *
               (size_t)engine->model->config.d_model;
}

static size_t n_logits(const struct hap_engine *engine, const struct hap_example *example)
{
        return (size_t)example->n_answer_positions * (size_t)engine->model->config.n_out;
}

/* Runs the corrupted prompts for the outputs of their writers. */
static int run_counterfactuals(struct hap_prompts *prompts, const struct hap_engine *engine,
                               enum hap_dtype dtype, struct hap_error *err)
{
        void **outputs = alloc_arrays(prompts, dtype == HAP_F32 ? sizeof(float) : sizeof(uint16_t),
                                      n_outputs, engine, err);
        int rc;

        if (!outputs)
                return err->code;
        rc = hap_run_examples(engine, prompts->examples, &prompts->batches, true, dtype, outputs,
                           NULL, err);
        for (size_t i = 0; i < prompts->n; i++) {
                prompts->items[i].counterfactual.data = outputs[i];
                prompts->items[i].counterfactual.dtype = dtype;
        }
        free(outputs);
        return rc;
}

static int build_counterfactuals(struct hap_prompts *prompts, const struct hap_engine *engine,
                                 const struct hap_prompts_source *source, struct hap_error *err)
{
        const struct hap_ablation *ablation = source->options.ablation;
        const struct hap_cache_record *cached = source->cached;

        for (size_t i = 0; i < prompts->n; i++) {
                struct hap_counterfactual *counterfactual = &prompts->items[i].counterfactual;

                *counterfactual = source->common;
                counterfactual->ablation = ablation;
                counterfactual->depth = prompts->examples[i].depth;
                if (ablation->per_prompt && source->options.outputs == HAP_OUTPUTS_REMADE)
                        counterfactual->tokens = prompts->examples[i].corrupted;
                if (ablation->per_prompt && cached) {
                        counterfactual->data = cached[i].corrupted.outputs.data;
                        counterfactual->dtype = cached[i].corrupted.outputs.dtype;
                }
        }
        return ablation->per_prompt && !cached && source->options.outputs != HAP_OUTPUTS_REMADE
                       ? run_counterfactuals(prompts, engine, source->options.dtype, err)
                       : HAP_OK;
}

static int alloc_log_sums(struct hap_prompts *prompts, struct hap_error *err)
{
        size_t n = 0;
        double *log_sum;

        for (size_t i = 0; i < prompts->n; i++)
                n += (size_t)prompts->examples[i].n_answer_positions;
        log_sum = hap_arena_alloc(&prompts->arena, n, sizeof *log_sum);
        if (!log_sum)
                return hap_fail_memory(err, "prompts");
        for (size_t i = 0; i < prompts->n; i++) {
                prompts->items[i].log_sum = log_sum;
                log_sum += prompts->examples[i].n_answer_positions;
        }
        return HAP_OK;
}

/* The full model's log-probabilities at the answer positions. */
static int build_log_p(struct hap_prompts *prompts, const struct hap_engine *engine,
                       const struct hap_cache_record *cached, struct hap_error *err)
{
        const int n_out = engine->model->config.n_out;
        float **logits = calloc(prompts->n, sizeof *logits);
        void **each = alloc_arrays(prompts, sizeof(float), n_logits, engine, err);
        int rc = each && logits ? HAP_OK : hap_fail_memory(err, "prompts");

        if (rc == 0)
                rc = alloc_log_sums(prompts, err);
        for (size_t i = 0; i < prompts->n && rc == 0; i++)
                logits[i] = each[i]; /* NOLINT(clang-analyzer-unix.Malloc): n is not 0 here */
        if (rc == 0 && !cached)
                rc = hap_run_examples(engine, prompts->examples, &prompts->batches, false, HAP_F32,
                                   NULL, logits, err);
        for (size_t i = 0; i < prompts->n && rc == 0; i++) {
                const struct hap_example *example = prompts->examples + i;

                if (cached)
                        hap_tensor_read(&cached[i].clean.logits, 0, n_logits(engine, example),
                                        logits[i]);
                if (cached && !hap_all_finite(logits[i], n_logits(engine, example))) {
                        rc = hap_fail(err, HAP_EINPUT, "cannot use example '%.200s': its logits in "
                                      "the cache are not finite", example->id);
                        break;
                }
                hap_log_softmax(example->n_answer_positions, n_out, logits[i], logits[i],
                                prompts->items[i].log_sum);
                prompts->items[i].log_p = logits[i];
        }
        free(logits);
        free(each);
        return rc;
}

/* The graph must read logits where the example's answers are. */
static int check_answers(const struct hap_example *example, const struct hap_positions *positions,
                         const uint8_t *position, struct hap_error *err)
{
        for (int i = 0; i < example->n_answer_positions; i++) {
                const int at = position[example->answer_first + i];

                if (!positions->answers[at])
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot use example '%.200s': its answer is at '%s', "
                                        "where this graph reads no logits", example->id,
                                        positions->name[at]);
        }
        return HAP_OK;
}

/* The graph's position of each token. */
static int build_positions(struct hap_prompts *prompts, const struct hap_engine *engine,
                           struct hap_error *err)
{
        const struct hap_positions *positions = &engine->graph.positions;

        for (size_t i = 0; positions->n && i < prompts->n; i++) {
                const struct hap_example *example = prompts->examples + i;
                uint8_t *position = hap_arena_alloc(&prompts->arena, (size_t)example->n_tokens,
                                                    sizeof *position);

                if (!position)
                        return hap_fail_memory(err, "prompts");
                if (hap_example_positions(example, positions, position, err) < 0 ||
                    check_answers(example, positions, position, err) < 0)
                        return err->code;
                prompts->items[i].position = position;
        }
        return HAP_OK;
}

struct preparing {
        struct hap_prompts *prompts;
        const struct hap_engine *engine;
};

static int fill_prompt(void *context, struct hap_scratch *scratch, size_t i)
{
        const struct preparing *in = context;

        return hap_prompt_refill(scratch->engine, scratch, in->prompts->items + i);
}

static bool prompt_piece(const void *context, size_t i, size_t k, struct hap_piece *piece)
{
        const struct preparing *in = context;

        return hap_prompt_piece(in->engine, in->prompts->items + i, k, piece);
}

/* A batch whose corrupted runs are made for this alone: from the first token on, since no
 * prompt's arrays are filled yet. */
static int fill_batch(void *context, struct hap_scratch *scratch, size_t b)
{
        const struct preparing *in = context;
        const size_t begin = in->prompts->batches.start[b];
        const size_t n = in->prompts->batches.start[b + 1] - begin;
        struct hap_prompt empty[HAP_BATCH_PROMPTS];
        const struct hap_prompt *pointers[HAP_BATCH_PROMPTS] = {0};
        struct hap_counterfactual made[HAP_BATCH_PROMPTS];
        int rc;

        for (size_t i = 0; i < n; i++) {
                empty[i] = in->prompts->items[begin + i];
                empty[i].residual = empty[i].q = empty[i].k = empty[i].v = NULL;
                pointers[i] = empty + i;
        }
        rc = hap_remake(scratch, pointers, (int)n, false, made);
        for (size_t i = 0; i < n && rc == 0; i++) {
                struct hap_prompt *prompt = in->prompts->items + begin + i;
                const struct hap_counterfactual own = prompt->counterfactual;

                prompt->counterfactual = made[i];
                rc = fill_prompt(context, scratch, begin + i);
                prompt->counterfactual = own;
        }
        return rc;
}

/* The prompts of a batch whose counterfactuals are there. */
static int fill_prompts(void *context, struct hap_scratch *scratch, size_t b)
{
        const struct preparing *in = context;
        int rc = HAP_OK;

        for (size_t i = in->prompts->batches.start[b];
             i < in->prompts->batches.start[b + 1] && rc == 0; i++)
                rc = fill_prompt(context, scratch, i);
        return rc;
}

/* The pieces of a batch are those of its prompts, one after the other. */
static bool batch_piece(const void *context, size_t b, size_t k, struct hap_piece *piece)
{
        const struct preparing *in = context;

        if (in->prompts->batches.apart)
                return false;
        for (size_t i = in->prompts->batches.start[b]; i < in->prompts->batches.start[b + 1]; i++)
                for (size_t own = 0; prompt_piece(context, i, own, piece); own++)
                        if (k-- == 0)
                                return true;
        return false;
}

static int prepare_all(struct hap_prompts *prompts, const struct hap_engine *engine,
                       const struct hap_prompts_options *options, struct hap_error *err)
{
        struct preparing in = {prompts, engine};
        int rc = HAP_OK;

        for (size_t i = 0; i < prompts->n && rc == 0; i++) {
                prompts->items[i].first = hap_prompt_first(
                        engine, prompts->examples[i].clean, prompts->examples[i].corrupted,
                        prompts->examples[i].answer_first, options->ablation);
                rc = hap_prompt_reserve(engine, prompts->items + i, options->want_q,
                                        &prompts->arena, err);
        }
        if (rc == 0 && options->outputs == HAP_OUTPUTS_REMADE && options->ablation->per_prompt)
                return hap_parallel(engine, prompts->batches.n, fill_batch, batch_piece, &in, err);
        if (rc == 0 && prompts->batches.apart)
                return hap_parallel(engine, prompts->batches.n, fill_prompts, batch_piece, &in, err);
        return rc < 0 ? rc : hap_parallel(engine, prompts->n, fill_prompt, prompt_piece, &in, err);
}

int hap_prompts_build(struct hap_prompts *prompts, const struct hap_engine *engine,
                      const struct hap_prompts_source *source, struct hap_error *err)
{
        int rc = HAP_OK;

        prompts->items = calloc(prompts->n, sizeof *prompts->items);
        prompts->pointers = calloc(prompts->n, sizeof *prompts->pointers);
        prompts->batches.apart = source->options.apart;
        if (!prompts->items || !prompts->pointers)
                rc = hap_fail_memory(err, "prompts");
        for (size_t i = 0; i < prompts->n && rc == 0; i++) {
                prompts->items[i] = hap_prompt_of(prompts->examples + i, false);
                prompts->pointers[i] = prompts->items + i;
        }
        if (rc == 0)
                rc = build_positions(prompts, engine, err);
        if (rc == 0)
                rc = build_counterfactuals(prompts, engine, source, err);
        if (rc == 0 && source->options.want_log_p)
                rc = build_log_p(prompts, engine, source->cached, err);
        if (rc == 0 && !source->options.tokens_only)
                rc = hap_gates_fill(prompts, engine, err);
        if (rc == 0 && !source->options.full_runs_only)
                rc = prepare_all(prompts, engine, &source->options, err);
        return rc;
}

void hap_prompts_release(struct hap_prompts *prompts)
{
        if (prompts->mapped_begin)
                hap_file_map_forget(prompts->mapped_begin,
                                    (size_t)(prompts->mapped_end - prompts->mapped_begin));
        free(prompts->examples);
        free(prompts->items);
        free(prompts->pointers);
        hap_batches_release(&prompts->batches);
        hap_arena_release(&prompts->arena);
        *prompts = (struct hap_prompts){0};
}

size_t hap_prompts_per_batch(const struct hap_prompts *prompts)
{
        const size_t n = prompts->batches.n ? prompts->batches.n : 1;

        return (prompts->n + n - 1) / n;
}

size_t hap_prompts_per_job(size_t groups, size_t group, size_t per_batch)
{
        if (groups >= 4)
                return hap_min(group, per_batch);
        return hap_min(hap_max((group + 3) / 4, 2), (per_batch + 1) / 2);
}
