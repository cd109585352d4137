/* An example of a task: one record that hap-task writes and every program reads. */
#ifndef HAP_TASK_EXAMPLE_H
#define HAP_TASK_EXAMPLE_H

#include <jansson.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "graph/positions.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

/* An answer as a whole. Its token i is predicted at answer position at[i], counted from
 * answer_first. */
struct hap_answer {
        int n;
        const int32_t *tokens; /* [n] */
        const int *at;         /* [n]; at[0] = 0 */
};

/* One prompt pair as token ids; clean and corrupted have the same length. */
struct hap_example {
        const char *id;
        int n_tokens;
        const int32_t *clean, *corrupted;
        /* Token ids; of an answer of several tokens the first. A record with "at" may have no
         * answers, any record may have no wrongs; a metric that needs them refuses the record. */
        int n_answers, n_wrongs;
        const int32_t *answers, *wrongs;
        /* NULL if every answer and wrong is one token. Otherwise all of them, the answers first:
         * [n_answers + n_wrongs]. Their beginnings then follow the prompt in clean and corrupted:
         * see "Answers of several tokens" in docs/mathematics.md. */
        const struct hap_answer *whole;
        /* If the beginnings branch, for every token; otherwise NULL: its position, and the first
         * later token that cannot see it ([n_tokens]). */
        const int *depth, *end;
        /* Answer positions: answer_first … answer_first + n_answer_positions - 1, from
         * "at"; by default the last token. With `whole`: the prompt's last token, and all tokens
         * that follow it. */
        int answer_first, n_answer_positions;
        /* Named positions ("positions"; pieces of text are resolved), in the order of the
         * record. */
        int n_named;
        const char *const *named;
        const int *named_at;
};

/* Reads a record {"id", "clean", "corrupted", "answers", "wrongs", "at", "positions"}.
 * The tokenizer encodes texts (NULL: texts are refused). An answer is a text, a token id or a
 * list of ids. "answer" and "wrong" are lists of one. `model` gives the limits of ids and
 * lengths (NULL: no limits). `where` ("record 12 of 'ioi.task'") names the record in
 * messages. Memory comes from the arena. */
int hap_example_of(const json_t *record, const struct hap_model *model,
                   const struct hap_tokenizer *tokenizer, const char *where,
                   struct hap_arena *arena, struct hap_example *example,
                   struct hap_error *err);

/* Checks a record that needs no model: the same rules as far as they can be checked
 * without tokenizer and limits. Texts are accepted. */
int hap_example_check(const json_t *record, const char *where, struct hap_error *err);

/* Σ_t log q(token t) of an answer as a whole. rows: [answer positions][n_out] logits, and log_sum:
 * log Σ exp of each row; or log-probabilities, and NULL. */
double hap_answer_log_probability(const struct hap_answer *answer, int n_out, const float *rows,
                                  const double *log_sum);

/* The tokens of the prompt alone: n_tokens without the beginnings of answers. */
int hap_example_prompt_tokens(const struct hap_example *example);

/* The token of the named position, or -1. */
int hap_example_position(const struct hap_example *example, const char *name);

/* The index in `positions` of each of the example's tokens: position_of[n_tokens].
 * HAP_EINPUT: a name is missing in the example, or two names are the same token. */
int hap_example_positions(const struct hap_example *example,
                          const struct hap_positions *positions, uint8_t *position_of,
                          struct hap_error *err);

#endif
