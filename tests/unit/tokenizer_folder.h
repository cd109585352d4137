/* Tokenizers written to a folder: their ids, or the message that refuses them. */
#ifndef HAP_UNIT_TOKENIZER_FOLDER_H
#define HAP_UNIT_TOKENIZER_FOLDER_H

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tokenizer/tokenizer.h"
#include "unit.h"

static struct hap_error err;
static char folder[64];

static inline void write_bytes(const char *name, const void *bytes, size_t n)
{
        char path[128];

        snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *file = fopen(path, "wb");
        CHECK(file != NULL && fwrite(bytes, 1, n, file) == n);
        if (file != NULL)
                fclose(file);
}

static inline void write_text(const char *name, const char *text)
{
        write_bytes(name, text, strlen(text));
}

static inline void new_folder(void)
{
        strcpy(folder, P_tmpdir "/hap-tokenizer-XXXXXX");
        CHECK(mkdtemp(folder) != NULL);
}

static inline void remove_folder(void)
{
        static const char *const names[] = { "tokenizer.json", "vocab.json", "merges.txt",
                                             "tokenizer_config.json", "added_tokens.json",
                                             "special_tokens_map.json", "config.json",
                                             "a.gguf" };
        char path[128];

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                snprintf(path, sizeof path, "%s/%s", folder, names[i]);
                unlink(path);
        }
        rmdir(folder);
}

/* Refused with HAP_EINPUT and a message that contains `part`. */
static inline void refused_at(const char *path, const char *part)
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

static inline void refused(const char *json, const char *part)
{
        new_folder();
        write_text("tokenizer.json", json);
        refused_at(folder, part);
        remove_folder();
}

static inline struct hap_tokenizer *load(const char *path)
{
        struct hap_tokenizer *t = NULL;

        CHECK(hap_tokenizer_load(&t, path, &err) == 0);
        if (t == NULL)
                printf("# %s\n", err.message);
        return t;
}

/* "0 2 1", or the message of an encoding that failed. */
static inline const char *ids_of(const struct hap_tokenizer *t, const char *text, bool special)
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

/* The ids of `text` in the folder as it is now. */
static inline void folder_ids(const char *text, bool special, const char *wanted)
{
        struct hap_tokenizer *t = load(folder);

        CHECK_TEXT(ids_of(t, text, special), wanted);
        hap_tokenizer_free(t);
}

/* The ids of `text` with tokenizer.json `json` are those of `wanted`. */
static inline void same_ids(const char *json, const char *text, bool special, const char *wanted)
{
        new_folder();
        write_text("tokenizer.json", json);
        folder_ids(text, special, wanted);
        remove_folder();
}

#endif
