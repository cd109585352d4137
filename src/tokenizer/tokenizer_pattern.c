/* Split patterns. The tokenizers library matches with Oniguruma in Ruby's syntax, hap with PCRE2
 * (UTF, UCP, MULTILINE). In the patterns of the families, the two agree on everything except \s,
 * which is written out here, and classes within classes, which are flattened. A construct that they
 * read differently is refused by name. */
#include "tokenizer/tokenizer_pattern.h"

#include <stdbool.h>
#include <string.h>

#include "tokenizer/tokenizer_buffer.h"

/* Unicode's White_Space; PCRE2's \s also contains U+180E. */
#define SPACES                                                                 \
        "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}"       \
        "\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"

struct translation {
        const char *pattern;
        size_t length, at;
        size_t depth; /* of classes */
        size_t opened, closed; /* where a class within a class began, and ended; 0: nowhere */
        struct hap_buffer *out;
        struct hap_error *err;
};

static int put_text(struct translation *t, const char *text, size_t length)
{
        if (hap_buffer_append(t->out, text, length) != 0)
                return hap_fail_memory(t->err, "a split pattern");
        return 0;
}

static int refuse_construct(struct translation *t, const char *what)
{
        return hap_fail(t->err, HAP_EINPUT,
                        "split pattern '%.200s' has %s, which is not supported",
                        t->pattern, what);
}

static int put_space(struct translation *t, bool negated)
{
        if (t->depth == 0)
                return negated ? put_text(t, "[^" SPACES "]", sizeof "[^" SPACES "]" - 1)
                               : put_text(t, "[" SPACES "]", sizeof "[" SPACES "]" - 1);
        if (negated)
                return refuse_construct(t, "\\S within a class");
        return put_text(t, SPACES, sizeof SPACES - 1);
}

/* \p{L}, \P{Lu}, \p{^N}: general categories; scripts and other properties differ between Unicode
 * versions and libraries. */
static int put_property(struct translation *t)
{
        size_t start = t->at, i = start + 2;

        if (i >= t->length || t->pattern[i] != '{')
                return refuse_construct(t, "\\p without braces");
        i++;
        if (i < t->length && t->pattern[i] == '^')
                i++;
        size_t name = i;
        while (i < t->length && t->pattern[i] != '}')
                i++;
        if (i == t->length || i - name < 1 || i - name > 2 ||
            strchr("LMNPSZC", t->pattern[name]) == NULL)
                return refuse_construct(t, "a property that is not a general category");
        t->at = i + 1;
        return put_text(t, t->pattern + start, t->at - start);
}

static int put_escape(struct translation *t)
{
        char which = t->at + 1 < t->length ? t->pattern[t->at + 1] : '\0';
        char name[] = { '\\', which, '\0' };

        switch (which) {
        case 's':
        case 'S':
                t->at += 2;
                return put_space(t, which == 'S');
        case 'p':
        case 'P':
                return put_property(t);
        case 'r': case 'n': case 't': case 'f': case 'v': case 'd': case 'D':
                if (which == 'v') /* Oniguruma: vertical tab only */
                        return refuse_construct(t, name);
                break;
        case 'x':
                break;
        default:
                if (which == '\0' || (which >= '0' && which <= '9') ||
                    (which >= 'a' && which <= 'z') || (which >= 'A' && which <= 'Z'))
                        return refuse_construct(t, which == '\0' ? "a backslash at its end"
                                                       : name);
        }
        t->at += 2;
        return put_text(t, name, 2);
}

/* A class within a class adds its characters: [a[bc]] is [abc]. A "-" at either end of it, or after
 * it, is literal in Oniguruma, and so is a "]" right after its "[". */
static int open_inner_class(struct translation *t)
{
        char next = t->at + 1 < t->length ? t->pattern[t->at + 1] : '\0';

        if (next == ':')
                return refuse_construct(t, "a POSIX class ('[:')");
        if (next == '^')
                return refuse_construct(t, "a negated class within a class");
        t->depth++;
        t->opened = ++t->at;
        if (next != ']')
                return 0;
        t->at++;
        return put_text(t, "\\]", 2);
}

static int put_in_class(struct translation *t)
{
        char c = t->pattern[t->at];
        char next = t->at + 1 < t->length ? t->pattern[t->at + 1] : '\0';

        if (c == '[')
                return open_inner_class(t);
        if (c == '&' && next == '&')
                return refuse_construct(t, "an intersection of classes");
        if (c == '-' && next == '[')
                return refuse_construct(t, "'-' before a class within a class");
        if (c == '-' && (t->at == t->opened || t->at == t->closed || (t->depth > 1 && next == ']'))) {
                t->at++;
                return put_text(t, "\\-", 2);
        }
        if (c == ']' && --t->depth > 0) {
                t->closed = ++t->at;
                return 0;
        }
        return put_text(t, &t->pattern[t->at++], 1);
}

/* "[" or "[^"; a "]" right after it is literal in both and does not end the class. */
static int open_class(struct translation *t)
{
        size_t n = 1;

        if (t->at + n < t->length && t->pattern[t->at + n] == '^')
                n++;
        if (t->at + n < t->length && t->pattern[t->at + n] == ']')
                n++;
        t->depth = 1;
        t->at += n;
        return put_text(t, t->pattern + t->at - n, n);
}

/* "{" begins a repeat if numbers follow; otherwise it is literal. One library reads "{,n}", and
 * blanks within the braces, as a repeat and the other as literal text, depending on the version;
 * "{n}?" is an optional repeat to Oniguruma, a lazy one to PCRE2. */
static int put_brace(struct translation *t)
{
        const char *inside = &t->pattern[t->at + 1];
        size_t n = strspn(inside, "0123456789, \t");
        bool repeat = n > 0 && inside[n] == '}';

        if (repeat && inside[0] == ',')
                return refuse_construct(t, "'{,', a repeat without a minimum");
        if (repeat && strcspn(inside, " \t") < n)
                return refuse_construct(t, "a blank within a counted repeat");
        if (repeat && inside[n + 1] == '?' && memchr(inside, ',', n) == NULL)
                return refuse_construct(t, "'{n}?'");
        return put_text(t, &t->pattern[t->at++], 1);
}

static int put_outside(struct translation *t)
{
        char c = t->pattern[t->at];
        char next = t->at + 1 < t->length ? t->pattern[t->at + 1] : '\0';

        if (c == '}' && next == '+')
                return refuse_construct(t, "a possessive counted repeat");
        if (c == '(' && next == '?') {
                /* (?: (?= (?! (?> (?i: and (?<= (?<! are the same in both. */
                const char *kind = &t->pattern[t->at + 2];
                if (strncmp(kind, "i:", 2) != 0 && strncmp(kind, "<=", 2) != 0 &&
                    strncmp(kind, "<!", 2) != 0 &&
                    (*kind == '\0' || strchr(":=!>", *kind) == NULL))
                        return refuse_construct(t, "a group of an uncommon kind");
        }
        if (c == '[')
                return open_class(t);
        if (c == '{')
                return put_brace(t);
        return put_text(t, &t->pattern[t->at++], 1);
}

int hap_pattern_translate(const char *pattern, size_t length,
                          struct hap_buffer *out, struct hap_error *err)
{
        struct translation t = { .pattern = pattern, .length = length, .out = out, .err = err };
        int rc = put_text(&t, "", 0);

        if (memchr(pattern, '\0', length) != NULL)
                return refuse_construct(&t, "a NUL");
        while (rc == 0 && t.at < length) {
                if (pattern[t.at] == '\\')
                        rc = put_escape(&t);
                else if (t.depth > 0)
                        rc = put_in_class(&t);
                else
                        rc = put_outside(&t);
        }
        return rc;
}
