/* Files of models: they load or are refused, and what has loaded can be read to its end. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/gguf.h"
#include "common/memory.h"
#include "model/description.h"
#include "model/folder.h"
#include "model/model.h"
#include "model/report.h"
#include "model/zip.h"
#include "target.h"
#include "tokenizer/tokenizer.h"

/* Reads the last weight of the last layer, so that a size larger than the allocation is detected. */
static void look_at(const struct hap_model *model)
{
        const struct hap_config *c = &model->config;
        const struct hap_layer *last = &model->layers[c->n_layers - 1];
        size_t n = (size_t)c->d_model * (size_t)c->d_mlp;
        volatile float sink;

        sink = model->unembedding.data[(size_t)c->n_out * (size_t)c->d_model - 1];
        if (last->out.weight.data)
                sink = last->out.weight.data[n - 1];
        (void)sink;
}

static void describe(const struct hap_model *model)
{
        json_t *description = hap_model_describe(model);

        MUST(json_is_object(description));
        json_decref(description);
        MUST(hap_model_f32_bytes(&model->config) > 0);
        hap_report_model(model, fuzz_sink());
}

static bool load(const char *path)
{
        struct hap_model model;
        struct hap_error err;

        if (!fuzz_done(hap_model_load(&model, path, &err), &err))
                return false;
        look_at(&model);
        describe(&model);
        hap_model_release(&model);
        return true;
}

static bool load_config(const char *path)
{
        struct hap_model model;
        struct hap_error err;

        if (!fuzz_done(hap_model_load_config(&model, path, &err), &err))
                return false;
        describe(&model);
        hap_model_release(&model);
        return true;
}

bool fuzz_gguf(const uint8_t *data, size_t n)
{
        const char *path = fuzz_file("gguf", "model.gguf", data, n);
        struct hap_tokenizer *tokenizer;
        struct hap_error err;
        bool loaded = load(path);

        MUST(load_config(path) || !loaded);
        if (fuzz_done(hap_tokenizer_load(&tokenizer, path, &err), &err))
                hap_tokenizer_free(tokenizer);
        return loaded;
}

/* Every getter, on a key that may have another type. */
static void get(const struct hap_gguf *gguf, const char *key)
{
        const struct hap_gguf_value *value = hap_gguf_find(gguf, key);
        struct hap_gguf_text text, *texts;
        struct hap_error err;
        int64_t number, *numbers;
        size_t n;
        float *reals;
        bool flag;

        fuzz_done(hap_gguf_int(gguf, key, &number, &err), &err);
        fuzz_done(hap_gguf_bool(gguf, key, &flag, &err), &err);
        if (hap_gguf_text(gguf, key, &text, &err) == 1)
                fwrite(text.text, 1, text.length, fuzz_sink());
        if (hap_gguf_texts(gguf, key, &texts, &n, &err) == 1) {
                for (size_t i = 0; i < n; i++)
                        fwrite(texts[i].text, 1, texts[i].length, fuzz_sink());
                free(texts);
        }
        if (hap_gguf_ints(gguf, key, &numbers, &n, &err) == 1) {
                MUST(value->n == n);
                for (size_t i = 0; i < n; i++)
                        MUST(numbers[i] == hap_gguf_element_int(value, i));
                free(numbers);
        }
        if (hap_gguf_reals(gguf, key, &reals, &n, &err) == 1) {
                MUST(value->n == n);
                fprintf(fuzz_sink(), "%g", n ? hap_gguf_element_real(value, n - 1) : 0);
                free(reals);
        }
}

bool fuzz_gguf_values(const uint8_t *data, size_t n)
{
        struct hap_gguf gguf = {0};
        struct hap_error err;
        char key[256];

        if (!fuzz_done(hap_gguf_parse(&gguf, data, n, "fuzz", &err), &err))
                return false;
        for (size_t i = 0; i < gguf.n_values; i++) {
                const struct hap_gguf_text *name = &gguf.values[i].key;

                snprintf(key, sizeof key, "%.*s", name->length < 255 ? (int)name->length : 255,
                         name->text);
                get(&gguf, key);
        }
        get(&gguf, "no.such.key");
        for (size_t i = 0; i < gguf.n_tensors; i++)
                fwrite(gguf.tensors[i].data, 1, gguf.tensors[i].bytes, fuzz_sink());
        hap_gguf_close(&gguf);
        return true;
}

bool fuzz_safetensors(const uint8_t *data, size_t n)
{
        const uint8_t *weights;
        size_t config, n_weights;

        if (!fuzz_split(data, n, &weights, &config, &n_weights))
                return false;
        fuzz_file("safetensors", "config.json", data + 2, config);
        fuzz_file("safetensors", "model.safetensors", weights, n_weights);
        return load(fuzz_folder("safetensors"));
}

/* The shard that the seeds name is the file of the small model. */
bool fuzz_index(const uint8_t *data, size_t n)
{
        static bool linked;
        struct hap_store store = {0};
        struct hap_error err;
        char target[512], path[512];
        bool accepted;

        snprintf(target, sizeof target, "%s/model.safetensors", fuzz_model());
        snprintf(path, sizeof path, "%s/a.safetensors", fuzz_folder("index"));
        MUST(linked || symlink(target, path) == 0);
        linked = true;
        fuzz_file("index", "model.safetensors.index.json", data, n);
        accepted = hap_store_open_folder(&store, fuzz_folder("index"), &err) == 0;
        MUST(accepted || (*err.message && !hap_memory_was_short())); /* a shard may not exist */
        for (size_t i = 0; accepted && i < store.n; i++)
                fwrite(store.items[i].data, 1, store.items[i].bytes, fuzz_sink());
        hap_store_close(&store);
        return accepted;
}

bool fuzz_config(const uint8_t *data, size_t n)
{
        fuzz_file("config", "config.json", data, n);
        return load_config(fuzz_folder("config"));
}

bool fuzz_zip(const uint8_t *data, size_t n)
{
        char to[512];
        struct hap_error err;
        bool accepted;

        snprintf(to, sizeof to, "%s/out", fuzz_folder("zip"));
        unlink(to);
        accepted = fuzz_done(hap_zip_extract(fuzz_file("zip", "archive", data, n), ".gguf", to, &err),
                             &err);
        unlink(to);
        return accepted;
}
