/* Text before it is cut into words: UTF-8 and normalisation. */
#include "tokenizer/tokenizer_text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "tokenizer/tokenizer_impl.h"

/* The bytes that may follow `first`: Unicode's table 3-7. */
static bool may_follow(unsigned char first, size_t index, unsigned char byte)
{
        unsigned low = 0x80, high = 0xbf;

        if (index == 1) {
                if (first == 0xe0)
                        low = 0xa0;
                else if (first == 0xed)
                        high = 0x9f;
                else if (first == 0xf0)
                        low = 0x90;
                else if (first == 0xf4)
                        high = 0x8f;
        }
        return byte >= low && byte <= high;
}

/* How many bytes from here are a character, or the beginning of one. */
static size_t character_part(const char *text, size_t length, bool *whole)
{
        unsigned char first = (unsigned char)text[0];
        size_t wanted = first < 0x80                    ? 1
                        : first >= 0xc2 && first < 0xe0 ? 2
                        : (first & 0xf0) == 0xe0        ? 3
                        : first >= 0xf0 && first < 0xf5 ? 4
                                                        : 0;
        size_t n = 1;

        while (n < wanted && n < length &&
               may_follow(first, n, (unsigned char)text[n]))
                n++;
        *whole = n == wanted;
        return n;
}

size_t hap_utf8_length(const char *text, size_t length)
{
        bool whole = false;
        size_t n = length > 0 ? character_part(text, length, &whole) : 0;

        return whole ? n : 0;
}

bool hap_utf8_valid(const char *text, size_t length)
{
        for (size_t i = 0, n; i < length; i += n) {
                n = hap_utf8_length(text + i, length - i);
                if (n == 0)
                        return false;
        }
        return true;
}

int hap_utf8_repair(const char *text, size_t length, struct hap_buffer *out)
{
        int rc = hap_buffer_append(out, "", 0);

        for (size_t i = 0, n; rc == 0 && i < length; i += n) {
                bool whole;

                n = character_part(text + i, length - i, &whole);
                rc = whole ? hap_buffer_append(out, text + i, n)
                           : hap_buffer_append(out, "\xef\xbf\xbd", 3);
        }
        return rc;
}

static bool is_ascii(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if ((unsigned char)text[i] >= 0x80)
                        return false;
        return true;
}

static int normal_form(enum hap_normal_kind kind, struct hap_buffer *text,
                       struct hap_error *err)
{
        static const utf8proc_option_t options[] = {
                [HAP_NORMAL_NFC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE,
                [HAP_NORMAL_NFD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
                [HAP_NORMAL_NFKC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
                [HAP_NORMAL_NFKD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT,
        };
        utf8proc_uint8_t *made = NULL;
        utf8proc_ssize_t n;
        int rc;

        if (is_ascii(text->data, text->length))
                return 0;
        n = utf8proc_map((const utf8proc_uint8_t *)text->data,
                         (utf8proc_ssize_t)text->length, &made, options[kind]);
        if (n < 0)
                return hap_fail(err, n == UTF8PROC_ERROR_NOMEM ? HAP_ESYSTEM : HAP_EINPUT,
                                "cannot normalise a text: %s", utf8proc_errmsg(n));
        text->length = 0;
        rc = hap_buffer_append(text, (const char *)made, (size_t)n);
        free(made);
        return rc == 0 ? 0 : hap_fail_memory(err, "a text");
}

static int replace_text(const struct hap_normal_step *step, struct hap_buffer *text,
                        struct hap_error *err)
{
        struct hap_buffer made = { 0 };
        const char *at = text->data, *end = at + text->length, *hit;
        int rc = hap_buffer_append(&made, "", 0);

        while (rc == 0 && (hit = memmem(at, (size_t)(end - at), step->from.data,
                                        step->from.length)) != NULL) {
                rc = hap_buffer_append(&made, at, (size_t)(hit - at));
                if (rc == 0)
                        rc = hap_buffer_append(&made, step->to.data, step->to.length);
                at = hit + step->from.length;
        }
        if (rc == 0)
                rc = hap_buffer_append(&made, at, (size_t)(end - at));
        if (rc != 0) {
                free(made.data);
                return hap_fail_memory(err, "a text");
        }
        free(text->data);
        *text = made;
        return 0;
}

static int prepend_text(const struct hap_normal_step *step, struct hap_buffer *text,
                        struct hap_error *err)
{
        size_t n = step->to.length, length = text->length;

        if (hap_buffer_append(text, step->to.data, n) != 0)
                return hap_fail_memory(err, "a text");
        memmove(text->data + n, text->data, length);
        memcpy(text->data, step->to.data, n);
        return 0;
}

int hap_normalize(const struct hap_tokenizer *t, const char *text, size_t length,
                  bool continued, struct hap_buffer *out, struct hap_error *err)
{
        int rc = 0;

        out->length = 0;
        if (hap_buffer_append(out, text, length) != 0)
                return hap_fail_memory(err, "a text");
        for (size_t i = 0; rc == 0 && i < t->n_normal; i++) {
                const struct hap_normal_step *step = &t->normal[i];

                if (out->length == 0)
                        break;
                if (step->kind == HAP_NORMAL_REPLACE)
                        rc = replace_text(step, out, err);
                else if (step->kind != HAP_NORMAL_PREPEND)
                        rc = normal_form(step->kind, out, err);
                else if (!continued)
                        rc = prepend_text(step, out, err);
        }
        return rc;
}
