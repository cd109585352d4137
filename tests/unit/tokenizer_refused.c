/* Tokenizers that are refused with a message, and similar ones that are valid. */
#include "tokenizer/tokenizer_impl.h"
#include "tokenizer/tokenizer_pre.h"
#include "tokenizer_folder.h"

static void refused_stage(const char *stage, const char *value, const char *part)
{
        char json[1024];

        snprintf(json, sizeof json, "{" MODEL ",\"%s\":%s}", stage, value);
        refused(json, part);
}

static void refused_pattern(const char *pattern, const char *part)
{
        char value[512];

        snprintf(value, sizeof value,
                 "{\"type\":\"Split\",\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":\"%s\"}}",
                 pattern);
        refused_stage("pre_tokenizer", value, part);
}

TEST("the smallest tokenizer.json loads and merges")
{
        int32_t ids[4];

        new_folder();
        write_text("tokenizer.json", "{" MODEL "}");
        struct hap_tokenizer *t = load(folder);
        CHECK(hap_tokenizer_encode(t, "abb", 3, false, true, ids, 4, &err) == 2);
        CHECK(ids[0] == 2 && ids[1] == 1);
        hap_tokenizer_free(t);
        remove_folder();
}

TEST("a folder without a tokenizer is refused, with the files looked for")
{
        new_folder();
        refused_at(folder, "no tokenizer.json, and no vocab.json with merges.txt");
        write_text("vocab.json", "{\"a\":0}");
        refused_at(folder, "no tokenizer.json");
        remove_folder();
}

TEST("broken JSON is refused with its line")
{
        refused("{\n\"model\": }", "tokenizer.json: line 2");
        refused("[]", "tokenizer.json is not a JSON object");
        refused("{}", "vocabulary is empty");
}

TEST("models of another kind are refused by name")
{
        refused("{\"model\":{\"type\":\"Unigram\"}}", "Unigram");
        refused("{\"model\":{\"type\":\"WordPiece\"}}", "WordPiece");
        refused("{\"model\":{\"dropout\":0.1," VOCAB ",\"merges\":[]}}", "dropout");
        refused("{\"model\":{\"end_of_word_suffix\":\"</w>\"," VOCAB ",\"merges\":[]}}",
                "end_of_word_suffix");
        refused("{\"model\":{\"unk_token\":\"<unk>\"," VOCAB ",\"merges\":[]}}", "<unk>");
}

TEST("ids that are missing, doubled or out of range are refused")
{
        refused("{\"model\":{\"vocab\":{\"a\":-1},\"merges\":[]}}", "id -1");
        refused("{\"model\":{\"vocab\":{\"a\":99999999},\"merges\":[]}}", "id 99999999");
        refused("{\"model\":{\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}", "the same id 0");
        refused("{\"model\":{\"vocab\":{\"a\":\"x\"},\"merges\":[]}}", "'a' has no id");
        refused("{" MODEL ",\"added_tokens\":[{\"content\":\"x\"}]}", "added token 0 has no id");
        refused("{" MODEL ",\"added_tokens\":[{\"id\":1,\"content\":\"x\"}]}",
                "added token 'x' has id 1, but the next free id is 3");
        refused("{" MODEL ",\"added_tokens\":[{\"id\":72,\"content\":\"x\"}]}",
                "added token 'x' has id 72, but the next free id is 3");
        refused("{" MODEL ",\"added_tokens\":[{\"id\":3,\"content\":\"x\"},"
                "{\"id\":5,\"content\":\"y\"}]}", "'y' has id 5");
}

TEST("merges that are not pairs, or of unknown tokens, are refused by number")
{
        refused("{\"model\":{" VOCAB ",\"merges\":[\"a b\",\"ab\"]}}", "merge 2 is not a pair");
        refused("{\"model\":{" VOCAB ",\"merges\":[\"a b c\"]}}", "merge 1 is not a pair");
        refused("{\"model\":{" VOCAB ",\"merges\":[[\"a\"]]}}", "merge 1 is not a pair");
        refused("{\"model\":{" VOCAB ",\"merges\":[[\"b\",\"a\"]]}}", "'ba'");
        refused("{\"model\":{" VOCAB ",\"merges\":[\"a c\"]}}", "'c'");
        refused("{\"model\":{" VOCAB "}}", "no merges");
}

TEST("stages that are not supported are refused by name")
{
        refused_stage("normalizer", "{\"type\":\"Lowercase\"}", "Lowercase");
        refused_stage("normalizer",
                      "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"x\"},\"content\":\"\"}",
                      "Replace of a pattern");
        refused_stage("normalizer", "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Nmt\"}]}",
                      "Nmt");
        refused_stage("pre_tokenizer", "{\"type\":\"BertPreTokenizer\"}", "BertPreTokenizer");
        refused_stage("pre_tokenizer",
                      "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},"
                      "{\"type\":\"ByteLevel\"}]}",
                      "a pre_tokenizer after ByteLevel 'ByteLevel'");
        refused_stage("pre_tokenizer",
                      "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"},"
                      "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}]}",
                      "add_prefix_space");
        refused_stage("pre_tokenizer",
                      "{\"type\":\"Split\",\"behavior\":\"Odd\",\"pattern\":{\"String\":\"x\"}}",
                      "Odd");
        refused_stage("pre_tokenizer", "{\"type\":\"Split\",\"pattern\":{\"String\":\"x\"}}",
                      "a Split's behavior '(none)'");
        refused_stage("pre_tokenizer", "{\"type\":\"Punctuation\",\"behavior\":\"Odd\"}",
                      "a Punctuation's behavior 'Odd'");
        refused_stage("post_processor", "{\"type\":\"BertProcessing\"}", "BertProcessing");
        refused_stage("post_processor",
                      "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\"}},"
                      "{\"SpecialToken\":{\"id\":\"b\"}}],\"special_tokens\":{}}",
                      "TemplateProcessing");
}

TEST("split patterns that Oniguruma and PCRE2 read differently are refused")
{
        refused_pattern("\\\\w+", "\\w");
        refused_pattern("\\\\h", "\\h");
        refused_pattern("\\\\p{Han}", "not a general category");
        refused_pattern("[a-z&&[^b]]", "an intersection of classes");
        refused_pattern("[a[b&&c]]", "an intersection of classes");
        refused_pattern("[a[^b]]", "a negated class within a class");
        refused_pattern("[a-[b]]", "'-' before a class within a class");
        refused_pattern("[[:alpha:]]", "a POSIX class");
        refused_pattern("[a[b]", "missing terminating ]");
        refused_pattern("\\\\p{N}{1,3}+", "possessive");
        refused_pattern("a{,2}", "'{,'");
        refused_pattern("a{1, 2}", "a blank within a counted repeat");
        refused_pattern("(?:a{2}?|b)", "'{n}?'");
        refused_pattern("(?m:a)", "a group of an uncommon kind");
        refused_pattern("a*", "can match an empty text");
        refused_pattern("(a", "split pattern '(a'");
}

TEST("text that looks like a repeat, or like the end of a class, is read as by Oniguruma")
{
#define SPLIT(pattern)                                                               \
        "{" MODEL ",\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Isolated\","   \
        "\"pattern\":{\"Regex\":\"" pattern "\"}}}"
        same_ids(SPLIT("[^]\\\\s]"), "aaab", true, "0 0 0 1");
        same_ids(SPLIT("[]a]"), "aaab", true, "0 0 0 1");
        same_ids(SPLIT("a{2,3}?"), "aaab", true, "0 0 2");
        same_ids(SPLIT("a{2}"), "aaab", true, "0 0 2");
        same_ids(SPLIT("a|{}|{x"), "aab", true, "0 0 1");
}

TEST("a class within a class adds its characters, and a '-' at its ends is literal")
{
        same_ids(SPLIT("[x[y[a]]]"), "aabab", true, "0 0 1 0 1");
        same_ids(SPLIT("[^[\\\\s]]"), "aabab", true, "0 0 1 0 1");
        same_ids(SPLIT("[^(\\\\s|[.,])]+"), "aabab", true, "0 2 2");
        same_ids(SPLIT("[x[]a]]"), "aabab", true, "0 0 1 0 1");
        same_ids(SPLIT("[[x]-a]"), "aabab", true, "0 0 1 0 1");
        same_ids(SPLIT("[x[_-]c]"), "aabab", true, "0 2 2");
        same_ids(SPLIT("[x[-c]]"), "aabab", true, "0 2 2");
#undef SPLIT
}

#define PUNCTUATION(behaviour)                                                       \
        "{\"model\":{\"vocab\":{\"!\":0,\"a\":1,\"!!\":2,\"a!\":3,\"!a\":4},"            \
        "\"merges\":[\"! !\",\"a !\",\"! a\"]},"                                       \
        "\"pre_tokenizer\":{\"type\":\"Punctuation\"" behaviour "}}"

TEST("Punctuation has every behaviour of Split; it isolates if none is named")
{
        static const char *const wanted[][2] = {
                { PUNCTUATION(""), "1 0 0 1 0 0" },
                { PUNCTUATION(",\"behavior\":\"Isolated\""), "1 0 0 1 0 0" },
                { PUNCTUATION(",\"behavior\":\"Removed\""), "1 1" },
                { PUNCTUATION(",\"behavior\":\"Contiguous\""), "1 2 1 2" },
                { PUNCTUATION(",\"behavior\":\"MergedWithPrevious\""), "3 0 3 0" },
                { PUNCTUATION(",\"behavior\":\"MergedWithNext\""), "1 0 4 0 0" },
        };

        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
                same_ids(wanted[i][0], "a!!a!!", true, wanted[i][1]);
}

TEST("punctuation is that of Unicode 8, as in the tokenizers library")
{
        /* U+061D is younger; U+166D has been a symbol since Unicode 12. */
        same_ids("{\"model\":{\"vocab\":{\"\u061d\":0,\"\u166d\":1,\"\u061d\u061d\":2,"
                 "\"\u166d\u166d\":3},\"merges\":[\"\u061d \u061d\",\"\u166d \u166d\"]},"
                 "\"pre_tokenizer\":{\"type\":\"Punctuation\"}}",
                 "\u061d\u061d\u166d\u166d", true, "2 1 1");
}

#define SPACED(added)                                                                \
        "{\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"\u2581\":2},\"merges\":[]},"              \
        "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\u2581\","            \
        "\"prepend_scheme\":\"never\",\"split\":true},\"added_tokens\":[{\"id\":3," added "}]}"

TEST("a normalized added token that would see Metaspace's mark is refused")
{
        refused(SPACED("\"content\":\"<x>\",\"normalized\":true,\"lstrip\":true"),
                "added token '<x>' is normalized and strips");
        refused(SPACED("\"content\":\"<x>\",\"normalized\":true,\"rstrip\":true"), "Metaspace");
        refused(SPACED("\"content\":\"b a\",\"normalized\":true"), "Metaspace");
        refused(SPACED("\"content\":\"b\u2581a\",\"normalized\":true"), "Metaspace");
        same_ids(SPACED("\"content\":\"<x>\",\"normalized\":true"), "a <x> b", true, "0 2 3 2 1");
        same_ids(SPACED("\"content\":\"<x>\",\"normalized\":false,\"lstrip\":true,\"rstrip\":true"),
                 "a <x> b", true, "0 3 1");
        same_ids(SPACED("\"content\":\"b a\",\"normalized\":false"), "b a b\u2581a", true,
                 "3 2 1 2 0");
}

TEST("the model never sees the texts of added tokens, which are shown all the same")
{
#define MODEL_OF(vocab, more, added)                                                 \
        "{\"model\":{\"vocab\":{" vocab "},\"merges\":[]" more "},"                    \
        "\"added_tokens\":[{" added "}]}"
#define LETTERS "\"v\":0,\"o\":1,\"i\":2,\"c\":3,\"e\":4"
        const char *alone = MODEL_OF("\"a\":0,\"b\":1", "",
                                     "\"id\":2,\"content\":\"x\",\"single_word\":true");
        const char *voice = MODEL_OF(LETTERS, ",\"ignore_merges\":true",
                                     "\"id\":5,\"content\":\"voice\",\"special\":true");
        const char *byte = MODEL_OF("\"a\":0,\"b\":1", ",\"byte_fallback\":true",
                                    "\"id\":2,\"content\":\"<0x63>\",\"special\":true");

        same_ids(alone, "xa", true, "0");
        same_ids(alone, "xa x a", true, "0 2 0");
        same_ids(voice, "voice", true, "5");
        same_ids(voice, "voice", false, "0 1 2 3 4");
        same_ids(byte, "cab<0x63>", true, "0 1 2");
        new_folder();
        write_text("tokenizer.json", voice);
        struct hap_tokenizer *t = load(folder);
        CHECK_TEXT(hap_tokenizer_text(t, 5, NULL), "voice");
        CHECK(hap_tokenizer_size(t) == 6 && hap_tokenizer_single(t, "voice") == -1);
        hap_tokenizer_free(t);
        remove_folder();
#undef LETTERS
#undef MODEL_OF
}

/* A GGUF file of metadata only, written by hand. */
static unsigned char gguf[4096];
static size_t n_gguf;

static void put(const void *bytes, size_t n)
{
        memcpy(gguf + n_gguf, bytes, n);
        n_gguf += n;
}

static void put_u32(uint32_t value)
{
        put(&value, 4);
}

static void put_u64(uint64_t value)
{
        put(&value, 8);
}

static void put_text(const char *text)
{
        put_u64(strlen(text));
        put(text, strlen(text));
}

static void begin(uint64_t n_values)
{
        n_gguf = 0;
        put("GGUF", 4);
        put_u32(3);
        put_u64(0);
        put_u64(n_values);
}

static void put_key_text(const char *key, const char *value)
{
        put_text(key);
        put_u32(8);
        put_text(value);
}

static void put_tokens(void)
{
        put_text("tokenizer.ggml.tokens");
        put_u32(9);
        put_u32(8);
        put_u64(2);
        put_text("a");
        put_text("b");
}

static void gguf_refused(const char *part)
{
        char path[128];

        new_folder();
        write_bytes("a.gguf", gguf, n_gguf);
        snprintf(path, sizeof path, "%s/a.gguf", folder);
        refused_at(path, part);
        remove_folder();
}

TEST("a GGUF file's tokenizer of another kind is refused by name")
{
        begin(1);
        put_tokens();
        gguf_refused("no tokenizer.ggml.model");
        begin(2);
        put_tokens();
        put_key_text("tokenizer.ggml.model", "bert");
        gguf_refused("tokenizer.ggml.model 'bert'");
        begin(1);
        put_key_text("tokenizer.ggml.model", "gpt2");
        gguf_refused("no tokenizer.ggml.tokens");
}

TEST("a GGUF file whose split pattern is missing or unknown is refused")
{
        begin(2);
        put_tokens();
        put_key_text("tokenizer.ggml.model", "gpt2");
        gguf_refused("how words are split is unknown");
        begin(3);
        put_tokens();
        put_key_text("tokenizer.ggml.model", "gpt2");
        put_key_text("tokenizer.ggml.pre", "kimi-k2");
        gguf_refused("tokenizer.ggml.pre 'kimi-k2'");
        begin(3);
        put_tokens();
        put_key_text("tokenizer.ggml.model", "gpt2");
        put_key_text("tokenizer.ggml.pre", "gpt-2");
        gguf_refused("no tokenizer.ggml.merges");
}

TEST("a GGUF file of sentencepiece without scores, or with odd types, is refused")
{
        begin(2);
        put_tokens();
        put_key_text("tokenizer.ggml.model", "llama");
        gguf_refused("no tokenizer.ggml.scores");
        begin(3);
        put_tokens();
        put_key_text("tokenizer.ggml.model", "llama");
        put_text("tokenizer.ggml.scores");
        put_u32(9);
        put_u32(6);
        put_u64(1);
        put_u32(0);
        gguf_refused("2 tokens, but 0 types and 1 scores");
        begin(4);
        put_tokens();
        put_key_text("tokenizer.ggml.model", "gpt2");
        put_key_text("tokenizer.ggml.pre", "gpt-2");
        put_text("tokenizer.ggml.token_type");
        put_u32(9);
        put_u32(5);
        put_u64(2);
        put_u32(1);
        put_u32(77);
        gguf_refused("token 1 has unknown type 77");
}

TEST("the patterns of every name in tokenizer.ggml.pre can be compiled")
{
        static const char *const names[] = {
                "default", "falcon", "falcon3", "gpt-4o", "bloom", "viking", "deepseek-v3",
                "seed-coder", "command-r", "starcoder", "stablelm2", "dbrx", "phi-2", "tekken",
        };

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                const struct hap_pre *pre = hap_pre_find(names[i], strlen(names[i]));
                struct hap_tokenizer t = { 0 };

                CHECK(pre != NULL);
                for (size_t k = 0; pre != NULL && k < 6 && pre->patterns[k] != NULL; k++)
                        CHECK(hap_split_add(&t, pre->patterns[k], strlen(pre->patterns[k]),
                                            HAP_SPLIT_ISOLATED, false, &err) == 0);
                for (size_t k = 0; k < t.n_split; k++)
                        pcre2_code_free(t.split[k].code);
        }
        CHECK(hap_pre_find("falcon4", 7) == NULL && hap_pre_find("falcon33", 7) != NULL);
}

RUN_TESTS
