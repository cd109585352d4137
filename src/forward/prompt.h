/* Prompts as the engine takes them: tokens, answer positions, and the counterfactual's
 * values that stay constant over runs. */
#ifndef HAP_FORWARD_PROMPT_H
#define HAP_FORWARD_PROMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/mpi.h"
#include "forward/counterfactual.h"
#include "forward/engine.h"
#include "forward/scratch.h"

struct hap_prompt {
        int n_tokens;
        const int32_t *tokens; /* [n_tokens], of the clean prompt; not owned */
        int first;             /* first position that is computed; before it a = a' */
        int answer_first, n_answer_positions;
        /* A prompt whose last tokens are a tree, not a chain: for every token its position, and the
         * first later token that cannot see it. Both NULL for a chain: token t has position t,
         * and all later tokens see it. [n_tokens]; not owned. */
        const int *depth, *end;
        const uint8_t *position; /* [n_tokens]: index of the graph's position; NULL when
                                  * the graph distinguishes none; not owned */
        struct hap_counterfactual counterfactual;
        /* Values of the counterfactual, from hap_prompt_refill; NULL in full runs that
         * start at the first token. They belong to the arena given there.
         * residual[p], for masked runs only, is the residual stream from `first` on:
         * before the attention of layer l (p = 2l), before its MLP (p = 2l + 1; with a
         * parallel residual the same as 2l), before the logits (p = 2 n_layers). */
        float *residual; /* [2 n_layers + 1][n_tokens - first][d_model] */
        float *q;        /* [n_layers][n_tokens][n_heads · d_head], rotated */
        float *k, *v;    /* [n_layers][n_tokens][n_kv_heads · d_head] */
        /* The weights of experts in the full model's run of this prompt, 0 for those not chosen,
         * [n_layers][n_tokens][n_experts]; NULL: a run's own router chooses. */
        float *gates;
        /* Log-probabilities of the full model at the answer positions, or NULL. */
        float *log_p; /* [n_answer_positions][n_out] */
        /* Its logits there are log_p + log_sum; set if log_p is. */
        double *log_sum; /* [n_answer_positions] */
};

static inline int hap_prompt_token_position(const struct hap_prompt *prompt, int token)
{
        return prompt->depth != NULL ? prompt->depth[token] : token;
}

/* Allocates k and v, and with want_q also residual and q, from the arena. The prompt's tokens,
 * first and counterfactual are already set. HAP_EINPUT: the mean by position covers fewer
 * positions than the prompt has. */
int hap_prompt_reserve(const struct hap_engine *engine, struct hap_prompt *prompt, bool want_q,
                       struct hap_arena *arena, struct hap_error *err);
/* Fills that memory, at first and after the counterfactual's values changed. Without q, k and v
 * are filled before `first` only; full runs read nothing else. The message of an error is in
 * scratch->error. */
int hap_prompt_refill(const struct hap_engine *engine, struct hap_scratch *scratch,
                      struct hap_prompt *prompt);
/* The k-th array that hap_prompt_refill fills: false if there are fewer. */
bool hap_prompt_piece(const struct hap_engine *engine, const struct hap_prompt *prompt, size_t k,
                      struct hap_piece *piece);

/* The first position at which the clean run can differ from a run on the corrupted
 * prompt: the first token that differs, at most answer_first. clean, corrupted: at least
 * answer_first token ids. 0 when the model is not causal or the ablation is not per
 * prompt. */
int hap_prompt_first(const struct hap_engine *engine, const int32_t *clean,
                     const int32_t *corrupted, int answer_first,
                     const struct hap_ablation *ablation);

#endif
