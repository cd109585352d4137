/* The engine: runs of a model on prompts, whole or with masked edges, and
 * their gradients.
 *
 * Two kinds of run exist. A *plain* run is the full model: all readers of a
 * layer share one residual stream. A *masked* run (masked.h) gives every reader
 * its own mixture
 *
 *      x_r[t] = R'_r[t] + Σ_{w before r} m[w→r] · (a_w[t] − a'_w[t])
 *
 * a_w the current run's output of writer w, a'_w the counterfactual's, R'_r
 * the counterfactual's residual stream where r reads.
 *
 * Several prompts run together as a batch: their rows (token positions) stand
 * one behind the other in every matrix, without padding. Only rows that can
 * matter are computed: positions before the first difference between clean and
 * corrupted prompt have a = a', and the last layer's queries and MLP are needed
 * at the answer positions alone. */
#ifndef HAP_FORWARD_ENGINE_H
#define HAP_FORWARD_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/tensor.h"
#include "forward/ablation.h"
#include "graph/graph.h"
#include "model/model.h"

struct hap_engine {
        struct hap_model *model; /* not owned; its norms are folded, see below */
        struct hap_graph graph;
        struct hap_arena arena; /* what folding added */
        const float **rotary;   /* [n_layers]: angles' tables, NULL without rotary */
        int n_rotary_positions; /* that the tables cover; others are computed */
        struct hap_pool *pool;  /* threads' scratch, kept between hap_parallel's */
};

/* Takes the model over: the gain and bias of the norms before attention and MLP
 * are folded into the matrices behind them (for LayerNorm their rows are also
 * centred), so that a reader's projection is rstd · (x Wᵀ) + b. NULL for the form:
 * a joined input, positions not told apart.
 *
 * On an error the engine is as after hap_engine_release. The model must still be
 * released, but when memory ran out some of its norms may be folded: do not run it.
 *
 * HAP_EUSAGE: split input, and the model has no learned positions. HAP_EINPUT: the
 * graph is too large. */
int hap_engine_init(struct hap_engine *engine, struct hap_model *model,
                    const struct hap_graph_form *form, struct hap_error *err);
/* Leaves an engine of zeros (model NULL), which may be released again. */
void hap_engine_release(struct hap_engine *engine);

/* Counterfactual outputs a' of every writer for one prompt. */
struct hap_counterfactual {
        const struct hap_ablation *ablation;
        /* [n_writers][n_tokens][d_model] (interchange), [n_writers][d_model]
         * (mean, optimal), [n_writers][n_positions][d_model] (mean by position: a
         * prompt's positions beyond n_positions are refused); NULL for zero. */
        const void *data;
        enum hap_dtype dtype;
        int n_positions;
};

/* A prompt ready to be run: its own tokens and all that stays constant. */
struct hap_prompt {
        int n_tokens;
        const int32_t *tokens; /* of the current (clean) run */
        int first;             /* first row that is computed; before: a = a' */
        int answer_first, n_answer_positions;
        const uint8_t *position; /* [n_tokens]: the graph's places; NULL when it has one */
        struct hap_counterfactual counterfactual;
        /* Of the counterfactual; NULL in a plain run from the first token on.
         * residual[p], from `first` on and for masked runs only, before the
         * attention of layer l (p = 2l), before its MLP (p = 2l + 1; parallel
         * residual: the same as 2l), before the logits. */
        float *residual; /* [2 n_layers + 1][n_tokens - first][d_model] */
        float *q;        /* [n_layers][n_tokens][n_heads * d_head], turned */
        float *k, *v;    /* [n_layers][n_tokens][n_kv_heads * d_head] */
        float *log_p;    /* full model at the answers: [n_answer_positions][n_out], or NULL */
};

/* Row spaces of a batch. */
struct hap_rows {
        int n;      /* rows in all */
        int *start; /* [n_prompts + 1] */
        int *first; /* [n_prompts]: position of a prompt's first row */
};

struct hap_batch {
        int n;
        const struct hap_prompt *const *prompts;
        bool narrow;             /* last layer at answer rows only */
        struct hap_rows rows;    /* computed positions */
        struct hap_rows answers; /* answer positions */
};

/* Scratch memory of one thread: reserved once, handed out in order. */
struct hap_scratch {
        const struct hap_engine *engine;
        char *base;
        size_t size, used, peak;
        struct hap_error error;
};
int hap_scratch_init(struct hap_scratch *work, const struct hap_engine *engine,
                  size_t bytes, struct hap_error *err);
void hap_scratch_release(struct hap_scratch *work);
/* 64-byte aligned, not zeroed; NULL when the reservation is used up (then
 * work->error is set). */
void *hap_scratch_alloc(struct hap_scratch *work, size_t count, size_t size);

/* An upper bound of the scratch bytes that runs of a batch with `rows` rows of
 * at most `longest` tokens need; `gradients`: with backward. */
size_t hap_scratch_bytes(const struct hap_engine *engine, size_t rows, size_t longest,
                      size_t answers, bool masked, bool gradients);

/* Lays out a batch's rows in the work's scratch. */
int hap_batch_init(struct hap_batch *batch, struct hap_scratch *work,
                   const struct hap_prompt *const *prompts, int n, bool narrow);

/* Runs job(context, work, i) for i < n_jobs on all threads, each with its own
 * work of `bytes` (emptied before every job). The first failing job's (by
 * number) code and message come back. Which thread does which job has no
 * influence on what a job computes. The scratch stays mapped until the engine is
 * released; calls for one engine must not overlap. */
int hap_parallel(const struct hap_engine *engine, size_t n_jobs, size_t bytes,
                 int (*job)(void *context, struct hap_scratch *work, size_t i),
                 void *context, struct hap_error *err);

/* --- plain runs --- */

/* What a plain run is asked for. */
struct hap_full_run {
        /* Writers [override_begin, override_end) deliver
         * α · clean + (1 − α) · a' instead of what they compute, clean from
         * `override_clean` ([writer][row][d] of the whole graph), a' of the
         * prompts' sources. Empty when begin = end. */
        int override_begin, override_end;
        float override_alpha;
        const float *override_clean;
        /* Where to put outputs: [n_writers][rows.n][d_model], or NULL. Needs
         * narrow = false to be filled in the last layer at all rows; with narrow
         * the last layer's rows other than answers are zero. */
        float *outputs;
        bool gradients; /* keep what backward needs */
        /* Result: [answers.n][n_out]. */
        float *logits;
        struct hap_full_state *state; /* for backward */
};
int hap_full_forward(struct hap_scratch *work, const struct hap_batch *batch,
                      struct hap_full_run *run);

/* From d loss / d logits ([answers.n][n_out]) adds d loss / d x_r to
 * gradient[r] ([n_readers][rows.n][d_model]; rows of the last layer's q, MLP and
 * of logits that are no answers are left as they are). */
int hap_full_backward(struct hap_scratch *work, const struct hap_batch *batch,
                       struct hap_full_run *run, const float *d_logits,
                       float *gradient);

/* --- preparing prompts --- */

/* Allocates from the arena and fills k, v and (want_q) residual and q of a prompt
 * whose tokens, first, answers and source are set. Without want_q, k and v are
 * filled before `first` only, which is what plain runs read. Threads may share
 * the arena. */
int hap_prompt_prepare(const struct hap_engine *engine, struct hap_scratch *work,
                       struct hap_prompt *prompt, bool want_q,
                       struct hap_arena *arena, struct hap_error *err);
/* Fills them once more, where they are, after the values of source changed. */
int hap_prompt_refill(const struct hap_engine *engine, struct hap_scratch *work,
                      struct hap_prompt *prompt);

/* The first position at which the clean run can differ from an interchange run:
 * the first token that differs, at most answer_first. clean, corrupted: token ids,
 * at least answer_first of each. 0 when the model is not causal or the ablation is
 * another one. */
int hap_prompt_first(const struct hap_engine *engine, const int32_t *clean,
                     const int32_t *corrupted, int answer_first, const struct hap_ablation *ablation);

/* out[row][d] = scale · a'_writer at positions first … first + n - 1. */
void hap_counterfactual_read(const struct hap_counterfactual *source, const struct hap_engine *engine,
                     int n_tokens, int writer, int first, int n, float scale,
                     float *out);

#endif
