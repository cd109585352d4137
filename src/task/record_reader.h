/* What the parts of the reader of task records share. */
#ifndef HAP_TASK_RECORD_READER_H
#define HAP_TASK_RECORD_READER_H

#include "task/example.h"

/* The one validator of task records. Without a tokenizer a text is refused, or, where
 * `texts_stay`, checked as far as possible: its length in tokens is HAP_UNKNOWN_LENGTH, an
 * answer's id is HAP_NO_ID. */
#define HAP_UNKNOWN_LENGTH INT32_MAX
#define HAP_NO_ID (-1)

struct hap_record_reader {
        const json_t *record;
        const struct hap_model *model;
        const struct hap_tokenizer *tokenizer;
        bool texts_stay;
        const char *where;
        struct hap_arena *arena;
        struct hap_error *err;
};

/* HAP_EINPUT: "cannot use WHERE: …". */
int hap_refuse_record(const struct hap_record_reader *in, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* An id below `limit` (0: any), from a JSON integer. `what` is its field, for messages. */
int hap_read_token_id(const struct hap_record_reader *in, const json_t *value, const char *what,
                      int limit, int32_t *id);

/* Reads "answers" and "wrongs", or "answer" and "wrong", each a single value or a list. Sets
 * answers, wrongs and their numbers; and `whole`, if one of them has several tokens. Refuses an
 * empty list, and an answer that occurs twice or begins another one. */
int hap_read_answers(const struct hap_record_reader *in, struct hap_example *example);

/* For an example with `whole`, whose other fields are set: appends the beginnings of the answers
 * to both prompts, and sets n_tokens, the answer positions, `at` of the answers, depth and end.
 * Refuses a model without causal attention or with one output, a position "at" other than the
 * last, and answers beyond the model's last position. */
int hap_append_answers(const struct hap_record_reader *in, struct hap_example *example);

#endif
