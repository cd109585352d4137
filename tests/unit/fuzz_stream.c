#include "unit.h"

#include <dirent.h>
#include <stdlib.h>

#include "../fuzz/stream.c"
#include "common/number.h"

#define CORPUS "tests/fuzz/corpus/stream"
#define LARGEST 65536

/* One file of the corpus, whole. */
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

/* Calls `each` with every file: how many there were. */
static int with_corpus(void (*each)(const uint8_t *data, size_t n))
{
        static uint8_t data[LARGEST];
        DIR *folder = opendir(CORPUS);
        struct dirent *entry;
        int files = 0;

        while (folder && (entry = readdir(folder)))
                if (entry->d_name[0] != '.') {
                        each(data, load(entry->d_name, data));
                        files++;
                }
        if (folder)
                closedir(folder);
        return files;
}

static void replay(const uint8_t *data, size_t n)
{
        LLVMFuzzerTestOneInput(data, n);
}

/* Cuts, and a few bytes of others; each copy is as large as its bytes, so that
 * a sanitizer sees the first one read too many. */
static void damage(const uint8_t *data, size_t n)
{
        struct hap_random_key key = {n, 0};

        for (uint64_t i = 0; n && i < 300; i++) {
                size_t keep = i % 3 ? n : hap_random_word(key, i, 0) % n + 1;
                uint8_t *copy = malloc(keep);

                memcpy(copy, data, keep);
                for (uint64_t k = 0; k < i % 5; k++)
                        copy[hap_random_word(key, i, 2 * k + 1) % keep] =
                                (uint8_t)hap_random_word(key, i, 2 * k + 2);
                LLVMFuzzerTestOneInput(copy, keep);
                free(copy);
        }
}

TEST("every file of the corpus ends in records or an error")
{
        CHECK(with_corpus(replay) >= 20);
}

TEST("so does every file of it with some bytes cut off or changed")
{
        CHECK(with_corpus(damage) >= 20);
}

RUN_TESTS
