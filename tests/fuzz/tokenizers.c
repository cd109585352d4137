/* Tokenizers: any text through those of the golden files, and any file as a tokenizer. */
#include <stdlib.h>
#include <string.h>

#include "target.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_impl.h"

#define GOLDEN "tests/golden/tokenizers/"

static struct family {
        const char *path;
        bool exact; /* the tokens' bytes are the text */
        struct hap_tokenizer *t;
} families[] = {
        { GOLDEN "gpt2", true, NULL },        { GOLDEN "smollm", true, NULL },
        { GOLDEN "llama3", true, NULL },      { GOLDEN "tekken", true, NULL },
        { GOLDEN "digits", true, NULL },      { GOLDEN "gpt2.gguf", true, NULL },
        { GOLDEN "qwen2", false, NULL },      { GOLDEN "gpt_neox", false, NULL },
        { GOLDEN "behaviours", false, NULL }, { GOLDEN "added", false, NULL },
        { GOLDEN "unknown", false, NULL },    { GOLDEN "gemma", false, NULL },
        { GOLDEN "llama2", false, NULL },     { GOLDEN "metaspace", false, NULL },
        { GOLDEN "spm-gemma.gguf", false, NULL },
        { GOLDEN "spm-llama.gguf", false, NULL },
        { GOLDEN "falcon", true, NULL },      { GOLDEN "bloom", true, NULL },
        { GOLDEN "after_bytes", false, NULL },
};
#define N_FAMILIES (sizeof families / sizeof *families)

static void check(const struct family *f, const char *text, size_t length, bool special)
{
        size_t room = 4 * length + 16, n_part;
        int32_t *ids = malloc(room * sizeof *ids);
        struct hap_buffer wanted = { 0 }, got = { 0 };
        struct hap_error err;
        int n = hap_tokenizer_encode(f->t, text, length, special, false, ids, room, &err);

        MUST(n >= 0 && (size_t)n <= room);
        MUST(hap_utf8_repair(text, length, &wanted) == 0);
        MUST(hap_utf8_valid(wanted.data, wanted.length));
        MUST(hap_buffer_append(&got, "", 0) == 0);
        for (int i = 0; i < n; i++) {
                const char *part = hap_tokenizer_text(f->t, ids[i], &n_part);

                MUST(part != NULL && hap_buffer_append(&got, part, n_part) == 0);
        }
        if (f->exact)
                MUST(got.length == wanted.length &&
                     memcmp(got.data, wanted.data, got.length) == 0);
        free(ids);
        free(wanted.data);
        free(got.data);
}

/* Every id exists; if nothing is normalised, the tokens' bytes in order are the text, with broken
 * UTF-8 replaced by U+FFFD. The first byte chooses the tokenizer. */
bool fuzz_tokenizer(const uint8_t *data, size_t n)
{
        struct family *f;
        struct hap_error err;

        if (n < 1)
                return false;
        f = &families[(data[0] & 127) % N_FAMILIES];
        if (f->t == NULL)
                MUST(hap_tokenizer_load(&f->t, f->path, &err) == 0);
        check(f, (const char *)data + 1, n - 1, data[0] >= 128);
        return true;
}

void fuzz_tokenizers_release(void)
{
        for (size_t i = 0; i < N_FAMILIES; i++) {
                hap_tokenizer_free(families[i].t);
                families[i].t = NULL;
        }
}

/* A loaded tokenizer encodes. The first byte chooses: tokenizer.json, or a GGUF file's metadata. */
bool fuzz_tokenizer_files(const uint8_t *data, size_t n)
{
        static const char text[] = "Mary's  ab 12\n\xc3\xa9\xff<s> \xe2\x96\x81";
        struct hap_error err = { .code = 0 };
        struct hap_tokenizer *t;
        int32_t ids[64];
        const char *path;

        if (n < 1)
                return false;
        path = fuzz_file("tokenizer", "tokenizer.json", data + 1, n - 1);
        if (!(data[0] & 1))
                path = fuzz_folder("tokenizer");
        if (!fuzz_done(hap_tokenizer_load(&t, path, &err), &err)) {
                MUST(t == NULL);
                return false;
        }
        hap_tokenizer_encode(t, text, sizeof text - 1, true, true, ids, 64, &err);
        hap_tokenizer_free(t);
        return true;
}
