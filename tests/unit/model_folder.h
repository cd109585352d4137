/* For tests of models: folders with copies of models that differ in something,
 * and what is in a safetensors file, read without hap. */
#ifndef HAP_UNIT_MODEL_FOLDER_H
#define HAP_UNIT_MODEL_FOLDER_H

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/model.h"
#include "unit.h"

#define GPT2 "tests/golden/gpt2-a/model"
#define LLAMA "tests/golden/llama-a/model"

/* --- folders made for a test --- */

static char folder[64];

static inline void make_folder(void)
{
        strcpy(folder, P_tmpdir "/hap-model-??????");
        memset(strchr(folder, '?'), 'X', 6); /* mkdtemp's marks */
        CHECK(mkdtemp(folder) != NULL);
}

static inline const char *in_folder(const char *name)
{
        static char path[4][128];
        static int next;

        next = (next + 1) % 4;
        snprintf(path[next], sizeof(path[next]), "%s/%s", folder, name);
        return path[next];
}

static inline void remove_folder(void)
{
        static const char *const names[] = {"config.json", "model.safetensors", "tokenizer.json",
                                            "model.safetensors.index.json", "a.safetensors",
                                            "b.safetensors", "tokenizer_config.json"};

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                unlink(in_folder(names[i]));
        rmdir(folder);
}

static inline void write_file(const char *name, const void *data, size_t n)
{
        FILE *file = fopen(in_folder(name), "wb");

        CHECK(file && fwrite(data, 1, n, file) == n);
        if (file)
                fclose(file);
}

static inline unsigned char *read_file(const char *path, size_t *n)
{
        FILE *file = fopen(path, "rb");
        unsigned char *data = malloc(1 << 20);

        *n = file ? fread(data, 1, 1 << 20, file) : 0;
        if (file)
                fclose(file);
        return data;
}

/* Config and weights of `model`, with one more key in the config (or one
 * changed): `key` with a JSON text. */
static inline void copy_model(const char *model, const char *key, const char *value)
{
        char path[256];
        json_t *config;
        unsigned char *weights;
        size_t n;

        snprintf(path, sizeof(path), "%s/config.json", model);
        config = json_load_file(path, 0, NULL);
        if (key && value)
                json_object_set_new(config, key, json_loads(value, JSON_DECODE_ANY, NULL));
        else if (key)
                json_object_del(config, key);
        CHECK(json_dump_file(config, in_folder("config.json"), 0) == 0);
        json_decref(config);
        snprintf(path, sizeof(path), "%s/model.safetensors", model);
        weights = read_file(path, &n);
        write_file("model.safetensors", weights, n);
        free(weights);
}

static inline uint64_t fingerprint_with(const char *model, const char *key, const char *value)
{
        struct hap_error err = {0};
        struct hap_model m;
        uint64_t fingerprint = 0;

        make_folder();
        copy_model(model, key, value);
        CHECK(hap_model_load(&m, folder, &err) == 0);
        if (err.code == 0) {
                fingerprint = m.fingerprint;
                hap_model_release(&m);
        } else {
                printf("# %s\n", err.message);
        }
        remove_folder();
        return fingerprint;
}

static inline uint64_t fingerprint_of(const char *path)
{
        struct hap_error err = {0};
        struct hap_model m;
        uint64_t fingerprint = 0;

        CHECK(hap_model_load(&m, path, &err) == 0);
        fingerprint = m.fingerprint;
        hap_model_release(&m);
        return fingerprint;
}

/* --- what is in a safetensors file, read without hap --- */

struct raw {
        unsigned char *data;
        json_t *header;
        size_t n, start;
};

static inline struct raw open_raw(const char *path)
{
        struct raw raw = {0};
        uint64_t length;

        raw.data = read_file(path, &raw.n);
        memcpy(&length, raw.data, 8);
        raw.header = json_loadb((const char *)raw.data + 8, length, 0, NULL);
        raw.start = 8 + length;
        CHECK(raw.header != NULL);
        return raw;
}

static inline float *raw_tensor(const struct raw *raw, const char *name)
{
        const json_t *offsets = json_object_get(json_object_get(raw->header, name), "data_offsets");

        CHECK(offsets != NULL);
        return (float *)(void *)(raw->data + raw->start +
                                 json_integer_value(json_array_get(offsets, 0)));
}

static inline void close_raw(struct raw *raw)
{
        free(raw->data);
        json_decref(raw->header);
}

#endif
