/* What llama.cpp knows by the name in tokenizer.ggml.pre (src/llama-vocab.cpp). */
#include "tokenizer/tokenizer_pre.h"

#include <string.h>

#include "tokenizer/tokenizer_impl.h"

#define PATTERN_TEKKEN                                                         \
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*"         \
        "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?"               \
        "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|" \
        "\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* That of the model's tokenizer.json, which llama.cpp rewrites for its own matcher. */
#define SUFFIX "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
#define PATTERN_GPT4O                                                          \
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*"         \
        "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" SUFFIX "|[^\\r\\n\\p{L}\\p{N}]?"         \
        "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" SUFFIX \
        "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

#define PATTERN_BLOOM " ?[^(\\s|.,!?…。，、।۔،)]+"

#define PATTERN_DEEPSEEK3                                                      \
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"               \
        "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" \
        "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

#define PATTERN_SEED                                                           \
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?"  \
        "[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* The split steps that tokenizer.ggml.pre names; each isolates its matches. NFC is the normalizer
 * of some families; the file does not record it. */
static const struct hap_pre pres[] = {
        { "default",
          { "[\\p{P}\\$\\+<=>\\^~\\|]+", HAP_PATTERN_GPT2, "\\p{N}+", "[0-9][0-9][0-9]" },
          false, false, false },
        { "gpt-2", { HAP_PATTERN_GPT2 }, false, false, false },
        { "smollm", { "\\p{N}", HAP_PATTERN_GPT2 }, false, false, false },
        { "olmo", { HAP_PATTERN_GPT2 }, true, false, false },
        { "mpt", { HAP_PATTERN_GPT2 }, true, false, false },
        { "llama-bpe", { HAP_PATTERN_LLAMA3 }, false, true, true },
        { "llama3", { HAP_PATTERN_LLAMA3 }, false, true, true },
        { "llama-v3", { HAP_PATTERN_LLAMA3 }, false, true, true },
        { "qwen2", { HAP_PATTERN_QWEN2 }, true, false, false },
        { "deepseek-r1-qwen", { HAP_PATTERN_QWEN2 }, true, false, false },
        { "tekken", { PATTERN_TEKKEN }, false, true, true },
        { "falcon3", { HAP_PATTERN_LLAMA3 }, false, true, true },
        { "falcon-h1", { HAP_PATTERN_LLAMA3 }, false, true, true },
        { "pixtral", { HAP_PATTERN_LLAMA3 }, false, true, true },
        { "midm-2.0", { HAP_PATTERN_LLAMA3 }, false, true, true },
        { "lfm2", { HAP_PATTERN_LLAMA3 }, false, true, true },
        { "jina-v5-nano", { HAP_PATTERN_LLAMA3 }, false, true, true },
        { "dbrx", { HAP_PATTERN_LLAMA3 }, false, false, false },
        { "smaug-bpe", { HAP_PATTERN_LLAMA3 }, false, false, false },
        { "glm4", { HAP_PATTERN_LLAMA3 }, false, false, false },
        { "chatglm-bpe", { HAP_PATTERN_LLAMA3 }, false, false, false },
        { "phi-2", { HAP_PATTERN_GPT2 }, false, false, false },
        { "jina-es", { HAP_PATTERN_GPT2 }, false, false, false },
        { "jina-de", { HAP_PATTERN_GPT2 }, false, false, false },
        { "jina-v2-es", { HAP_PATTERN_GPT2 }, false, false, false },
        { "jina-v2-de", { HAP_PATTERN_GPT2 }, false, false, false },
        { "gigachat", { HAP_PATTERN_GPT2 }, false, false, false },
        { "a.x-4.0", { HAP_PATTERN_GPT2 }, false, false, false },
        { "mellum", { HAP_PATTERN_GPT2 }, false, false, false },
        { "exaone4", { HAP_PATTERN_GPT2 }, false, false, false },
        { "jais", { HAP_PATTERN_GPT2 }, false, false, false },
        { "trillion", { HAP_PATTERN_GPT2 }, false, false, false },
        { "granite-docling", { HAP_PATTERN_GPT2 }, false, false, false },
        { "starcoder", { "\\p{N}", HAP_PATTERN_GPT2 }, false, false, false },
        { "refact", { "\\p{N}", HAP_PATTERN_GPT2 }, false, false, false },
        { "codeshell", { "\\p{N}", HAP_PATTERN_GPT2 }, false, false, false },
        { "exaone", { "\\p{N}", HAP_PATTERN_GPT2 }, false, false, false },
        { "minerva-7b", { "\\p{N}", HAP_PATTERN_GPT2 }, false, false, false },
        { "command-r", { "\\p{N}", HAP_PATTERN_GPT2 }, true, false, false },
        { "kormo", { HAP_PATTERN_QWEN2 }, false, false, false },
        { "stablelm2", { HAP_PATTERN_QWEN2 }, false, false, false },
        { "megrez", { HAP_PATTERN_QWEN2 }, false, false, false },
        { "hunyuan", { HAP_PATTERN_QWEN2 }, false, false, false },
        { "grok-2", { HAP_PATTERN_QWEN2 }, false, false, false },
        { "gpt-4o", { PATTERN_GPT4O }, false, false, false },
        { "llama4", { PATTERN_GPT4O }, false, false, false },
        { "minimax-m2", { PATTERN_GPT4O }, false, false, false },
        { "bloom", { PATTERN_BLOOM }, false, false, false },
        { "gpt3-finnish", { PATTERN_BLOOM }, false, false, false },
        { "poro-chat", { PATTERN_BLOOM }, false, false, false },
        { "viking", { PATTERN_BLOOM, "\\p{N}" }, false, false, false },
        { "falcon",
          { "[\\p{P}\\$\\+<=>\\^~\\|`]+", HAP_PATTERN_GPT2, "[0-9][0-9][0-9]" },
          false, false, false },
        { "deepseek-v3", { "\\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", PATTERN_DEEPSEEK3 }, false, false, false },
        { "seed-coder", { PATTERN_SEED }, false, false, false },
};

const struct hap_pre *hap_pre_find(const char *name, size_t length)
{
        for (size_t i = 0; i < sizeof pres / sizeof *pres; i++)
                if (strlen(pres[i].name) == length && memcmp(pres[i].name, name, length) == 0)
                        return &pres[i];
        return NULL;
}
