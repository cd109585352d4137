/* Any bytes as a tokenizer.json, or as the metadata of a GGUF file: it is loaded or refused with
 * a message, and a loaded tokenizer encodes. The first byte chooses.
 *
 *      make FUZZ=1 fuzz && build-fuzz/fuzz/tokenizer_files tests/fuzz/corpus/tokenizer_files
 *
 * tests/unit/fuzz_tokenizer_files.c replays the corpus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tokenizer/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char scratch_folder[64], scratch_path[96];

static void remove_files(void)
{
        unlink(scratch_path);
        rmdir(scratch_folder);
}

/* What to load. */
static const char *store(bool gguf, const uint8_t *data, size_t size)
{
        if (*scratch_folder == '\0') {
                strcpy(scratch_folder, P_tmpdir "/hap-fuzz-XXXXXX");
                if (mkdtemp(scratch_folder) == NULL)
                        abort();
                snprintf(scratch_path, sizeof scratch_path, "%s/tokenizer.json", scratch_folder);
                atexit(remove_files);
        }
        FILE *file = fopen(scratch_path, "wb");
        if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
                abort();
        return gguf ? scratch_path : scratch_folder;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char text[] = "Mary's  ab 12\n\xc3\xa9\xff<s> \xe2\x96\x81";
        struct hap_error err = { .code = 0 };
        struct hap_tokenizer *t;
        int32_t ids[64];

        if (size < 1)
                return 0;
        int rc = hap_tokenizer_load(&t, store(data[0] & 1, data + 1, size - 1), &err);
        if (rc != 0) {
                if (t != NULL || *err.message == '\0')
                        abort();
                return 0;
        }
        hap_tokenizer_encode(t, text, sizeof text - 1, true, true, ids, 64, &err);
        hap_tokenizer_free(t);
        return 0;
}
