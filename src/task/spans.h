/* The tokens of a text and where each begins in it. */
#ifndef HAP_TASK_SPANS_H
#define HAP_TASK_SPANS_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "tokenizer/tokenizer.h"

struct hap_spans {
        const char *text; /* borrowed */
        int n;
        size_t *starts; /* [n + 1], owned: starts[n] is the text's length */
};

/* Finds where each of the n tokens begins in the text. A special token that the text does not show
 * (BOS) has no width; the leading space of the first token may be missing. 1; 0 when the tokens do
 * not spell the text; or a code. Release in every case but an error. */
int hap_spans_find(struct hap_spans *spans, const struct hap_tokenizer *tokenizer,
                   const char *text, const int32_t *ids, int n, struct hap_error *err);
void hap_spans_release(struct hap_spans *spans);

/* The token that contains the byte, or -1. */
int hap_spans_token(const struct hap_spans *spans, size_t byte);

/* Occurrence `nth` (from 1; 0: the only one) of a piece of text, as the token that contains all of
 * it, leading spaces of the piece left aside. HAP_EINPUT: it does not occur so often, occurs more
 * than once, or is more than one token. */
int hap_spans_piece(const struct hap_spans *spans, const char *piece, int nth, int *token,
                    struct hap_error *err);
/* The same check without tokens: that the piece occurs. */
int hap_spans_check_piece(const char *text, const char *piece, int nth, struct hap_error *err);

#endif
