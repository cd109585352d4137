#include "task/spans.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool align_tokens(const struct hap_tokenizer *tokenizer, const char *text,
                         const int32_t *ids, int n, size_t *starts)
{
        size_t length = strlen(text), at = 0;

        for (int i = 0; i < n; i++) {
                size_t size = 0;
                const char *token = hap_tokenizer_text(tokenizer, ids[i], &size);

                starts[i] = at;
                if (token && at == 0 && size > 1 && *token == ' ' && *text != ' ')
                        token++, size--;
                if (token && size <= length - at && memcmp(token, text + at, size) == 0)
                        at += size;
                else if (at > 0)
                        return false;
        }
        starts[n] = at;
        return at == length;
}

int hap_spans_find(struct hap_spans *spans, const struct hap_tokenizer *tokenizer,
                   const char *text, const int32_t *ids, int n, struct hap_error *err)
{
        *spans = (struct hap_spans){text, n, calloc((size_t)n + 1, sizeof(size_t))};
        if (!spans->starts)
                return hap_fail_memory(err, "positions");
        return align_tokens(tokenizer, text, ids, n, spans->starts);
}

void hap_spans_release(struct hap_spans *spans)
{
        free(spans->starts);
        spans->starts = NULL;
}

int hap_spans_token(const struct hap_spans *spans, size_t byte)
{
        for (int i = spans->n - 1; i >= 0; i--)
                if (spans->starts[i] <= byte && byte < spans->starts[i + 1])
                        return i;
        return -1;
}

/* Occurrence `nth` of the piece, or NULL with the reason. Occurrences may overlap. */
static const char *find_piece(const char *text, const char *piece, int nth, struct hap_error *err)
{
        const char *found = NULL;
        int n = 0;

        for (const char *at = text; *piece && (at = strstr(at, piece)) != NULL; at++)
                if (++n == (nth ? nth : 1))
                        found = at;
        if (n == 0) {
                hap_fail(err, HAP_EINPUT, "'%.64s' does not occur in clean", piece);
                return NULL;
        }
        if (nth == 0 && n > 1) {
                hap_fail(err, HAP_EINPUT, "'%.64s' occurs %d times in clean; write [\"%.64s\", 2] "
                         "for the second", piece, n, piece);
                return NULL;
        }
        if (!found)
                hap_fail(err, HAP_EINPUT, "'%.64s' occurs only %d time%s in clean", piece, n,
                         n == 1 ? "" : "s");
        return found;
}

int hap_spans_check_piece(const char *text, const char *piece, int nth, struct hap_error *err)
{
        return find_piece(text, piece, nth, err) ? HAP_OK : err->code;
}

int hap_spans_piece(const struct hap_spans *spans, const char *piece, int nth, int *token,
                    struct hap_error *err)
{
        const char *found = find_piece(spans->text, piece, nth, err);
        size_t begin, end;
        int last;

        if (!found)
                return err->code;
        begin = (size_t)(found - spans->text);
        end = begin + strlen(piece) - 1;
        while (begin < end && spans->text[begin] == ' ')
                begin++;
        *token = hap_spans_token(spans, begin);
        last = hap_spans_token(spans, end);
        if (*token < 0 || last < 0)
                return hap_fail(err, HAP_EINPUT, "'%.64s' is not part of a token", piece);
        if (*token != last)
                return hap_fail(err, HAP_EINPUT, "'%.64s' is %d tokens, from %d to %d; give the text "
                                "of one or its number", piece, last - *token + 1, *token, last);
        return HAP_OK;
}
