/* What the files of the tokenizer share.
 *
 * Text becomes ids in the order of the tokenizers library: broken UTF-8 is
 * repaired, added tokens are cut out, what lies between is normalised, cut
 * into words by the split steps, and each word goes through BPE.
 *
 *      tokenizer.c         loading by kind of path, encoding
 *      tokenizer_json.c    tokenizer.json, vocab.json + merges.txt
 *      tokenizer_stages.c  normalizer, pre_tokenizer, post_processor of those
 *      tokenizer_config.c  tokenizer_config.json
 *      tokenizer_special.c the added tokens of both
 *      tokenizer_gguf.c    the metadata of a GGUF file
 *      tokenizer_vocab.c   texts to ids and back
 *      tokenizer_alphabet.c  what stored texts stand for
 *      tokenizer_bpe.c     merging
 *      tokenizer_split.c   words
 *      tokenizer_pattern.c split patterns, from Oniguruma to PCRE2
 *      tokenizer_added.c   added tokens
 *      tokenizer_text.c    UTF-8, normalisation */
#ifndef HAP_TOKENIZER_TOKENIZER_IMPL_H
#define HAP_TOKENIZER_TOKENIZER_IMPL_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <jansson.h>
#include <pcre2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "tokenizer/tokenizer.h"

enum {
        HAP_TOKENS_MAX = 1 << 24,    /* ids of a vocabulary */
        HAP_TOKEN_BYTES_MAX = 8192,  /* text of one token */
        HAP_STEPS_MAX = 16,          /* normalizers, split steps */
};

/* A growing text; `data` has a NUL behind `length` bytes once not empty. */
struct hap_buffer {
        char *data;
        size_t length, room;
};
int hap_buffer_append(struct hap_buffer *b, const char *text, size_t length);

/* A part of a text: a token that is already known, or text still to encode. */
struct hap_piece {
        size_t start, length;
        int32_t id; /* -1: text */
};
struct hap_pieces {
        struct hap_piece *items;
        size_t n, room;
};
int hap_pieces_add(struct hap_pieces *p, size_t start, size_t length, int32_t id);

/* --- texts and ids --- */

struct hap_token_text {
        uint32_t offset, length;
};
struct hap_vocab {
        struct hap_token_text *stored; /* [n], as the file writes them */
        struct hap_token_text *shown;  /* [n], the bytes they stand for */
        bool *known;                   /* [n], false: a hole in the ids */
        size_t n, room;
        struct hap_buffer bytes; /* of both, each with a NUL behind */
        int32_t *slots;          /* open addressing over `stored` */
        size_t n_slots;
};
/* Ids 0 … n-1 at first; adding a greater one makes room for it. */
int hap_vocab_init(struct hap_vocab *v, size_t n, struct hap_error *err);
/* Later texts win when two ids have the same; an id has one text only. */
int hap_vocab_add(struct hap_vocab *v, int64_t id, const char *text,
                  size_t length, struct hap_error *err);
/* The id is never found by its text (control tokens of sentencepiece). */
int hap_vocab_add_hidden(struct hap_vocab *v, int64_t id, const char *text,
                         size_t length, struct hap_error *err);
int32_t hap_vocab_find(const struct hap_vocab *v, const char *text, size_t length);
/* Sets what the id stands for; by default its stored text. */
int hap_vocab_show(struct hap_vocab *v, int32_t id, const char *text,
                   size_t length, struct hap_error *err);
void hap_vocab_release(struct hap_vocab *v);

/* GPT-2's alphabet, in which byte-level vocabularies are written: each byte is
 * one printable character. Both return the length written, at most 2 bytes
 * for each byte of `text`; from_alphabet returns -1 when a character is none
 * of the alphabet's. */
size_t hap_to_alphabet(const char *text, size_t length, char *out);
ptrdiff_t hap_from_alphabet(const char *text, size_t length, char *out);
/* What every token of a byte-level vocabulary stands for, and byte_id. */
int hap_byte_level_finish(struct hap_tokenizer *t, struct hap_error *err);
/* The same for sentencepiece: "▁" is a space, "<0x0A>" a byte. */
int hap_sentencepiece_finish(struct hap_tokenizer *t, struct hap_error *err);

/* --- merging --- */

struct hap_merge {
        uint64_t pair; /* left << 32 | right; all ones: free */
        uint32_t rank;
        int32_t id;
};
struct hap_merges {
        struct hap_merge *slots;
        size_t n_slots;
};
int hap_merges_init(struct hap_merges *m, size_t n, struct hap_error *err);
void hap_merges_add(struct hap_merges *m, int32_t left, int32_t right,
                    uint32_t rank, int32_t id);
/* Looks up both texts and what they make together. `which` counts from 0. */
int hap_merges_add_texts(struct hap_tokenizer *t, uint32_t which,
                         const char *left, size_t n_left, const char *right,
                         size_t n_right, struct hap_error *err);
/* The same from "left right". */
int hap_merges_add_line(struct hap_tokenizer *t, uint32_t which, const char *line,
                        size_t length, struct hap_error *err);

/* --- words --- */

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

/* Appends a step; the pattern is in the tokenizers library's dialect. */
int hap_split_add(struct hap_tokenizer *t, const char *pattern, size_t length,
                  enum hap_split_behaviour behaviour, bool invert,
                  struct hap_error *err);
/* The same for a text to be found as it stands. */
int hap_split_add_literal(struct hap_tokenizer *t, const char *text,
                          size_t length, enum hap_split_behaviour behaviour,
                          bool invert, struct hap_error *err);
/* Oniguruma's (Ruby's) pattern as PCRE2 reads it; what the two would read
 * differently is refused by name. */
int hap_pattern_translate(const char *pattern, size_t length,
                          struct hap_buffer *out, struct hap_error *err);

/* --- text before words --- */

enum hap_normal_kind {
        HAP_NORMAL_NFC,
        HAP_NORMAL_NFD,
        HAP_NORMAL_NFKC,
        HAP_NORMAL_NFKD,
        HAP_NORMAL_REPLACE, /* every `from` by `to` */
        HAP_NORMAL_PREPEND, /* `to` before what is not empty */
};
struct hap_normal_step {
        enum hap_normal_kind kind;
        struct hap_buffer from, to;
};
/* Applies all steps; with `continued`, PREPEND does nothing. */
int hap_normalize(const struct hap_tokenizer *t, const char *text, size_t length,
                  bool continued, struct hap_buffer *out, struct hap_error *err);

/* Length of the well-formed character that starts here, 0 if there is none. */
size_t hap_utf8_length(const char *text, size_t length);
/* Copies, each maximal broken part becoming U+FFFD (what Python's
 * decode(errors="replace") does, and Unicode recommends). */
int hap_utf8_repair(const char *text, size_t length, struct hap_buffer *out);
bool hap_utf8_valid(const char *text, size_t length);

/* --- added tokens --- */

struct hap_added {
        struct hap_buffer text; /* normalised where `normalized` is set */
        int32_t id;
        bool special, single_word, lstrip, rstrip, normalized;
        bool ready; /* `text` is written as the normalizer would */
};
struct hap_added_lengths { /* of the tokens that start with one byte */
        size_t *lengths;   /* longest first */
        size_t n;
};
struct hap_added_index {
        struct hap_added_lengths by_byte[256];
        int32_t *slots; /* open addressing, index in `added` */
        size_t n_slots;
};
/* Appends one; its text is as the file has it. The vocabulary must have its id,
 * hidden where the text is none of the model's own: merging never sees it. */
int hap_added_add(struct hap_tokenizer *t, const char *text, size_t length,
                  const struct hap_added *what, struct hap_error *err);
/* That of this text (as the file has it), or NULL; until hap_added_finish. */
struct hap_added *hap_added_find(const struct hap_tokenizer *t, const char *text,
                                 size_t length);
/* The id of an added token or of the model's own of this name; -1: none. */
int32_t hap_token_named(const struct hap_tokenizer *t, const char *text, size_t length);
/* Adds one that a file of the folder describes. A text that is new has the id
 * that the tokenizers library gives it, the next free one, or is refused. */
int hap_added_read(struct hap_tokenizer *t, const json_t *token, int64_t id,
                   struct hap_error *err);
/* Once all are there and the normalizer is known. */
int hap_added_finish(struct hap_tokenizer *t, struct hap_error *err);
/* Cuts text[start, start + length) into tokens and text, appended to `out`. */
int hap_added_cut(const struct hap_tokenizer *t, bool normalized, bool special,
                  const char *text, struct hap_piece part,
                  struct hap_pieces *out);
void hap_added_release(struct hap_tokenizer *t);

/* --- all of it --- */

struct hap_tokenizer {
        struct hap_vocab vocab;
        size_t n_model; /* tokens of the model itself, in a folder's files */
        struct hap_merges merges;

        bool byte_level;    /* symbols are bytes, else characters */
        int32_t byte_id[256]; /* of one byte, or of its "<0xXX>"; -1: none */
        bool byte_fallback; /* characters not in the vocabulary become bytes */
        int32_t unk_id;     /* else this; -1: nothing */
        bool fuse_unk;      /* neighbours become one */
        bool ignore_merges; /* a word in the vocabulary is not split at all */
        uint32_t *score_rank; /* [n]: merge by text, best score first; or NULL */
        size_t longest;       /* bytes of the longest stored text */

        struct hap_normal_step normal[HAP_STEPS_MAX];
        size_t n_normal;
        const struct hap_normal_step *metaspace; /* of them, no normalizer; or NULL */
        struct hap_split_step split[HAP_STEPS_MAX];
        size_t n_split;
        char prefix[16];        /* before the text's words unless it starts so */
        bool prefix_first_only; /* … only where the text begins */

        struct hap_added *added;
        size_t n_added, room_added;
        int32_t last_added;              /* the greatest id of them */
        struct hap_added_index names;    /* as the files have them, while loading */
        struct hap_added_index index[2]; /* raw, normalised */

        int32_t bos_id; /* put first; -1: the model's setting says none */
};

/* What one call of encode works with. */
struct hap_symbol {
        int32_t id; /* -1: a character that only its bytes can stand for */
        int32_t previous, next;
        uint32_t start, length;
};
struct hap_candidate {
        uint32_t rank, at;
        int32_t id;
        uint32_t length; /* of both symbols when it was found */
};
struct hap_encoder {
        const struct hap_tokenizer *t;
        int32_t *ids; /* the first `max` of `n` */
        size_t max, n;
        bool continued; /* the text goes on from another: nothing before it */
        struct hap_symbol *symbols;
        size_t n_symbols, room_symbols;
        struct hap_candidate *heap;
        size_t n_heap, room_heap;
        pcre2_match_data *match;
        struct hap_pieces words, spare;
        struct hap_error *err;
};
void hap_encoder_put(struct hap_encoder *e, int32_t id);
/* text[0, length) into words, in e->words. */
int hap_split_words(struct hap_encoder *e, const char *text, size_t length);
int hap_bpe_word(struct hap_encoder *e, const char *word, size_t length);

/* Loaders fill an empty tokenizer. */
int hap_tokenizer_read_folder(struct hap_tokenizer *t, const char *path,
                              struct hap_error *err);
int hap_tokenizer_read_gguf(struct hap_tokenizer *t, const char *path,
                            struct hap_error *err);

/* The stages of tokenizer.json; `json` may be null or NULL. */
int hap_stage_normalizer(struct hap_tokenizer *t, const json_t *json,
                         struct hap_error *err);
int hap_stage_pre_tokenizer(struct hap_tokenizer *t, const json_t *json,
                            struct hap_error *err);
int hap_stage_post_processor(struct hap_tokenizer *t, const json_t *json,
                             struct hap_error *err);

/* tokenizer_config.json, or NULL: how words are split and which tokens are
 * special when there is no tokenizer.json; tokens added to those that there
 * are; whether BOS is put first. */
int hap_config_split(struct hap_tokenizer *t, json_t *config, struct hap_error *err);
int hap_config_tokens(struct hap_tokenizer *t, json_t *config, struct hap_error *err);
/* Tokens that the config names (bos_token, additional_special_tokens, …) are
 * special; one that is none of the tokenizer's is refused. */
int hap_config_special(struct hap_tokenizer *t, const json_t *config,
                       struct hap_error *err);
/* What special_tokens_map.json says wins over the config. */
int hap_config_map(json_t *config, json_t *map, struct hap_error *err);
/* Makes added_tokens.json (text to id) the config's added_tokens_decoder. */
int hap_config_legacy_tokens(json_t *config, json_t *tokens, struct hap_error *err);
int hap_config_bos(struct hap_tokenizer *t, const json_t *config, bool whole,
                   struct hap_error *err);

#endif
