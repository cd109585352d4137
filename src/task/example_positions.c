#include "task/example_positions.h"

#include <string.h>

#include "task/spans.h"

struct reader {
        const char *clean; /* its text, or NULL */
        const struct hap_tokenizer *tokenizer;
        bool texts_stay;
        const char *where;
        const struct hap_example *example;
        struct hap_error *err;
};

/* A position by number. */
static int read_number(const struct reader *in, const char *name, const json_t *value, int *at)
{
        const json_int_t position = json_integer_value(value);

        if (position < 0 || position >= in->example->n_tokens)
                return hap_fail(in->err, HAP_EINPUT, "cannot use %s: position '%.64s' is outside 0 "
                                "to %d", in->where, name, in->example->n_tokens - 1);
        *at = (int)position;
        return HAP_OK;
}

static int find_piece(const struct reader *in, const char *piece, int nth, int *at)
{
        const struct hap_example *example = in->example;
        struct hap_spans spans;
        int rc;

        *at = -1;
        if (in->texts_stay)
                return hap_spans_check_piece(in->clean, piece, nth, in->err);
        rc = hap_spans_find(&spans, in->tokenizer, in->clean, example->clean, example->n_tokens,
                            in->err);
        if (rc < 0)
                return rc;
        rc = rc ? hap_spans_piece(&spans, piece, nth, at, in->err)
                : hap_fail(in->err, HAP_EINPUT, "'%.64s' cannot be found, because the tokens do not "
                           "spell the text of clean", piece);
        hap_spans_release(&spans);
        return rc;
}

/* "Mary" or ["Mary", 2]. */
static int read_piece(const struct reader *in, const char *name, const json_t *value, int *at)
{
        const json_t *text = json_is_array(value) ? json_array_get(value, 0) : value;
        const json_t *nth = json_is_array(value) ? json_array_get(value, 1) : NULL;
        const json_int_t number = json_integer_value(nth);
        const bool pair = json_array_size(value) == 2 && json_is_integer(nth) && number >= 1 &&
                          number <= 1000000;

        if (!json_is_string(text) || !json_string_length(text) || (json_is_array(value) && !pair))
                return hap_fail(in->err, HAP_EINPUT, "cannot use %s: position '%.64s' is not a "
                                "whole number, a piece of clean's text, or [piece, N]", in->where,
                                name);
        if (!in->clean)
                return hap_fail(in->err, HAP_EINPUT, "cannot use %s: position '%.64s' is not a "
                                "whole number, and clean is token ids, in which text cannot be "
                                "found", in->where, name);
        if (find_piece(in, json_string_value(text), (int)number, at) < 0)
                return in->err->code == HAP_EINPUT
                               ? hap_fail_within(in->err, "cannot use %s: position '%.64s'",
                                                 in->where, name)
                               : in->err->code;
        return HAP_OK;
}

int hap_example_read_positions(const json_t *record, const struct hap_tokenizer *tokenizer,
                               bool texts_stay, const char *where, struct hap_arena *arena,
                               struct hap_example *example, struct hap_error *err)
{
        json_t *positions = json_object_get(record, "positions"), *value;
        const struct reader in = {json_string_value(json_object_get(record, "clean")), tokenizer,
                                  texts_stay, where, example, err};
        const size_t n = json_object_size(positions);
        const char **names = hap_arena_alloc(arena, n + 1, sizeof *names), *name;
        int *at = hap_arena_alloc(arena, n + 1, sizeof *at), rc;

        if (!names || !at)
                return hap_fail_memory(err, "positions");
        example->named = names;
        example->named_at = at;
        if (positions && !json_is_object(positions))
                return hap_fail(err, HAP_EINPUT, "cannot use %s: positions is not an object of "
                                "names and positions", where);
        json_object_foreach(positions, name, value) {
                rc = json_is_integer(value) ? read_number(&in, name, value, at + example->n_named)
                                            : read_piece(&in, name, value, at + example->n_named);
                if (rc < 0)
                        return rc;
                names[example->n_named] = hap_arena_text(arena, name, strlen(name));
                if (!names[example->n_named++])
                        return hap_fail_memory(err, "positions");
        }
        return HAP_OK;
}
