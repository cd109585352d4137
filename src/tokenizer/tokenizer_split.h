/* The split steps, which cut a text into words. */
#ifndef HAP_TOKENIZER_TOKENIZER_SPLIT_H
#define HAP_TOKENIZER_TOKENIZER_SPLIT_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct hap_tokenizer;
struct hap_encoder;

enum hap_split_behaviour {
        HAP_SPLIT_ISOLATED,
        HAP_SPLIT_REMOVED,
        HAP_SPLIT_CONTIGUOUS,
        HAP_SPLIT_MERGED_WITH_PREVIOUS,
        HAP_SPLIT_MERGED_WITH_NEXT,
};
struct hap_split_step {
        pcre2_code *code;
        enum hap_split_behaviour behaviour;
        bool invert;
        bool in_alphabet; /* after ByteLevel: sees words in GPT-2's alphabet */
};

#define HAP_PATTERN_GPT2                                                       \
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"  \
        "\\s+(?!\\S)|\\s+"
#define HAP_PATTERN_LLAMA3                                                     \
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"         \
        "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"           \
        "\\s+(?!\\S)|\\s+"
#define HAP_PATTERN_QWEN2                                                      \
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"  \
        " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* Punctuation of the tokenizers library: ASCII's, and category P in Unicode 8, the version of its
 * crate unicode_categories 0.1.1; PCRE2's \p{P} is of a later one. */
extern const char hap_pattern_punctuation[];

/* Appends a step; the pattern is in the tokenizers library's dialect. */
int hap_split_add(struct hap_tokenizer *t, const char *pattern, size_t length,
                  enum hap_split_behaviour behaviour, bool invert,
                  struct hap_error *err);
/* The same for a literal text. */
int hap_split_add_literal(struct hap_tokenizer *t, const char *text,
                          size_t length, enum hap_split_behaviour behaviour,
                          bool invert, struct hap_error *err);

/* Splits text[0, length) into words: e->words. */
int hap_split_words(struct hap_encoder *e, const char *text, size_t length);

#endif
