/* Tokenizers that are refused, and what the message names; and what
 * tokenizer_config.json changes. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/tokenizer.h"
#include "unit.h"

static struct hap_error err;
static char folder[64];

static void write_bytes(const char *name, const void *bytes, size_t n)
{
        char path[128];

        snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *file = fopen(path, "wb");
        CHECK(file != NULL && fwrite(bytes, 1, n, file) == n);
        if (file != NULL)
                fclose(file);
}

static void write_text(const char *name, const char *text)
{
        write_bytes(name, text, strlen(text));
}

static void new_folder(void)
{
        strcpy(folder, P_tmpdir "/hap-tokenizer-XXXXXX");
        CHECK(mkdtemp(folder) != NULL);
}

static void remove_folder(void)
{
        static const char *const names[] = { "tokenizer.json", "vocab.json", "merges.txt",
                                             "tokenizer_config.json", "added_tokens.json",
                                             "special_tokens_map.json", "a.gguf" };
        char path[128];

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                snprintf(path, sizeof path, "%s/%s", folder, names[i]);
                unlink(path);
        }
        rmdir(folder);
}

/* Refused with HAP_EINPUT and a message that holds `part`. */
static void refused_at(const char *path, const char *part)
{
        struct hap_tokenizer *t = (struct hap_tokenizer *)&err;
        int rc = hap_tokenizer_load(&t, path, &err);

        CHECK(rc == HAP_EINPUT && t == NULL);
        CHECK(strstr(err.message, part) != NULL);
        if (rc != HAP_EINPUT || strstr(err.message, part) == NULL)
                printf("# wanted '%s', got %d '%s'\n", part, rc, err.message);
        if (rc == 0)
                hap_tokenizer_free(t);
}

#define VOCAB "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2}"
#define MODEL "\"model\":{\"type\":\"BPE\"," VOCAB ",\"merges\":[\"a b\"]}"

static void refused(const char *json, const char *part)
{
        new_folder();
        write_text("tokenizer.json", json);
        refused_at(folder, part);
        remove_folder();
}

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

static struct hap_tokenizer *load(const char *path)
{
        struct hap_tokenizer *t = NULL;

        CHECK(hap_tokenizer_load(&t, path, &err) == 0);
        if (t == NULL)
                printf("# %s\n", err.message);
        return t;
}

/* "0 2 1", or the message of an encoding that failed. */
static const char *ids_of(const struct hap_tokenizer *t, const char *text, bool special)
{
        static char out[sizeof err.message];
        int32_t ids[32];
        int n = t == NULL ? -1
                          : hap_tokenizer_encode(t, text, strlen(text), special, false, ids,
                                                 32, &err);
        size_t at = 0;

        if (n < 0)
                return err.message;
        out[0] = '\0';
        for (int i = 0; i < n && at < sizeof out; i++)
                at += (size_t)snprintf(out + at, sizeof out - at, i > 0 ? " %d" : "%d", ids[i]);
        return out;
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
        refused("[]", "tokenizer.json holds no object");
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
                "added token 'x' has id 1, but the next that is free is 3");
        refused("{" MODEL ",\"added_tokens\":[{\"id\":72,\"content\":\"x\"}]}",
                "added token 'x' has id 72, but the next that is free is 3");
        refused("{" MODEL ",\"added_tokens\":[{\"id\":3,\"content\":\"x\"},"
                "{\"id\":5,\"content\":\"y\"}]}", "'y' has id 5");
}

TEST("merges that are no pairs, or of tokens that are not there, are refused by number")
{
        refused("{\"model\":{" VOCAB ",\"merges\":[\"a b\",\"ab\"]}}", "merge 2 is no pair");
        refused("{\"model\":{" VOCAB ",\"merges\":[\"a b c\"]}}", "merge 1 is no pair");
        refused("{\"model\":{" VOCAB ",\"merges\":[[\"a\"]]}}", "merge 1 is no pair");
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
                      "{\"type\":\"Digits\"}]}",
                      "Digits");
        refused_stage("pre_tokenizer",
                      "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"},"
                      "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}]}",
                      "add_prefix_space");
        refused_stage("pre_tokenizer",
                      "{\"type\":\"Split\",\"behavior\":\"Odd\",\"pattern\":{\"String\":\"x\"}}",
                      "Odd");
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
        refused_pattern("\\\\p{Han}", "no general category");
        refused_pattern("[a-z&&[^b]]", "an intersection of classes");
        refused_pattern("[a[b]]", "a class within a class");
        refused_pattern("\\\\p{N}{1,3}+", "possessive");
        refused_pattern("a{,2}", "'{,'");
        refused_pattern("a{1, 2}", "a blank within a counted repeat");
        refused_pattern("(?:a{2}?|b)", "'{n}?'");
        refused_pattern("(?m:a)", "a group of an uncommon kind");
        refused_pattern("a*", "matches nothing at all");
        refused_pattern("(a", "split pattern '(a'");
}

/* The ids of `text` with tokenizer.json `json` are those of `wanted`. */
static void same_ids(const char *json, const char *text, bool special, const char *wanted)
{
        new_folder();
        write_text("tokenizer.json", json);
        struct hap_tokenizer *t = load(folder);
        CHECK_TEXT(ids_of(t, text, special), wanted);
        hap_tokenizer_free(t);
        remove_folder();
}

TEST("what looks like a repeat, or like the end of a class, is read as by Oniguruma")
{
#define SPLIT(pattern)                                                               \
        "{" MODEL ",\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Isolated\","   \
        "\"pattern\":{\"Regex\":\"" pattern "\"}}}"
        same_ids(SPLIT("[^]\\\\s]"), "aaab", true, "0 0 0 1");
        same_ids(SPLIT("[]a]"), "aaab", true, "0 0 0 1");
        same_ids(SPLIT("a{2,3}?"), "aaab", true, "0 0 2");
        same_ids(SPLIT("a{2}"), "aaab", true, "0 0 2");
        same_ids(SPLIT("a|{}|{x"), "aab", true, "0 0 1");
#undef SPLIT
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

TEST("BOS follows add_bos_token only for the classes that obey it")
{
        const char *json =
                "{" MODEL ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":["
                "{\"SpecialToken\":{\"id\":\"b\"}},{\"Sequence\":{\"id\":\"A\"}}],"
                "\"special_tokens\":{\"b\":{\"ids\":[1]}}}}";
        static const struct {
                const char *config;
                int32_t bos;
        } cases[] = {
                { "{}", 1 },
                { "{\"add_bos_token\":false}", 1 },
                { "{\"tokenizer_class\":\"LlamaTokenizerFast\",\"add_bos_token\":false}", -1 },
                { "{\"tokenizer_class\":\"LlamaTokenizer\",\"bos_token\":\"a\"}", 0 },
                { "{\"tokenizer_class\":\"GemmaTokenizer\",\"bos_token\":{\"content\":\"ab\"},"
                  "\"add_bos_token\":true}", 2 },
                { "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"add_bos_token\":true}", 1 },
                { "{\"tokenizer_class\":\"GPTNeoXTokenizer\"}", -1 },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                new_folder();
                write_text("tokenizer.json", json);
                write_text("tokenizer_config.json", cases[i].config);
                struct hap_tokenizer *t = load(folder);
                CHECK(t != NULL && hap_tokenizer_bos(t) == cases[i].bos);
                hap_tokenizer_free(t);
                remove_folder();
        }
        new_folder();
        write_text("tokenizer.json", json);
        write_text("tokenizer_config.json", "{\"tokenizer_class\":\"LlamaTokenizer\","
                                            "\"bos_token\":\"a\",\"add_eos_token\":true}");
        refused_at(folder, "add_eos_token");
        remove_folder();
}

TEST("the config adds tokens to tokenizer.json, and says whether a space comes first")
{
        const char *json = "{\"model\":{\"vocab\":{\"a\":0,\"\u0120\":1},\"merges\":[]},"
                           "\"pre_tokenizer\":{\"type\":\"ByteLevel\"}}";
        int32_t ids[4];

        new_folder();
        write_text("tokenizer.json", json);
        struct hap_tokenizer *t = load(folder);
        CHECK(hap_tokenizer_encode(t, "a", 1, true, true, ids, 4, &err) == 2);
        hap_tokenizer_free(t);
        write_text("tokenizer_config.json",
                   "{\"add_prefix_space\":false,\"added_tokens_decoder\":{\"3\":"
                   "{\"content\":\"<y>\"},\"2\":{\"content\":\"<x>\",\"special\":true}}}");
        t = load(folder);
        CHECK_TEXT(ids_of(t, "a<x><y>", true), "0 2 3");
        hap_tokenizer_free(t);
        write_text("tokenizer_config.json",
                   "{\"added_tokens_decoder\":{\"9\":{\"content\":\"<x>\"}}}");
        refused_at(folder, "added token '<x>' has id 9, but the next that is free is 2");
        write_text("tokenizer_config.json", "{\"added_tokens_decoder\":{\"x\":{}}}");
        refused_at(folder, "added_tokens_decoder");
        remove_folder();
}

TEST("vocab.json and merges.txt take class, special tokens and BOS from the config")
{
        int32_t ids[8];

        new_folder();
        write_text("vocab.json", "{\"1\":0,\"2\":1,\"12\":6,\"<e>\":3}");
        write_text("merges.txt", "#version: 0.2\r\n1 2\r\n");
        write_text("tokenizer_config.json",
                   "{\"tokenizer_class\":\"GPT2Tokenizer\",\"bos_token\":\"<e>\","
                   "\"add_bos_token\":true,\"added_tokens_decoder\":{\"4\":"
                   "{\"content\":\"<x>\",\"special\":true}}}");
        struct hap_tokenizer *t = load(folder);
        CHECK(hap_tokenizer_encode(t, "12<e><x>", 8, true, true, ids, 8, &err) == 4);
        CHECK(ids[0] == 3 && ids[1] == 6 && ids[2] == 3 && ids[3] == 4);
        CHECK(hap_tokenizer_size(t) == 7 && hap_tokenizer_text(t, 5, NULL) == NULL);
        hap_tokenizer_free(t);
        /* Qwen2 takes digits one by one. */
        write_text("tokenizer_config.json", "{\"tokenizer_class\":\"Qwen2Tokenizer\"}");
        t = load(folder);
        CHECK(hap_tokenizer_encode(t, "12", 2, true, true, ids, 8, &err) == 2);
        hap_tokenizer_free(t);
        write_text("tokenizer_config.json", "{\"tokenizer_class\":\"CLIPTokenizer\"}");
        refused_at(folder, "CLIPTokenizer");
        remove_folder();
}

/* One of the demo model's files, in the folder too. */
static void link_demo(const char *name)
{
        char from[4096], path[128];

        CHECK(getcwd(from, sizeof from - 64) != NULL);
        snprintf(from + strlen(from), 64, "/models/demo/%s", name);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        CHECK(symlink(from, path) == 0);
}

/* The ids of `text` in the folder as it is now. */
static void folder_ids(const char *text, bool special, const char *wanted)
{
        struct hap_tokenizer *t = load(folder);

        CHECK_TEXT(ids_of(t, text, special), wanted);
        hap_tokenizer_free(t);
}

TEST("a GPT-2 of vocab.json and merges.txt puts a space first where its config says so")
{
        new_folder();
        link_demo("vocab.json");
        link_demo("merges.txt");
        write_text("tokenizer_config.json",
                   "{\"tokenizer_class\":\"GPT2Tokenizer\",\"add_prefix_space\":true}");
        folder_ids("Mary went", true, "796 385");
        folder_ids(" Mary went", true, "796 385");
        write_text("tokenizer_config.json",
                   "{\"tokenizer_class\":\"GPT2Tokenizer\",\"add_prefix_space\":false}");
        folder_ids("Mary went", true, "44 625 385");
        remove_folder();
}

TEST("added_tokens.json adds tokens where the config has no added_tokens_decoder")
{
        new_folder();
        write_text("vocab.json", "{\"1\":0,\"2\":1,\"12\":2,\"<e>\":3,\"<|endoftext|>\":4}");
        write_text("merges.txt", "#version: 0.2\n1 2\n");
        write_text("added_tokens.json", "{\"1 2\":6,\"<x>\":5}");
        folder_ids("12<x>1 2<e>", true, "2 5 6");
        write_text("tokenizer_config.json",
                   "{\"tokenizer_class\":\"GPT2Tokenizer\",\"eos_token\":\"<e>\","
                   "\"additional_special_tokens\":[\"<x>\"]}");
        folder_ids("12<x>1 2<e>", true, "2 5 6 3");
        folder_ids("12<x>1 2<e>", false, "2 6");
        write_text("added_tokens.json", "{\"<x>\":9}");
        refused_at(folder, "added token '<x>' has id 9, but the next that is free is 5");
        write_text("added_tokens.json", "{\"<x>\":\"y\"}");
        refused_at(folder, "added_tokens.json: token '<x>' has no id");
        write_text("tokenizer_config.json",
                   "{\"added_tokens_decoder\":{\"5\":{\"content\":\"<y>\",\"special\":true}}}");
        folder_ids("12<y>12<x>", true, "2 5 2");
        remove_folder();
        /* Beside tokenizer.json too. */
        new_folder();
        write_text("tokenizer.json", "{" MODEL "}");
        write_text("added_tokens.json", "{\"<x>\":3}");
        folder_ids("ab<x>", true, "2 3");
        remove_folder();
}

/* The demo model's tokenizer.json, without added tokens. */
static void write_plain_demo(void)
{
        json_t *json = json_load_file("models/demo/tokenizer.json", 0, NULL);
        char *text;

        CHECK(json_object_set_new(json, "added_tokens", json_array()) == 0);
        text = json_dumps(json, 0);
        CHECK(text != NULL);
        if (text != NULL)
                write_text("tokenizer.json", text);
        free(text);
        json_decref(json);
}

#define FAST "\"tokenizer_class\":\"PreTrainedTokenizerFast\","

TEST("special tokens that only the config names are special beside tokenizer.json")
{
        const char *text = "Mary<|endoftext|>went";
        const char *plain = "44 625 27 91 313 78 419 356 91 29 86 363";

        new_folder();
        write_plain_demo();
        folder_ids(text, true, plain);
        write_text("tokenizer_config.json", "{" FAST "\"eos_token\":\"<|endoftext|>\"}");
        folder_ids(text, true, "44 625 1003 86 363");
        folder_ids(text, false, plain);
        write_text("tokenizer_config.json",
                   "{" FAST "\"eos_token\":{\"__type\":\"AddedToken\","
                   "\"content\":\"<|endoftext|>\",\"lstrip\":true}}");
        folder_ids("Mary <|endoftext|> went", true, "44 625 1003 385");
        write_text("tokenizer_config.json",
                   "{" FAST "\"additional_special_tokens\":[\"went\",\"or\"]}");
        refused_at(folder, "a special token 'went'");
        write_text("tokenizer_config.json", "{" FAST "\"additional_special_tokens\":[\"ent\"]}");
        folder_ids("Mary went", true, "44 625 274 363");
        write_text("tokenizer_config.json", "{" FAST "\"extra_special_tokens\":{\"x\":\"ent\"}}");
        folder_ids("Mary went", true, "44 625 274 363");
        write_text("tokenizer_config.json", "{" FAST "\"split_special_tokens\":true}");
        refused_at(folder, "split_special_tokens");
        remove_folder();
}

TEST("special_tokens_map.json names special tokens where there is no added_tokens_decoder")
{
        const char *text = "Mary<|endoftext|>went";

        new_folder();
        write_plain_demo();
        write_text("special_tokens_map.json", "{\"eos_token\":{\"content\":\"<|endoftext|>\"}}");
        folder_ids(text, true, "44 625 1003 86 363");
        write_text("tokenizer_config.json", "{" FAST "\"eos_token\":\"ent\"}");
        folder_ids("Mary went<|endoftext|>", true, "44 625 385 1003");
        write_text("tokenizer_config.json",
                   "{" FAST "\"additional_special_tokens\":[\"<|endoftext|>\"]}");
        write_text("special_tokens_map.json", "{\"additional_special_tokens\":[\"ent\"]}");
        folder_ids("Mary went<|endoftext|>", true, "44 625 274 363 1003");
        write_text("tokenizer_config.json", "{" FAST "\"added_tokens_decoder\":{}}");
        folder_ids(text, true, "44 625 27 91 313 78 419 356 91 29 86 363");
        remove_folder();
}

TEST("a token added as an ordinary one is special where the config names it")
{
        new_folder();
        write_text("tokenizer.json",
                   "{" MODEL ",\"added_tokens\":[{\"id\":3,\"content\":\"<x>\"}]}");
        folder_ids("a<x>", false, "0 3");
        write_text("tokenizer_config.json", "{" FAST "\"pad_token\":\"<x>\"}");
        folder_ids("a<x>", true, "0 3");
        folder_ids("a<x>", false, "0");
        remove_folder();
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
        put_key_text("tokenizer.ggml.pre", "chatglm-bpe");
        gguf_refused("tokenizer.ggml.pre 'chatglm-bpe'");
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
        gguf_refused("token 1 is of type 77");
}

RUN_TESTS
