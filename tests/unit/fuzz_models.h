/* Replays the seeds of a fuzz target for models, unchanged, truncated and with bytes changed.
 * Files with changed bytes must not crash the loader. The sanitizers make this a strict test. A
 * test file first includes the target's source, which counts models_loaded, and defines CORPUS,
 * the folder of seeds, and CUT_SPARES, the number of bytes at the end whose loss may go
 * unnoticed. After that it defines the tests of truncated and changed files, which are named for
 * the kind of file. */
#ifndef HAP_UNIT_FUZZ_MODELS_H
#define HAP_UNIT_FUZZ_MODELS_H

#include <dirent.h>

#include "common/random.h"
#include "unit.h"

#define LARGEST 16384
#define CHANGES 300 /* of every seed */

static const struct hap_random_key key = {.seed = 1, .stream = 1};

static size_t load(const char *name, uint8_t *data)
{
        char path[512];
        FILE *file;
        size_t n;

        snprintf(path, sizeof(path), CORPUS "/%s", name);
        file = fopen(path, "rb");
        if (!file)
                return 0;
        n = fread(data, 1, LARGEST, file);
        fclose(file);
        return n;
}

/* Calls `each` with every seed: how many there were. */
static int with_corpus(void (*each)(const uint8_t *data, size_t n))
{
        static uint8_t data[LARGEST];
        DIR *dir = opendir(CORPUS);
        const struct dirent *entry;
        int files = 0;

        while (dir && (entry = readdir(dir)))
                if (entry->d_name[0] != '.') {
                        each(data, load(entry->d_name, data));
                        files++;
                }
        if (dir)
                closedir(dir);
        return files;
}

static void replay(const uint8_t *data, size_t n)
{
        LLVMFuzzerTestOneInput(data, n);
}

static void cut(const uint8_t *data, size_t n)
{
        for (size_t i = 0; i + CUT_SPARES < n; i += 1 + n / CHANGES)
                LLVMFuzzerTestOneInput(data, i);
}

/* Replaces one to four bytes at random offsets by random ones. */
static void change(const uint8_t *data, size_t n)
{
        static uint8_t changed[LARGEST];

        for (uint64_t i = 0; n > 0 && i < CHANGES; i++) {
                uint64_t count = 1 + hap_random_word(key, i, 0) % 4;

                memcpy(changed, data, n);
                for (uint64_t j = 1; j <= count; j++) {
                        uint64_t word = hap_random_word(key, i, j);

                        changed[word % n] = (uint8_t)(word >> 56);
                }
                LLVMFuzzerTestOneInput(changed, n);
        }
}

TEST("every seed is a model that loads")
{
        int seeds;

        models_loaded = 0;
        seeds = with_corpus(replay);
        CHECK(seeds >= 4 && models_loaded == seeds);
}

#endif
