/* Replays a fuzz target's corpus: include the target's source first. */
#ifndef HAP_REPLAY_H
#define HAP_REPLAY_H

#include <dirent.h>
#include <stdlib.h>

#include "common/random.h"

#define REPLAY_LARGEST 65536

/* Each copy has exactly the size of its bytes, so that a sanitizer detects a read past the end. */
static void replay_copy(const uint8_t *data, size_t n, struct hap_random_key key,
                        uint64_t changes)
{
        uint8_t *copy = malloc(n > 0 ? n : 1);

        memcpy(copy, data, n);
        for (uint64_t k = 0; n > 0 && k < changes; k++)
                copy[hap_random_word(key, changes, 2 * k) % n] =
                        (uint8_t)hap_random_word(key, changes, 2 * k + 1);
        LLVMFuzzerTestOneInput(copy, n);
        free(copy);
}

/* Replays every file of the folder unchanged, then truncated or with bytes changed `damaged`
 * times. Returns the number of files. */
static int replay_corpus(const char *path, uint64_t damaged)
{
        static uint8_t data[REPLAY_LARGEST];
        DIR *folder = opendir(path);
        struct dirent *entry;
        int files = 0;

        while (folder != NULL && (entry = readdir(folder)) != NULL) {
                char name[512];
                struct hap_random_key key = { (uint64_t)files, 0 };

                snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
                FILE *file = entry->d_name[0] == '.' ? NULL : fopen(name, "rb");
                if (file == NULL)
                        continue;
                size_t n = fread(data, 1, sizeof data, file);
                fclose(file);
                replay_copy(data, n, key, 0);
                for (uint64_t i = 1; n > 0 && i <= damaged; i++) {
                        key.stream = i;
                        replay_copy(data, i % 3 ? n : hap_random_word(key, i, 0) % n, key,
                                    i % 5);
                }
                files++;
        }
        if (folder != NULL)
                closedir(folder);
        return files;
}

#endif
