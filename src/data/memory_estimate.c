#include "data/memory_estimate.h"

#include <stdio.h>
#include <string.h>

#include "common/number.h"
#include "data/batches.h"
#include "data/means.h"

/* Libraries and streams; a thread's stack and its buffers in the BLAS. */
#define PROGRAM ((size_t)6 << 20)
#define PER_THREAD ((size_t)4 << 20)
/* The resident part of a mapped file; of a piped one a record is in memory twice. */
#define WINDOW ((size_t)32 << 20)

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
        .per_edge = 256,
        .can_halve = true,
};
const struct hap_memory_estimate hap_memory_ablate = {
        .runs = HAP_MEMORY_TRAINING,
        .options = {&hap_mean, .want_q = true, .want_log_p = true},
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

/* --- sizes, in floats unless said otherwise --- */

/* The terms of all sums, with the names of mathematics.md. */
struct shape {
        size_t d, mlp, heads, kv, out; /* widths: model, MLP's, all heads', all keys', logits */
        size_t layers, n_heads, writers, readers;
        size_t tokens, positions; /* of a prompt */
        size_t batch, rows;       /* prompts and rows of a batch, at most */
        size_t per_layer;         /* readers of a layer */
        bool q_norm, post_norm;
};

void hap_memory_prompt(struct hap_memory_estimate *needs, const struct hap_example *example)
{
        const size_t tokens = (size_t)example->n_tokens;

        needs->shortest = needs->shortest ? hap_min(needs->shortest, tokens) : tokens;
        needs->tokens = hap_max(needs->tokens, tokens);
        needs->positions = hap_max(needs->positions, (size_t)example->n_answer_positions);
}

void hap_memory_examples(struct hap_memory_estimate *needs, const struct hap_examples *examples)
{
        needs->prompts = examples->n;
        for (size_t i = 0; i < examples->n; i++)
                hap_memory_prompt(needs, examples->items + i);
}

static struct shape shape_of(const struct hap_memory_estimate *needs, const struct hap_model *model,
                             const struct hap_graph *graph)
{
        const struct hap_config *c = &model->config;
        struct shape s = {
                .d = (size_t)c->d_model,
                .mlp = (size_t)c->d_mlp * (c->gated ? 2 : 1),
                .heads = (size_t)c->n_heads * (size_t)c->d_head,
                .kv = (size_t)c->n_kv_heads * (size_t)c->d_head,
                .out = (size_t)c->n_out,
                .layers = (size_t)c->n_layers,
                .n_heads = (size_t)c->n_heads,
                .writers = (size_t)graph->n_writers,
                .readers = (size_t)graph->n_readers,
                .tokens = hap_max(needs->tokens, 1),
                .positions = hap_max(needs->positions, 1),
                .per_layer = 3 * (size_t)c->n_heads + 1,
                .q_norm = c->qk_norm,
                .post_norm = c->mlp_post_norm,
        };
        const size_t rows = needs->options.gradients
                                    ? hap_batches_gradient_rows(graph, c->d_model)
                                    : HAP_BATCH_ROWS;

        s.batch = hap_min((rows + s.tokens - 1) / s.tokens, HAP_BATCH_PROMPTS);
        s.rows = s.batch * s.tokens;
        if (needs->shortest && needs->shortest < s.tokens) { /* the last prompt may be a long one */
                s.batch = hap_min((rows + needs->shortest - 1) / needs->shortest,
                                      HAP_BATCH_PROMPTS);
                s.rows = hap_min(rows - 1 + s.tokens, s.batch * s.tokens);
        }
        return s;
}

/* q and the heads' outputs at the answer rows, k and v of `width` at all rows, the attention
 * pattern. */
static size_t heads(const struct shape *s, size_t answer_rows, size_t rows, size_t width, bool gradients)
{
        const size_t norms = s->q_norm ? answer_rows * s->heads + rows * width : 0;

        return 2 * answer_rows * s->heads + 2 * rows * width + norms +
               s->tokens * (gradients ? s->n_heads * answer_rows : s->tokens);
}

/* A full forward that keeps only the writers' outputs. */
static size_t full_scratch(const struct shape *s)
{
        const size_t rows = s->rows, answers = s->batch * s->positions;
        const size_t layer = heads(s, rows, rows, s->kv, false) +
                             rows * (s->mlp + (s->post_norm ? 4 : 1) * s->d);

        return (s->writers + 3) * rows * s->d + hap_max(layer, answers * (2 * s->d + s->out));
}

/* A full forward and backward, with outputs and gradients of all nodes. */
static size_t gradient_scratch(const struct shape *s)
{
        const size_t rows = s->rows, answers = s->batch * s->positions;
        const size_t post = s->post_norm ? 2 : 0;
        const size_t layer = rows * ((3 + post) * s->d + s->mlp) +
                             heads(s, rows, rows, s->kv, true);
        const size_t last = rows * 2 * s->d + answers * ((2 + post) * s->d + s->mlp) +
                            heads(s, answers, rows, s->kv, true);
        const size_t back = rows * (s->d + hap_max(4 * s->heads + s->d, 2 * s->d + s->mlp));

        return (s->writers + s->readers + 1) * rows * s->d + (s->layers - 1) * layer + last +
               hap_max(back, rows * s->mlp) + answers * (2 * s->d + 3 * s->out);
}

/* A masked forward of n prompts, and with gradients its backward, in which every writer
 * is active and every reader mixed. */
static size_t masked_scratch(const struct shape *s, size_t n, size_t rows, bool gradients)
{
        const size_t answers = n * s->positions;
        const size_t streams = (1 + s->writers) * s->d * (rows + answers);
        const size_t mix = 5 * s->per_layer * (1 + s->writers);
        const size_t post = s->post_norm ? 3 : 0;
        const size_t layer = heads(s, rows, rows, s->heads, gradients) +
                             rows * ((s->per_layer + 1 + post) * s->d + s->mlp);
        const size_t last = heads(s, answers, rows, s->heads, gradients) +
                            2 * s->n_heads * rows * s->d +
                            answers * ((s->n_heads + 2 + post) * s->d + s->mlp);
        const size_t logits = answers * (2 * s->d + s->out);

        if (!gradients)
                return streams + hap_max(layer + mix, logits);
        return 2 * streams + (s->layers - 1) * layer + last + logits + answers * s->out + mix +
               rows * (s->per_layer * s->d + 4 * s->heads + s->mlp);
}

static size_t run_scratch(const struct hap_memory_estimate *needs, const struct shape *s)
{
        size_t training;

        switch (needs->runs) {
        case HAP_MEMORY_FULL:
                return 0;
        case HAP_MEMORY_GRADIENTS:
                return gradient_scratch(s);
        case HAP_MEMORY_MASKED:
                return masked_scratch(s, s->batch, s->rows, false);
        case HAP_MEMORY_TRAINING: /* any prompts may run together: all may be long */
        default:
                training = needs->per_job && needs->per_job < s->batch ? needs->per_job : s->batch;
                return hap_max(masked_scratch(s, training, training * s->tokens, true),
                                  masked_scratch(s, s->batch, s->batch * s->tokens, false));
        }
}

/* Bytes of one prepared prompt. */
static size_t prompt_bytes(const struct hap_memory_estimate *needs, const struct shape *s)
{
        const struct hap_prompts_options *o = &needs->options;
        const size_t stream = s->tokens * s->d, logits = s->positions * s->out;
        const bool half = o->dtype == HAP_F16 ||
                          (needs->source != HAP_COUNTERFACTUALS_RUNS && needs->dtype != HAP_F32);
        size_t floats = 0, outputs = 0;

        if (o->ablation->per_prompt || needs->runs == HAP_MEMORY_FULL)
                outputs = s->writers * stream * (half ? 2 : sizeof(float));
        if (needs->runs == HAP_MEMORY_FULL)
                return 2 * (outputs + logits * sizeof(float));
        if (o->want_q)
                floats += (2 * s->layers + 1) * stream +
                          s->layers * s->tokens * (s->heads + 2 * s->kv);
        if (o->want_log_p)
                floats += logits;
        return outputs + floats * sizeof(float);
}

/* Prompts that are in memory, prepared, at a time. */
static size_t prepared(const struct hap_memory_estimate *needs, const struct shape *s)
{
        const size_t of_batch = (s->rows + s->tokens - 1) / s->tokens; /* long ones */
        const size_t at_once = needs->batches * needs->threads * of_batch;
        const size_t all = needs->options.limit && needs->options.limit < needs->prompts
                                   ? needs->options.limit : needs->prompts;

        return needs->batches && at_once < all ? at_once : all;
}

size_t hap_memory_weights(const struct hap_model *model)
{
        const struct hap_config *c = &model->config;
        const size_t d = (size_t)c->d_model, heads = (size_t)c->n_heads * (size_t)c->d_head;
        const size_t kv = (size_t)c->n_kv_heads * (size_t)c->d_head;
        const size_t layer = d * (2 * heads + 2 * kv + (c->gated ? 3 : 2) * (size_t)c->d_mlp);
        size_t rows = (size_t)c->n_vocab + (c->tied ? 0 : (size_t)c->n_out);

        if (model->token_embedding)
                return model->arena.bytes;
        if (c->position_kind == HAP_POSITIONS_LEARNED)
                rows += (size_t)c->n_context;
        return (rows * d + (size_t)c->n_layers * layer) * sizeof(float);
}

size_t hap_memory_record(const struct hap_memory_estimate *needs, const struct hap_model *model,
                        const struct hap_graph *graph)
{
        const struct shape s = shape_of(needs, model, graph);

        return 2 * (s.writers * s.tokens * s.d + s.positions * s.out) * sizeof(float);
}

/* Clean outputs that are in memory for the means, before prompts are prepared. */
static size_t mean_bytes(const struct hap_memory_estimate *needs, const struct shape *s)
{
        const size_t n = hap_min(needs->prompts, HAP_MEANS_AT_ONCE);

        if (!needs->options.ablation->averaged)
                return 0;
        return n * s->writers * s->tokens * s->d * sizeof(float);
}

size_t hap_memory_bytes(const struct hap_memory_estimate *needs, const struct hap_model *model,
                       const struct hap_graph *graph)
{
        const struct shape s = shape_of(needs, model, graph);
        size_t scratch = run_scratch(needs, &s), reading = 0;
        size_t kept = prepared(needs, &s) * prompt_bytes(needs, &s);
        const size_t per_edge = needs->per_edge +
                                (needs->cases ? s.writers * sizeof(float) : 0);

        if (needs->source != HAP_COUNTERFACTUALS_RUNS)
                reading = needs->source == HAP_COUNTERFACTUALS_MAPPED
                                  ? WINDOW : 2 * hap_memory_record(needs, model, graph);
        else if (needs->runs == HAP_MEMORY_FULL || needs->options.ablation->read)
                scratch = hap_max(scratch, full_scratch(&s));
        return hap_memory_weights(model) + PROGRAM + reading +
               needs->threads * (PER_THREAD + scratch * sizeof(float)) +
               hap_max(kept, mean_bytes(needs, &s)) + per_edge * graph->n_edges;
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
        const bool halve = needs.can_halve && needs.options.dtype == HAP_F32 &&
                           needs.options.ablation->per_prompt &&
                           (needs.source == HAP_COUNTERFACTUALS_RUNS || needs.dtype == HAP_F32);
        struct hap_memory_estimate one = needs, half = needs;
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
        const size_t bytes = hap_memory_bytes(needs, model, graph);
        struct advice a = {.length = 0};
        char need[32], most[32], many[64] = "";

        if (!needs->max_bytes || bytes <= needs->max_bytes)
                return HAP_OK;
        advise_all(&a, *needs, model, graph);
        if (needs->batches == 0)
                snprintf(many, sizeof(many), "%zu ", needs->prompts);
        return hap_fail(err, HAP_EUSAGE,
                        "--max-memory allows %s, %sprompts of %zu tokens need %s "
                        "with %zu thread%s%s",
                        size_text(needs->max_bytes, most), many, needs->tokens,
                        size_text(bytes, need), needs->threads, needs->threads == 1 ? "" : "s",
                        a.text);
}

int hap_memory_check_model(const struct hap_memory_estimate *needs, const struct hap_model *model,
                          const struct hap_graph_form *form, struct hap_error *err)
{
        const struct hap_config *c = &model->config;
        struct hap_graph graph;
        int rc = hap_graph_init(&graph, c->n_layers, c->n_heads, c->parallel_residual,
                                form->split_input, err);

        if (rc == 0)
                rc = hap_graph_set_positions(&graph, &form->positions, err);
        if (rc == 0)
                rc = hap_memory_check(needs, model, &graph, err);
        hap_graph_release(&graph);
        return rc;
}
