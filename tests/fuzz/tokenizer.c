/* Any bytes through the tokenizers of the golden files: the first byte chooses which. Every id
 * exists; if nothing is normalised, the tokens' bytes in order are the text, with broken UTF-8
 * replaced by U+FFFD.
 *
 *      make FUZZ=1 fuzz && build-fuzz/fuzz/tokenizer tests/fuzz/corpus/tokenizer
 *
 * tests/unit/fuzz_tokenizer.c replays the corpus. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_impl.h"

#define GOLDEN "tests/golden/tokenizers/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
};

static void must(bool so)
{
        if (!so)
                abort();
}

static void check(const struct family *f, const char *text, size_t length, bool special)
{
        size_t room = 4 * length + 16, n_part;
        int32_t *ids = malloc(room * sizeof *ids);
        struct hap_buffer wanted = { 0 }, got = { 0 };
        struct hap_error err;
        int n = hap_tokenizer_encode(f->t, text, length, special, false, ids, room, &err);

        must(n >= 0 && (size_t)n <= room);
        must(hap_utf8_repair(text, length, &wanted) == 0);
        must(hap_utf8_valid(wanted.data, wanted.length));
        must(hap_buffer_append(&got, "", 0) == 0);
        for (int i = 0; i < n; i++) {
                const char *part = hap_tokenizer_text(f->t, ids[i], &n_part);

                must(part != NULL && hap_buffer_append(&got, part, n_part) == 0);
        }
        if (f->exact)
                must(got.length == wanted.length &&
                     memcmp(got.data, wanted.data, got.length) == 0);
        free(ids);
        free(wanted.data);
        free(got.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct family *f;
        struct hap_error err;

        if (size < 1)
                return 0;
        f = &families[(data[0] & 127) % (sizeof families / sizeof *families)];
        if (f->t == NULL)
                must(hap_tokenizer_load(&f->t, f->path, &err) == 0);
        check(f, (const char *)data + 1, size - 1, data[0] >= 128);
        return 0;
}
