#include "data/memory_estimate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/mpi_layers.h"
#include "common/number.h"
#include "data/batches.h"
#include "data/counted_run.h"
#include "data/means.h"
#include "forward/bf16.h"
#include "forward/blas_library.h"
#include "forward/panel.h"
#include "model/kept.h"

/* Libraries and streams; a thread's stack, its buffers in the BLAS, and the unused rest of its
 * last large page. */
#define PROGRAM ((size_t)4 << 20)
#define PER_THREAD ((size_t)6 << 20)

const struct hap_memory_estimate hap_memory_forward = {
        .runs = HAP_MEMORY_FULL,
        .options = {.ablation = &hap_interchange},
        .batches = 1,
};
const struct hap_memory_estimate hap_memory_attrib = {
        .runs = HAP_MEMORY_GRADIENTS,
        .options = {.ablation = &hap_interchange, .gradients = true},
        .batches = 1,
        .per_edge = 64,
};
const struct hap_memory_estimate hap_memory_eval = {
        .runs = HAP_MEMORY_MASKED,
        .options = {.ablation = &hap_interchange, .want_q = true, .want_log_p = true},
        .batches = 4,
        .per_edge = 64,
};
const struct hap_memory_estimate hap_memory_select = {
        .runs = HAP_MEMORY_MASKED,
        .options = {.ablation = &hap_interchange, .want_q = true, .want_log_p = true},
        .per_edge = 64,
};
const struct hap_memory_estimate hap_memory_prune = {
        .runs = HAP_MEMORY_TRAINING,
        .options = {.ablation = &hap_interchange, .want_q = true, .want_log_p = true},
        .per_edge = 100,
        .group = 200,
        .can_halve = true,
};
const struct hap_memory_estimate hap_memory_ablate = {
        .runs = HAP_MEMORY_TRAINING,
        .options = {&hap_mean, .want_q = true, .want_log_p = true},
        .group = 16,
        .per_edge = 64,
        .cases = true,
};

struct hap_memory_estimate hap_memory_within(const struct hap_memory_estimate *stage,
                                             size_t max_bytes, size_t threads)
{
        struct hap_memory_estimate needs = *stage;

        needs.max_bytes = max_bytes;
        needs.threads = threads;
        return needs;
}

/* --- the prompts --- */

void hap_memory_prompt(struct hap_memory_estimate *needs, const struct hap_example *example,
                       const struct hap_model *model)
{
        const size_t tokens = (size_t)example->n_tokens;
        const struct hap_engine engine = {.model = (struct hap_model *)model};
        const bool from_difference = needs->runs != HAP_MEMORY_FULL &&
                                     !needs->options.full_runs_only;
        const size_t rows = tokens - (from_difference
                                              ? (size_t)hap_prompt_first(
                                                        &engine, example->clean,
                                                        example->corrupted, example->answer_first,
                                                        needs->options.ablation)
                                              : 0);

        needs->shortest = needs->shortest ? hap_min(needs->shortest, tokens) : tokens;
        needs->tokens = hap_max(needs->tokens, tokens);
        needs->rows = hap_max(needs->rows, rows);
        needs->positions = hap_max(needs->positions, (size_t)example->n_answer_positions);
        needs->sums.n++;
        needs->sums.tokens += (double)tokens;
        needs->sums.tokens_squared += (double)tokens * (double)tokens;
        needs->sums.rows += (double)rows;
        needs->sums.rows_squared += (double)rows * (double)rows;
}

static void forget_prompts(struct hap_memory_estimate *needs, size_t n)
{
        needs->prompts = n;
        needs->tokens = needs->shortest = needs->rows = needs->positions = 0;
        needs->sums = (struct hap_memory_sums){0};
}

void hap_memory_examples(struct hap_memory_estimate *needs, const struct hap_examples *examples,
                         const struct hap_model *model)
{
        forget_prompts(needs, examples->n);
        for (size_t i = 0; i < examples->n; i++)
                hap_memory_prompt(needs, hap_examples_at(examples, i), model);
}

void hap_memory_prompts(struct hap_memory_estimate *needs, const struct hap_prompts *prompts,
                        const struct hap_model *model)
{
        forget_prompts(needs, prompts->n);
        for (size_t i = 0; i < prompts->n; i++)
                hap_memory_prompt(needs, prompts->examples + i, model);
}

/* The largest mean of k of these numbers that is to be expected when many groups of k are
 * drawn: the mean plus 2.5 standard errors, at most `largest`. */
static size_t group_mean(double n, double sum, double squares, size_t largest, size_t k)
{
        double mean, variance, value;

        if (n == 0)
                return largest;
        mean = sum / n;
        variance = fmax(0, squares / n - mean * mean);
        value = ceil(mean + 2.5 * sqrt(variance / (double)k));
        return hap_min(largest, (size_t)value);
}

/* Tokens, and computed rows, of each of k prompts that run together or are kept together. */
static size_t tokens_of(const struct hap_memory_estimate *needs, size_t k)
{
        const struct hap_memory_sums *sums = &needs->sums;

        return hap_max(1, group_mean((double)sums->n, sums->tokens, sums->tokens_squared,
                                     needs->tokens, k));
}

static size_t rows_of(const struct hap_memory_estimate *needs, size_t k)
{
        const struct hap_memory_sums *sums = &needs->sums;
        const size_t most = needs->rows ? needs->rows : needs->tokens;

        return hap_max(1, group_mean((double)sums->n, sums->rows, sums->rows_squared, most, k));
}

/* --- the scratch of one run: the engine's own code on a counting scratch --- */

/* Prompts in a full batch. */
static size_t batch_prompts(const struct hap_memory_estimate *needs, const struct hap_model *model,
                            const struct hap_graph *graph)
{
        const size_t rows = needs->options.gradients
                                    ? hap_batches_gradient_rows(graph, model->config.d_model)
                                    : HAP_BATCH_ROWS;
        const size_t tokens = tokens_of(needs, HAP_BATCH_PROMPTS);

        if (needs->options.single)
                return 1;
        return hap_batches_prompts(rows, tokens);
}

/* The jobs of a training step. */
struct split {
        size_t jobs, per_job;
};

static struct split training_split(const struct hap_memory_estimate *needs,
                                   const struct hap_model *model, const struct hap_graph *graph)
{
        const bool cases = needs->cases && !needs->z;
        const size_t groups = cases ? (size_t)graph->n_writers : 1;
        const size_t runs = hap_max(1, cases ? (needs->group + groups - 1) / groups
                                             : hap_min(needs->group, needs->prompts));
        const size_t per_job = hap_prompts_per_job(groups, runs,
                                                   batch_prompts(needs, model, graph));

        return (struct split){.jobs = groups * ((runs + per_job - 1) / per_job),
                              .per_job = per_job};
}

/* The jobs' gradients, which are summed in the order of the jobs. */
static size_t gradient_bytes(const struct hap_memory_estimate *needs,
                             const struct hap_model *model, const struct hap_graph *graph)
{
        const size_t each = needs->cases ? (size_t)graph->n_writers *
                                                   (size_t)model->config.d_model
                                         : graph->n_edges;

        if (needs->runs != HAP_MEMORY_TRAINING || needs->at_least)
                return 0;
        return training_split(needs, model, graph).jobs * each * sizeof(float);
}

/* The scratch of a thread for full runs, which prepare the prompts, or for the stage's runs. */
static size_t thread_scratch(const struct hap_memory_estimate *needs, enum hap_memory_runs runs,
                             const struct hap_model *model, const struct hap_graph *graph)
{
        const float *z = needs->z_edges == graph->n_edges ? needs->z : NULL;
        const size_t n = runs == HAP_MEMORY_TRAINING ? training_split(needs, model, graph).per_job
                                                     : batch_prompts(needs, model, graph);
        struct hap_counted_run how = {.runs = runs,
                                  .n = hap_max(1, hap_min(n, hap_max(needs->prompts, 1))),
                                  .positions = hap_max(needs->positions, 1),
                                  .ablation = needs->options.ablation,
                                  .counterfactuals = needs->cases,
                                  .all_rows = needs->all_rows,
                                  .remade = needs->options.outputs == HAP_OUTPUTS_REMADE,
                                  .arrays = needs->arrays};
        float *ones = calloc(graph->n_edges, sizeof *ones);
        bool *wanted = calloc(graph->n_edges, sizeof *wanted);
        size_t bytes = HAP_UNCOUNTED;

        if (!ones || !wanted)
                hap_memory_short();
        for (size_t e = 0; ones && wanted && e < graph->n_edges; e++) {
                ones[e] = 1;
                wanted[e] = !z || z[e] > 0;
        }
        how.wanted = wanted;
        how.z = z ? z : ones;
        how.tokens = hap_max(tokens_of(needs, how.n), how.positions);
        how.rows = runs == HAP_MEMORY_FULL ? how.tokens
                                           : hap_min(rows_of(needs, how.n), how.tokens);
        how.rows = hap_max(how.rows, how.positions);
        if (ones && wanted)
                bytes = hap_counted_run_bytes(&how, model, graph);
        free(ones);
        free(wanted);
        return bytes;
}

/* --- the prompts that are kept --- */

/* Bytes of each of k prepared prompts (prompts.c, prompt.c). */
static size_t prompt_bytes(const struct hap_memory_estimate *needs, const struct hap_model *model,
                           const struct hap_graph *graph, size_t k)
{
        const struct hap_prompts_options *o = &needs->options;
        const struct hap_config *c = &model->config;
        const size_t tokens = tokens_of(needs, k), rows = rows_of(needs, k);
        const size_t d = (size_t)c->d_model, layers = (size_t)c->n_layers;
        const size_t heads = (size_t)(c->n_heads + 2 * c->n_kv_heads) * (size_t)c->d_head;
        const size_t logits = hap_max(needs->positions, 1) * (size_t)c->n_out;
        const bool half = o->dtype != HAP_F32 ||
                          (needs->source != HAP_COUNTERFACTUALS_RUNS && needs->dtype != HAP_F32);
        size_t floats = 0, outputs = 0;

        if ((o->ablation->per_prompt && o->outputs != HAP_OUTPUTS_REMADE) ||
            needs->runs == HAP_MEMORY_FULL)
                outputs = (size_t)graph->n_writers * tokens * d * (half ? 2 : sizeof(float));
        if (needs->runs == HAP_MEMORY_FULL)
                return 2 * (outputs + logits * sizeof(float));
        if (o->want_q)
                floats += (2 * layers + 1) * rows * d + layers * tokens * heads;
        if (o->want_log_p) /* and a double for each position */
                floats += logits + 2 * hap_max(needs->positions, 1);
        floats += layers * tokens * (size_t)graph->n_experts;
        return outputs + floats * sizeof(float);
}

/* The number of prompts that are in memory, prepared, at a time. */
static size_t prepared(const struct hap_memory_estimate *needs, const struct hap_model *model,
                       const struct hap_graph *graph)
{
        const size_t at_once = needs->batches * needs->threads * hap_mpi_job_ranks() *
                               batch_prompts(needs, model, graph);
        const size_t all = needs->options.limit && needs->options.limit < needs->prompts
                                   ? needs->options.limit : needs->prompts;

        return needs->batches && at_once < all ? at_once : all;
}

size_t hap_memory_weights(const struct hap_model *model)
{
        if (hap_model_has_weights(model))
                return model->arena.bytes + model->stored_bytes;
        return model->stored_bytes ? model->stored_bytes : hap_model_f32_bytes(&model->config);
}

size_t hap_memory_record(const struct hap_memory_estimate *needs, const struct hap_model *model,
                         const struct hap_graph *graph)
{
        const struct hap_config *c = &model->config;
        const size_t outputs = (size_t)graph->n_writers * needs->tokens * (size_t)c->d_model;

        return 2 * (outputs + hap_max(needs->positions, 1) * (size_t)c->n_out) * sizeof(float);
}

/* Clean outputs that are in memory for the means, before prompts are prepared. */
static size_t mean_bytes(const struct hap_memory_estimate *needs, const struct hap_model *model,
                         const struct hap_graph *graph)
{
        const size_t n = hap_min(needs->prompts, HAP_MEANS_AT_ONCE);

        if (!needs->options.ablation->averaged || n == 0)
                return 0;
        return n * (size_t)graph->n_writers * tokens_of(needs, n) *
               (size_t)model->config.d_model * sizeof(float);
}

/* The resident part of a cache besides what is kept of it. */
static size_t cache_bytes(const struct hap_memory_estimate *needs, const struct hap_model *model,
                          const struct hap_graph *graph, size_t prompts)
{
        if (needs->source == HAP_COUNTERFACTUALS_MAPPED)
                return prompts * HAP_FAULT_AROUND;
        return needs->source == HAP_COUNTERFACTUALS_PIPED
                       ? 2 * hap_memory_record(needs, model, graph) : 0;
}

static size_t masks_bytes(const struct hap_memory_estimate *needs, const struct hap_graph *graph)
{
        const size_t cases = needs->cases && !needs->z ? (size_t)graph->n_writers : 0;
        const size_t own = needs->runs == HAP_MEMORY_TRAINING && !needs->cases ? needs->group : 0;

        return graph->n_edges * (needs->per_edge + (cases + own) * sizeof(float));
}

/* What is there while the stage runs, and before that while the prompts are prepared. */
size_t hap_memory_bytes(const struct hap_memory_estimate *needs, const struct hap_model *model,
                        const struct hap_graph *graph)
{
        const bool runs_model = needs->source == HAP_COUNTERFACTUALS_RUNS &&
                                needs->options.ablation->read;
        const bool masked = needs->runs == HAP_MEMORY_MASKED ||
                            needs->runs == HAP_MEMORY_TRAINING;
        const size_t n = prepared(needs, model, graph), batch = batch_prompts(needs, model, graph);
        const size_t jobs = hap_max(1, (n + batch - 1) / batch);
        const size_t busy = hap_min(needs->threads, jobs);
        size_t always = hap_memory_weights(model) + PROGRAM + hap_blas_library.memory +
                        needs->threads * (PER_THREAD + hap_panel_bytes(model)) +
                        masks_bytes(needs, graph) + cache_bytes(needs, model, graph, n);
        const size_t packed = needs->bf16 ? hap_bf16_bytes(model) + needs->threads *
                                                                            hap_bf16_thread_bytes(model)
                                          : 0;
        size_t kept = n ? n * prompt_bytes(needs, model, graph, n) : 0, before, during = 0;

        before = runs_model ? busy * thread_scratch(needs, HAP_MEMORY_FULL, model, graph) : 0;
        if (!needs->at_least || !masked)
                during = thread_scratch(needs, needs->runs, model, graph);
        during *= needs->runs == HAP_MEMORY_TRAINING ? needs->threads : busy;
        during = hap_max(during, before); /* scratch stays mapped */
        return always + hap_max(before + mean_bytes(needs, model, graph),
                                packed + during + kept + gradient_bytes(needs, model, graph));
}

/* --- advice on how to need less --- */

/* "3.49 GB" or "87 MB" */
static const char *size_text(size_t bytes, char text[32])
{
        if (bytes >= 1000000000)
                snprintf(text, 32, "%.2f GB", (double)bytes / 1e9);
        else
                snprintf(text, 32, bytes < 1000000 ? "%.3f MB" : "%.0f MB", (double)bytes / 1e6);
        return text;
}

struct advice {
        char text[400];
        size_t length;
};

static void advise(struct advice *a, const char *what, size_t bytes)
{
        char size[32];

        a->length += (size_t)snprintf(a->text + a->length, sizeof(a->text) - a->length,
                                      "; %s: %s", what, size_text(bytes, size));
}

/* How many prompts fit if all stay in memory. */
static size_t fitting(struct hap_memory_estimate needs, const struct hap_model *model,
                      const struct hap_graph *graph)
{
        size_t first, each;

        needs.prompts = 0;
        first = hap_memory_bytes(&needs, model, graph);
        needs.prompts = 1;
        each = hap_memory_bytes(&needs, model, graph) - first;
        return needs.max_bytes > first && each ? (needs.max_bytes - first) / each : 0;
}

static void advise_all(struct advice *a, struct hap_memory_estimate needs, const struct hap_model *model,
                       const struct hap_graph *graph)
{
        const bool threads = needs.threads > 1;
        const bool keeps = needs.can_halve && needs.options.ablation->per_prompt &&
                           needs.options.outputs != HAP_OUTPUTS_REMADE;
        const bool halve = keeps && needs.options.dtype == HAP_F32 &&
                           (needs.source == HAP_COUNTERFACTUALS_RUNS || needs.dtype == HAP_F32);
        struct hap_memory_estimate one = needs, half = needs, none = needs;
        char few[64];
        size_t n;

        one.threads = 1;
        half.options.dtype = HAP_F16;
        if (threads)
                advise(a, "-j 1", hap_memory_bytes(&one, model, graph));
        if (halve)
                advise(a, "--cache-dtype f16", hap_memory_bytes(&half, model, graph));
        half.threads = one.threads;
        if (threads && halve)
                advise(a, "both", hap_memory_bytes(&half, model, graph));
        none.options.outputs = HAP_OUTPUTS_REMADE;
        if (keeps && needs.source == HAP_COUNTERFACTUALS_RUNS)
                advise(a, "--cache-dtype none", hap_memory_bytes(&none, model, graph));
        n = halve ? fitting(half, model, graph) : fitting(one, model, graph);
        if (needs.batches == 0 && n > 0 && n < needs.prompts) {
                needs = halve ? half : one;
                needs.prompts = n;
                snprintf(few, sizeof(few), "%s%zu prompt%s", threads || halve ? "these and " : "",
                         n, n == 1 ? "" : "s");
                advise(a, few, hap_memory_bytes(&needs, model, graph));
        }
        advise(a, "the weights alone", hap_memory_weights(model));
}

int hap_memory_check(const struct hap_memory_estimate *needs, const struct hap_model *model,
                    const struct hap_graph *graph, struct hap_error *err)
{
        struct advice a = {.length = 0};
        char need[32], most[32], many[64] = "";
        size_t bytes;

        if (!needs->max_bytes)
                return HAP_OK;
        bytes = hap_memory_bytes(needs, model, graph);
        if (bytes <= needs->max_bytes)
                return HAP_OK;
        advise_all(&a, *needs, model, graph);
        if (needs->batches == 0)
                snprintf(many, sizeof(many), "%zu ", needs->prompts);
        return hap_fail(err, HAP_EUSAGE,
                        "--max-memory allows %s, %sprompts of %zu tokens need %s%s "
                        "with %zu thread%s%s",
                        size_text(needs->max_bytes, most), many, needs->tokens,
                        needs->at_least ? "at least " : "", size_text(bytes, need), needs->threads, needs->threads == 1 ? "" : "s",
                        a.text);
}

int hap_memory_check_model(const struct hap_memory_estimate *needs, const struct hap_model *model,
                          const struct hap_graph_form *form, struct hap_error *err)
{
        struct hap_graph graph;
        int rc = hap_graph_of_model(&graph, &model->config, form, err);

        if (rc == 0)
                rc = hap_memory_check(needs, model, &graph, err);
        hap_graph_release(&graph);
        return rc;
}
