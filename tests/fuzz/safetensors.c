/* Any bytes as a folder of config.json and model.safetensors: loading it gives a model or an
 * error, but never a crash. The input is the config's length in two bytes, the config, and the
 * safetensors file.
 *
 *      make FUZZ=1 fuzz
 *      OMP_NUM_THREADS=1 build-fuzz/fuzz/safetensors tests/fuzz/corpus/safetensors
 *
 * tests/unit/fuzz_safetensors.c replays the corpus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int models_loaded; /* so far: for the test that replays */

static char folder[64];

static void remove_folder(void)
{
        char path[128];

        snprintf(path, sizeof(path), "%s/config.json", folder);
        unlink(path);
        snprintf(path, sizeof(path), "%s/model.safetensors", folder);
        unlink(path);
        rmdir(folder);
}

static void make_folder(void)
{
        snprintf(folder, sizeof(folder), "%s/hap-fuzz-??????", P_tmpdir);
        memset(strchr(folder, '?'), 'X', 6); /* mkdtemp's marks */
        if (!mkdtemp(folder))
                abort();
        atexit(remove_folder);
}

static void put(const char *name, const uint8_t *data, size_t n)
{
        char path[128];
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        file = fopen(path, "wb");
        if (!file || fwrite(data, 1, n, file) != n || fclose(file) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct hap_model model;
        struct hap_error err;
        size_t config;

        if (!folder[0])
                make_folder();
        if (n < 2)
                return 0;
        config = (size_t)data[0] | (size_t)data[1] << 8;
        config = config < n - 2 ? config : n - 2;
        put("config.json", data + 2, config);
        put("model.safetensors", data + 2 + config, n - 2 - config);
        if (hap_model_load(&model, folder, &err) == 0) {
                hap_model_release(&model);
                models_loaded++;
        }
        return 0;
}
