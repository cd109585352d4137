/* The tokenizer, against ids that the tokenizers library and sentencepiece
 * made; see tests/golden/make_tokenizers.py. */
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "tokenizer/tokenizer.h"
#include "unit.h"

#define GOLDEN "tests/golden/tokenizers/"

enum { MAX_IDS = 16384, MAX_BYTES = 65536 };

static struct hap_error err;
static int32_t ids[MAX_IDS];

static struct hap_tokenizer *load(const char *path)
{
        struct hap_tokenizer *t = NULL;

        CHECK(hap_tokenizer_load(&t, path, &err) == 0);
        if (t == NULL)
                printf("# %s\n", err.message);
        return t;
}

/* One line of JSON: {"text": …, "ids": […]}. */
static bool same_ids(const struct hap_tokenizer *t, const json_t *line, bool special)
{
        const json_t *text = json_object_get(line, "text");
        const json_t *wanted = json_object_get(line, "ids");
        int n = hap_tokenizer_encode(t, json_string_value(text), json_string_length(text),
                                     special, true, ids, MAX_IDS, &err);
        bool same = n == (int)json_array_size(wanted);

        for (int i = 0; same && i < n; i++)
                same = ids[i] == json_integer_value(json_array_get(wanted, (size_t)i));
        if (!same)
                printf("# differs: %s\n", json_string_value(text));
        return same;
}

static int check_lines(const struct hap_tokenizer *t, const char *path, bool special)
{
        FILE *file = fopen(path, "r");
        json_t *line;
        int n = 0;

        CHECK(file != NULL);
        while (file != NULL &&
               (line = json_loadf(file, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL)) !=
                       NULL) {
                CHECK(same_ids(t, line, special));
                json_decref(line);
                n++;
        }
        if (file != NULL)
                fclose(file);
        return n;
}

TEST("the demo model's tokenizer.json gives the reference's ids")
{
        struct hap_tokenizer *t = load("models/demo");

        CHECK(hap_tokenizer_size(t) == 1004);
        CHECK(hap_tokenizer_bos(t) == -1);
        CHECK(check_lines(t, "models/demo/golden.jsonl", true) == 20);
        hap_tokenizer_free(t);
}

TEST("GPT-2's vocab.json and merges.txt give the reference's ids")
{
        const char *folder = getenv("HAP_GPT2_TOKENIZER");
        char golden[4096];

        snprintf(golden, sizeof golden, "%s/golden.jsonl", folder ? folder : "");
        if (folder == NULL || access(golden, R_OK) != 0)
                SKIP("HAP_GPT2_TOKENIZER names no folder with vocab.json, merges.txt "
                     "and golden.jsonl");
        struct hap_tokenizer *t = load(folder);
        CHECK(hap_tokenizer_size(t) == 50257);
        CHECK(check_lines(t, golden, false) >= 20);
        hap_tokenizer_free(t);
}

/* The texts of texts.bin, one after another. */
static bool next_text(FILE *file, char *text, uint32_t *length)
{
        return fread(length, sizeof *length, 1, file) == 1 && *length <= MAX_BYTES &&
               fread(text, 1, *length, file) == *length;
}

/* "n crc" of the ids, little-endian as this machine is. */
static void sum_up(const struct hap_tokenizer *t, const char *text, uint32_t length,
                   bool whole, char *out, size_t room)
{
        int n = hap_tokenizer_encode(t, text, length, whole, whole, ids, MAX_IDS, &err);
        uLong crc = crc32(0, NULL, 0);

        CHECK(n >= 0 && n <= MAX_IDS);
        if (n > 0)
                crc = crc32(crc, (const Bytef *)ids, (uInt)n * 4);
        snprintf(out, room, "%d %08lx", n, (unsigned long)crc);
}

/* A line of NAME.ids.gz has four words: special tokens and BOS, then neither. */
static bool same_sums(const struct hap_tokenizer *t, const char *text, uint32_t length,
                      const char *line)
{
        char n[2][16], crc[2][16], wanted[40], got[40];
        bool same = true;

        CHECK(sscanf(line, "%15s %15s %15s %15s", n[0], crc[0], n[1], crc[1]) == 4);
        for (int plain = 0; plain < 2; plain++) {
                snprintf(wanted, sizeof wanted, "%s %s", n[plain], crc[plain]);
                sum_up(t, text, length, plain == 0, got, sizeof got);
                same = same && (strcmp(wanted, "- -") == 0 || strcmp(wanted, got) == 0);
        }
        return same;
}

/* Every text of texts.bin through the tokenizer at `path`. */
static void check_family(const char *path, const char *name)
{
        char file[256], line[80];
        static char text[MAX_BYTES];
        struct hap_tokenizer *t = load(path);
        FILE *texts = fopen(GOLDEN "texts.bin", "rb");
        uint32_t length;
        int n = 0, n_wrong = 0;

        snprintf(file, sizeof file, GOLDEN "%s.ids.gz", name);
        gzFile sums = gzopen(file, "rb");
        CHECK(texts != NULL && sums != NULL && t != NULL);
        if (texts == NULL || sums == NULL || t == NULL)
                return;
        for (; next_text(texts, text, &length); n++) {
                bool same = gzgets(sums, line, sizeof line) != NULL &&
                            same_sums(t, text, length, line);

                if (!same && n_wrong++ < 5)
                        printf("# %s: text %d differs\n", path, n);
        }
        CHECK(n_wrong == 0);
        CHECK(n >= 2000);
        fclose(texts);
        gzclose(sums);
        hap_tokenizer_free(t);
}

#define FAMILY(title, name)                                                    \
        TEST(title)                                                            \
        {                                                                      \
                check_family(GOLDEN name, name);                               \
        }
#define GGUF_FAMILY(title, name)                                               \
        TEST(title)                                                            \
        {                                                                      \
                check_family(GOLDEN name ".gguf", name);                       \
        }

FAMILY("GPT-2's words: the library's ids over all texts", "gpt2")
FAMILY("SmolLM's words, digits one by one: the library's ids", "smollm")
FAMILY("Llama 3's words, ignore_merges and BOS: the library's ids", "llama3")
FAMILY("Qwen2's words after NFC: the library's ids", "qwen2")
FAMILY("GPT-NeoX, NFC and added runs of spaces: the library's ids", "gpt_neox")
FAMILY("Mistral's tekken: the library's ids", "tekken")
FAMILY("every behaviour of Split: the library's ids", "behaviours")
FAMILY("Falcon's punctuation, words and runs of three digits: the library's ids", "falcon")
FAMILY("BLOOM's words, by a class within a class: the library's ids", "bloom")
FAMILY("steps after ByteLevel see its alphabet: the library's ids", "after_bytes")
FAMILY("Digits together: the library's ids", "digits")
FAMILY("add_prefix_space: the library's ids", "prefix")
FAMILY("bytes missing in the vocabulary are dropped, as by the library", "gaps")
FAMILY("bytes missing in the vocabulary become its unknown token", "unknown")
FAMILY("added tokens that strip, match single words or are normalised have the library's ids", "added")
FAMILY("Gemma's characters with byte fallback: the library's ids", "gemma")
FAMILY("Llama 2's prepended space: the library's ids", "llama2")
FAMILY("Metaspace at the text's start only: the library's ids", "mistral")
FAMILY("Metaspace that splits words: the library's ids", "metaspace")
GGUF_FAMILY("a GGUF file of gpt-2 gives the same ids as its tokenizer.json", "gpt2")
GGUF_FAMILY("a GGUF file of smollm gives the same ids", "smollm")
GGUF_FAMILY("a GGUF file of llama-bpe gives the same ids, BOS too", "llama3")
GGUF_FAMILY("a GGUF file of qwen2 gives the same ids, NFC too", "qwen2")
GGUF_FAMILY("a GGUF file of olmo (GPT-NeoX) gives the same ids", "gpt_neox")
GGUF_FAMILY("a GGUF file of tekken gives the same ids", "tekken")
GGUF_FAMILY("a GGUF file of falcon gives the same ids", "falcon")
GGUF_FAMILY("a GGUF file of bloom gives the same ids", "bloom")
GGUF_FAMILY("a GGUF file with scores gives sentencepiece's ids", "spm-gemma")
GGUF_FAMILY("the same with a space put first", "spm-llama")

static int encode(const struct hap_tokenizer *t, const char *text, bool special, bool bos)
{
        return hap_tokenizer_encode(t, text, strlen(text), special, bos, ids, MAX_IDS, &err);
}

TEST("BOS is put first only if it is asked for and the model's settings say so")
{
        struct hap_tokenizer *with = load(GOLDEN "llama3"), *without = load(GOLDEN "gpt2");
        int32_t bos = hap_tokenizer_bos(with);
        int n = encode(with, "Mary", false, false);

        CHECK_TEXT(hap_tokenizer_text(with, bos, NULL), "<|begin|>");
        CHECK(encode(with, "Mary", false, true) == n + 1 && ids[0] == bos);
        CHECK(encode(with, "", false, true) == 1);
        CHECK(hap_tokenizer_bos(without) == -1);
        CHECK(encode(without, "Mary", false, true) == encode(without, "Mary", false, false));
        hap_tokenizer_free(with);
        hap_tokenizer_free(without);
}

TEST("the texts of special tokens are text unless asked for")
{
        struct hap_tokenizer *t = load(GOLDEN "gpt2");

        CHECK(encode(t, "<|endoftext|>", true, false) == 1);
        CHECK_TEXT(hap_tokenizer_text(t, ids[0], NULL), "<|endoftext|>");
        CHECK(encode(t, "<|endoftext|>", false, false) > 1);
        hap_tokenizer_free(t);
}

TEST("more ids than there is space for are counted, not written")
{
        struct hap_tokenizer *t = load("models/demo");
        int32_t few[3] = { -1, -1, -1 };
        int n = hap_tokenizer_encode(t, "Mary and John", 13, false, false, few, 2, &err);

        CHECK(n == encode(t, "Mary and John", false, false) && n > 2);
        CHECK(few[0] == ids[0] && few[1] == ids[1] && few[2] == -1);
        hap_tokenizer_free(t);
}

TEST("a word of one token is found as a continuation of a prompt")
{
        struct hap_tokenizer *demo = load("models/demo"), *llama2 = load(GOLDEN "llama2");
        int32_t mary = hap_tokenizer_single(demo, " Mary");

        CHECK(mary >= 0);
        CHECK_TEXT(hap_tokenizer_text(demo, mary, NULL), " Mary");
        CHECK(hap_tokenizer_single(demo, " Mary and") == -1);
        CHECK(hap_tokenizer_continue(demo, " Mary and", 9, ids, MAX_IDS, &err) == 2);
        CHECK(ids[0] == mary && ids[1] == hap_tokenizer_single(demo, " and"));
        CHECK(hap_tokenizer_single(demo, "") == -1);
        CHECK(hap_tokenizer_single(demo, "<|endoftext|>") == -1);
        /* Nothing is put before it, although a prompt would have a space there. */
        CHECK_TEXT(hap_tokenizer_text(llama2, hap_tokenizer_single(llama2, " the"), NULL),
                   " the");
        CHECK_TEXT(hap_tokenizer_text(llama2, hap_tokenizer_single(llama2, "t"), NULL), "t");
        hap_tokenizer_free(demo);
        hap_tokenizer_free(llama2);
}

TEST("a token's text is its bytes, NUL and broken characters too")
{
        struct hap_tokenizer *gpt2 = load(GOLDEN "gpt2"), *gemma = load(GOLDEN "gemma");
        const char *text = "caf\xc3\xa9 \0 \xe2\x98\x83";
        char back[64] = "";
        size_t at = 0, length;
        int n = hap_tokenizer_encode(gpt2, text, 11, false, false, ids, MAX_IDS, &err);

        for (int i = 0; i < n; i++, at += length) {
                const char *part = hap_tokenizer_text(gpt2, ids[i], &length);

                memcpy(back + at, part, length);
        }
        CHECK(at == 11 && memcmp(back, text, 11) == 0);
        CHECK(hap_tokenizer_text(gpt2, -1, NULL) == NULL);
        CHECK(hap_tokenizer_text(gpt2, (int32_t)hap_tokenizer_size(gpt2), NULL) == NULL);
        /* <0x0A> of sentencepiece is a newline, "▁" a space. */
        CHECK(encode(gemma, "\n", false, false) == 1);
        CHECK_TEXT(hap_tokenizer_text(gemma, ids[0], NULL), "\n");
        CHECK(encode(gemma, " ", false, false) == 1);
        CHECK_TEXT(hap_tokenizer_text(gemma, ids[0], NULL), " ");
        hap_tokenizer_free(gpt2);
        hap_tokenizer_free(gemma);
}

TEST("a word of millions of bytes takes seconds, not hours")
{
        struct hap_tokenizer *t = load(GOLDEN "gpt2"), *spm = load(GOLDEN "spm-llama.gguf");
        size_t n = 3u << 20;
        char *text = malloc(n);
        clock_t start = clock();

        for (size_t i = 0; i < n; i++)
                text[i] = "the"[i % 3];
        CHECK(hap_tokenizer_encode(t, text, n, false, false, ids, 0, &err) > 1000000);
        CHECK(hap_tokenizer_encode(spm, text, n, false, false, ids, 0, &err) > 1000000);
        memset(text, ' ', n);
        CHECK(hap_tokenizer_encode(t, text, n, false, false, ids, 0, &err) > 100000);
        CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 60);
        free(text);
        hap_tokenizer_free(t);
        hap_tokenizer_free(spm);
}

struct sharer {
        const struct hap_tokenizer *t;
        const char *text;
        int32_t wanted[64];
        int n, n_wrong;
};

static void *encode_often(void *argument)
{
        struct sharer *s = argument;
        struct hap_error mine;
        int32_t got[64];

        for (int k = 0; k < 500; k++)
                s->n_wrong += hap_tokenizer_encode(s->t, s->text, strlen(s->text), true, true,
                                                   got, 64, &mine) != s->n ||
                              memcmp(got, s->wanted, (size_t)s->n * sizeof *got) != 0;
        return NULL;
}

TEST("threads share a tokenizer and get the same ids as one thread")
{
        struct hap_tokenizer *t = load(GOLDEN "qwen2");
        struct sharer first = { .t = t }, sharers[4];
        pthread_t threads[4];

        first.text = "So Mary's box, 1999: caf\xc3\xa9 \xe6\x9d\xb1\xe4\xba\xac <s>";
        first.n = hap_tokenizer_encode(t, first.text, strlen(first.text), true, true,
                                       first.wanted, 64, &err);
        CHECK(first.n > 10 && first.n <= 64);
        for (int i = 0; i < 4; i++) {
                sharers[i] = first;
                CHECK(pthread_create(&threads[i], NULL, encode_often, &sharers[i]) == 0);
        }
        for (int i = 0; i < 4; i++) {
                CHECK(pthread_join(threads[i], NULL) == 0);
                CHECK(sharers[i].n_wrong == 0);
        }
        hap_tokenizer_free(t);
}

RUN_TESTS
