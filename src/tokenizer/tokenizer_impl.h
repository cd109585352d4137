/* A loaded tokenizer, as the files of this room see it.
 *
 * Text becomes ids in the order of the tokenizers library: broken UTF-8 is repaired,
 * added tokens are cut out, the text between them is normalised and split into words,
 * and BPE encodes each word.
 *
 *      tokenizer.c           loading, encoding
 *      tokenizer_json.c      tokenizer.json, vocab.json + merges.txt
 *      tokenizer_stages.c    normalizer, pre_tokenizer, post_processor of those
 *      tokenizer_config.c    tokenizer_config.json
 *      tokenizer_special.c   the added tokens of both
 *      tokenizer_gguf.c      the metadata of a GGUF file
 *      tokenizer_pre.c       the split patterns that GGUF files name
 *      tokenizer_vocab.c     texts to ids and back
 *      tokenizer_alphabet.c  the bytes that stored texts represent
 *      tokenizer_bpe.c       merging
 *      tokenizer_split.c     words
 *      tokenizer_pattern.c   split patterns, from Oniguruma to PCRE2
 *      tokenizer_punctuation.c  the pattern of Punctuation
 *      tokenizer_added.c     added tokens
 *      tokenizer_text.c      UTF-8, normalisation
 *      tokenizer_buffer.c    growing texts */
#ifndef HAP_TOKENIZER_TOKENIZER_IMPL_H
#define HAP_TOKENIZER_TOKENIZER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_added.h"
#include "tokenizer/tokenizer_bpe.h"
#include "tokenizer/tokenizer_split.h"
#include "tokenizer/tokenizer_text.h"
#include "tokenizer/tokenizer_vocab.h"

enum { HAP_STEPS_MAX = 16 }; /* normalizers, split steps */

struct hap_tokenizer {
        struct hap_vocab vocab;
        size_t n_model; /* tokens of the model itself, in a folder's files */
        struct hap_merges merges;

        bool byte_level;    /* symbols are bytes, else characters */
        int32_t byte_id[256]; /* of one byte, or of its "<0xXX>"; -1: none */
        bool byte_fallback; /* characters not in the vocabulary become bytes */
        int32_t unk_id;     /* else this; -1: nothing */
        bool fuse_unk;      /* adjacent unknown tokens become one */
        bool ignore_merges; /* a word in the vocabulary is not split at all */
        uint32_t *score_rank; /* [n]: merge by text, best score first; or NULL */
        size_t longest;       /* bytes of the longest stored text */

        struct hap_normal_step normal[HAP_STEPS_MAX];
        size_t n_normal;
        const struct hap_normal_step *metaspace; /* the step of a Metaspace, or NULL */
        struct hap_split_step split[HAP_STEPS_MAX];
        size_t n_split;
        char prefix[16];        /* put before a text that does not start with it */
        bool prefix_first_only; /* only at the beginning of the whole text */

        struct hap_added *added;
        size_t n_added, added_capacity;
        int32_t last_added;              /* their largest id */
        struct hap_added_index names;    /* texts as in the files, while loading */
        struct hap_added_index index[2]; /* raw, normalised */

        int32_t bos_id; /* put first; -1: none */
        int32_t known_bos; /* BOS, also where it is not put first; -1: the settings name none */
        const char *note; /* static: where this tokenizer's ids are disputed; or NULL */
};

#endif
