/* Examples of a task: what `hap-task` writes and every stage reads. */
#ifndef HAP_TASK_EXAMPLE_H
#define HAP_TASK_EXAMPLE_H

#include <jansson.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/stream.h"
#include "graph/positions.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

/* One prompt pair as token ids; clean and corrupted have the same length. */
struct hap_example {
        const char *id;
        int n_tokens;
        const int32_t *clean, *corrupted;
        /* No answers: only a record with "at" may lack them; no wrongs: any
         * may. A metric that needs them complains. */
        int n_answers, n_wrongs;
        const int32_t *answers, *wrongs;
        /* Answer positions: answer_first … answer_first + n_answer_positions - 1;
         * the last token alone unless the record says otherwise ("at"). */
        int answer_first, n_answer_positions;
        /* Named positions ("positions"), in the order of the record. */
        int n_named;
        const char *const *named;
        const int *named_at;
};

/* One record {"id", "clean", "corrupted", "answers", "wrongs", "at",
 * "positions"} to an example. Texts are encoded with the tokenizer (NULL:
 * texts are refused, ids are needed); an answer's text must be one token.
 * "answer" and "wrong" are taken for lists of one. `model` gives the limits of
 * ids and lengths (NULL: none are checked). `where` ("record 12 of 'ioi.task'")
 * names it in messages. Memory comes from the arena. */
int hap_example_of(const json_t *record, const struct hap_model *model,
                   const struct hap_tokenizer *tokenizer, const char *where,
                   struct hap_arena *arena, struct hap_example *example,
                   struct hap_error *err);

/* Where the example's position of that name is, or -1. */
int hap_example_position(const struct hap_example *example, const char *name);

/* The place of each of the example's tokens, [n_tokens]. HAP_EINPUT: it lacks one of the
 * names, or two stand at one token. */
int hap_example_positions(const struct hap_example *example, const struct hap_positions *places,
                       uint8_t *place, struct hap_error *err);

#endif
