/* Any bytes as a tokenizer.json, a tokenizer_config.json beside it, or the
 * metadata of a GGUF file: loaded or refused with a message, and what loaded
 * encodes. The first byte chooses. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], path[96];

static void remove_files(void)
{
        unlink(path);
        rmdir(folder);
}

/* The path to load. */
static const char *store(bool gguf, const uint8_t *data, size_t size)
{
        if (*folder == '\0') {
                strcpy(folder, P_tmpdir "/hap-fuzz-XXXXXX");
                if (mkdtemp(folder) == NULL)
                        abort();
                snprintf(path, sizeof path, "%s/tokenizer.json", folder);
                atexit(remove_files);
        }
        FILE *file = fopen(path, "wb");
        if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
                abort();
        return gguf ? path : folder;
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
