/* Loading of models: which weight goes where, what is refused, fingerprints. */
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

static void make_folder(void)
{
        strcpy(folder, P_tmpdir "/hap-model-XXXXXX");
        CHECK(mkdtemp(folder) != NULL);
}

static const char *in_folder(const char *name)
{
        static char path[4][128];
        static int next;

        next = (next + 1) % 4;
        snprintf(path[next], sizeof(path[next]), "%s/%s", folder, name);
        return path[next];
}

static void remove_folder(void)
{
        static const char *const names[] = {"config.json", "model.safetensors", "tokenizer.json",
                                            "model.safetensors.index.json", "a.safetensors",
                                            "b.safetensors", "tokenizer_config.json"};

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                unlink(in_folder(names[i]));
        rmdir(folder);
}

static void write_file(const char *name, const void *data, size_t n)
{
        FILE *file = fopen(in_folder(name), "wb");

        CHECK(file && fwrite(data, 1, n, file) == n);
        if (file)
                fclose(file);
}

static unsigned char *read_file(const char *path, size_t *n)
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
static void copy_model(const char *model, const char *key, const char *value)
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

static void refused(const char *model, const char *key, const char *value, const char *why)
{
        struct hap_error err = {0};
        struct hap_model m;

        make_folder();
        copy_model(model, key, value);
        CHECK(hap_model_load(&m, folder, &err) == HAP_EINPUT);
        if (!strstr(err.message, why)) {
                printf("# '%s' does not say '%s'\n", err.message, why);
                CHECK(0);
        }
        remove_folder();
}

static uint64_t fingerprint_with(const char *model, const char *key, const char *value)
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

static uint64_t fingerprint_of(const char *path)
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

static struct raw open_raw(const char *path)
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

static float *raw_tensor(const struct raw *raw, const char *name)
{
        const json_t *offsets = json_object_get(json_object_get(raw->header, name), "data_offsets");

        CHECK(offsets != NULL);
        return (float *)(void *)(raw->data + raw->start +
                                 json_integer_value(json_array_get(offsets, 0)));
}

static void close_raw(struct raw *raw)
{
        free(raw->data);
        json_decref(raw->header);
}

/* --- tests --- */

TEST("GPT-2's fused and transposed weights are taken apart")
{
        struct raw raw = open_raw(GPT2 "/model.safetensors");
        struct hap_error err = {0};
        struct hap_model m;
        const float *w, *b;
        int wrong = 0;

        CHECK(hap_model_load(&m, GPT2, &err) == 0);
        w = raw_tensor(&raw, "transformer.h.1.attn.c_attn.weight"); /* [32][96] */
        b = raw_tensor(&raw, "transformer.h.1.attn.c_attn.bias");
        for (int out = 0; out < 32; out++) {
                for (int in = 0; in < 32; in++) {
                        wrong += m.layers[1].q.weight[32 * out + in] != w[96 * in + out];
                        wrong += m.layers[1].k.weight[32 * out + in] != w[96 * in + 32 + out];
                        wrong += m.layers[1].v.weight[32 * out + in] != w[96 * in + 64 + out];
                }
                wrong += m.layers[1].q.bias[out] != b[out];
                wrong += m.layers[1].k.bias[out] != b[32 + out];
                wrong += m.layers[1].v.bias[out] != b[64 + out];
        }
        w = raw_tensor(&raw, "transformer.h.2.mlp.c_fc.weight"); /* [32][128] */
        for (int out = 0; out < 128; out++)
                for (int in = 0; in < 32; in++)
                        wrong += m.layers[2].in.weight[32 * out + in] != w[128 * in + out];
        CHECK(wrong == 0);
        CHECK(m.unembedding == m.token_embedding && !m.unembedding_bias);
        CHECK(m.layers[0].gate.weight == NULL && m.layers[0].attention_post_norm.gain == NULL);
        hap_model_release(&m);
        close_raw(&raw);
}

TEST("Llama's weights are taken as they lie")
{
        struct raw raw = open_raw(LLAMA "/model.safetensors");
        struct hap_error err = {0};
        struct hap_model m;

        CHECK(hap_model_load(&m, LLAMA, &err) == 0);
        CHECK(memcmp(m.layers[2].k.weight, raw_tensor(&raw, "model.layers.2.self_attn.k_proj.weight"),
                     16 * 48 * sizeof(float)) == 0);
        CHECK(memcmp(m.layers[1].gate.weight, raw_tensor(&raw, "model.layers.1.mlp.gate_proj.weight"),
                     112 * 48 * sizeof(float)) == 0);
        CHECK(memcmp(m.unembedding, raw_tensor(&raw, "lm_head.weight"),
                     101 * 48 * sizeof(float)) == 0);
        CHECK(m.layers[0].q.bias == NULL && m.layers[0].attention_norm.bias == NULL);
        CHECK_NEAR(m.layers[0].rotary_frequency[1], 0.1, 1e-8);
        CHECK(m.n_parameters == 76848);
        CHECK_TEXT(m.dtype, "f32");
        hap_model_release(&m);
        close_raw(&raw);
}

TEST("the description alone says what the loaded model says")
{
        struct hap_error err = {0};
        struct hap_model m, described;

        CHECK(hap_model_load(&m, LLAMA, &err) == 0);
        CHECK(hap_model_load_config(&described, LLAMA, &err) == 0);
        CHECK(described.config.n_heads == 6 && described.config.n_kv_heads == 2);
        CHECK(memcmp(&m.config, &described.config, sizeof(m.config)) == 0);
        CHECK(described.token_embedding == NULL);
        hap_model_release(&m);
        hap_model_release(&described);
}

TEST("a Tracr model is recognised by its config")
{
        struct hap_error err = {0};
        struct hap_model m;

        CHECK(hap_model_load(&m, "tests/golden/tracr-reverse", &err) == 0);
        CHECK_TEXT(m.config.family, "tracr");
        CHECK(m.config.n_vocab == 5 && m.config.n_out == 3 && m.config.d_mlp == 30);
        CHECK(m.config.norm == HAP_NORM_NONE && !m.config.causal);
        CHECK(m.config.activation == HAP_RELU && !m.config.tied);
        CHECK(m.position_embedding != NULL && m.final_norm.gain == NULL);
        hap_model_release(&m);
}

TEST("settings that change what a model computes are refused by name")
{
        refused(GPT2, "scale_attn_by_inverse_layer_idx", "true",
                "unsupported: scale_attn_by_inverse_layer_idx = true");
        refused(GPT2, "add_cross_attention", "true", "unsupported: add_cross_attention = true");
        refused(GPT2, "activation_function", "\"mish\"",
                "unsupported: activation_function = \"mish\"");
        refused(GPT2, "model_type", "\"bloom\"", "unsupported: model_type = \"bloom\"");
        refused(LLAMA, "rope_scaling", "{\"rope_type\":\"yarn\",\"factor\":4.0}",
                "unsupported: rope_scaling = {\"factor\": 4.0, \"rope_type\": \"yarn\"}");
        refused(LLAMA, "partial_rotary_factor", "0.5", "unsupported: partial_rotary_factor = 0.5");
        refused(LLAMA, "quantization_config", "{\"bits\":4}",
                "unsupported: quantization_config = {\"bits\": 4}");
}

TEST("settings that nobody knows are refused unless they say nothing")
{
        refused(LLAMA, "residual_multiplier", "0.22", "unsupported: residual_multiplier = 0.22");
        CHECK(fingerprint_with(LLAMA, "residual_multiplier", "null") == fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "use_clever_trick", "false") == fingerprint_of(LLAMA));
}

TEST("settings without an effect change nothing")
{
        CHECK(fingerprint_with(LLAMA, "attention_dropout", "0.5") == fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "use_cache", "false") == fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "_name_or_path", "\"x\"") == fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "bos_token_id", "5") == fingerprint_of(LLAMA));
}

TEST("settings that are missing, wrong or inconsistent are refused")
{
        refused(GPT2, "n_head", NULL, "does not say 'n_head'");
        refused(GPT2, "n_head", "0", "'n_head' is not a whole number from 1");
        refused(GPT2, "n_head", "4.0", "'n_head' is not a whole number");
        refused(GPT2, "n_head", "\"4\"", "'n_head' is not a whole number");
        refused(GPT2, "n_layer", "100000", "'n_layer' is not a whole number from 1 to 4096");
        refused(GPT2, "n_head", "5", "5 heads do not divide a width of 32");
        refused(GPT2, "model_type", NULL, "does not say 'model_type'");
        refused(LLAMA, "num_key_value_heads", "4", "4 key and value heads do not divide 6 heads");
        refused(LLAMA, "rope_theta", "\"x\"", "'rope_theta' is not a number");
        refused(LLAMA, "hidden_act", "7", "'hidden_act' is not a text");
        refused(LLAMA, "attention_bias", "1", "'attention_bias' is neither true nor false");
}

TEST("tensors that are missing, misshapen or left over are refused by name")
{
        refused(LLAMA, "num_hidden_layers", "4", "no tensor 'model.layers.3.");
        refused(LLAMA, "num_hidden_layers", "2", "unsupported: tensor 'model.layers.2.");
        refused(LLAMA, "attention_bias", "true",
                "no tensor 'model.layers.0.self_attn.q_proj.bias'");
        refused(LLAMA, "vocab_size", "102",
                "tensor 'model.embed_tokens.weight' has the shape [101, 48], by the model's "
                "description it would be [102, 48]");
}

TEST("an unembedding that is tied anyway may be stored")
{
        CHECK(fingerprint_with(LLAMA, "tie_word_embeddings", "true") != fingerprint_of(LLAMA));
}

static void spoil(const char *tensor, size_t element, float value, const char *why)
{
        struct hap_error err = {0};
        struct hap_model m;
        struct raw raw;

        make_folder();
        copy_model(GPT2, NULL, NULL);
        raw = open_raw(in_folder("model.safetensors"));
        raw_tensor(&raw, tensor)[element] = value;
        write_file("model.safetensors", raw.data, raw.n);
        CHECK(hap_model_load(&m, folder, &err) == HAP_EINPUT);
        CHECK(strstr(err.message, why) != NULL);
        close_raw(&raw);
        remove_folder();
}

TEST("NaN and infinite weights are refused by the tensor's name")
{
        spoil("transformer.h.1.attn.c_attn.weight", 95, NAN,
              "tensor 'transformer.h.1.attn.c_attn.weight' holds NaN or infinite");
        spoil("transformer.ln_f.bias", 31, -INFINITY,
              "tensor 'transformer.ln_f.bias' holds NaN or infinite");
        spoil("transformer.wpe.weight", 0, NAN, "tensor 'transformer.wpe.weight' holds NaN");
}

TEST("the fingerprint changes with any weight and any size")
{
        struct hap_error err = {0};
        struct hap_model m;
        struct raw raw;

        make_folder();
        copy_model(GPT2, NULL, NULL);
        raw = open_raw(in_folder("model.safetensors"));
        raw_tensor(&raw, "transformer.h.0.ln_2.bias")[7] += 1e-6f;
        write_file("model.safetensors", raw.data, raw.n);
        CHECK(hap_model_load(&m, folder, &err) == 0);
        CHECK(m.fingerprint != fingerprint_of(GPT2));
        hap_model_release(&m);
        close_raw(&raw);
        remove_folder();
        CHECK(fingerprint_with(GPT2, "layer_norm_epsilon", "1e-6") != fingerprint_of(GPT2));
        CHECK(fingerprint_with(GPT2, "n_head", "8") != fingerprint_of(GPT2));
        CHECK(fingerprint_with(LLAMA, "rope_theta", "9999") != fingerprint_of(LLAMA));
}

TEST("the fingerprint does not change with path and tokenizer")
{
        struct hap_error err = {0};
        struct hap_model m;

        make_folder();
        copy_model(GPT2, NULL, NULL);
        write_file("tokenizer.json", "{}", 2);
        write_file("tokenizer_config.json", "{\"add_bos_token\":true}", 22);
        CHECK(hap_model_load(&m, folder, &err) == 0);
        CHECK(m.fingerprint == fingerprint_of(GPT2));
        CHECK(m.config.add_bos);
        hap_model_release(&m);
        remove_folder();
}

/* The tensors of `raw` whose number is even or odd, as a file of their own; the
 * map of the index learns where they are. */
static void write_shard(const struct raw *raw, const char *name, int odd, json_t *map)
{
        json_t *header = json_object(), *entry;
        unsigned char *file = malloc(raw->n + 16), *data = malloc(raw->n);
        size_t at = 0, length;
        const char *key;
        uint64_t n;
        char *text;
        int i = 0;

        json_object_foreach(raw->header, key, entry) {
                long long first = json_integer_value(
                        json_array_get(json_object_get(entry, "data_offsets"), 0));
                size_t bytes = (size_t)(json_integer_value(json_array_get(
                                                json_object_get(entry, "data_offsets"), 1)) -
                                        first);

                if (strcmp(key, "__metadata__") == 0 || i++ % 2 != odd)
                        continue;
                memcpy(data + at, raw->data + raw->start + first, bytes);
                json_object_set_new(header, key,
                                    json_pack("{s:s, s:O, s:[I, I]}", "dtype", "F32", "shape",
                                              json_object_get(entry, "shape"), "data_offsets",
                                              (json_int_t)at, (json_int_t)(at + bytes)));
                json_object_set_new(map, key, json_string(name));
                at += bytes;
        }
        text = json_dumps(header, 0);
        length = strlen(text);
        n = length;
        memcpy(file, &n, 8);
        memcpy(file + 8, text, length);
        memcpy(file + 8 + length, data, at);
        write_file(name, file, 8 + length + at);
        free(text);
        free(data);
        free(file);
        json_decref(header);
}

static void write_shards(const char *missing)
{
        json_t *map = json_object(), *index;
        struct raw raw;

        make_folder();
        copy_model(LLAMA, NULL, NULL);
        raw = open_raw(in_folder("model.safetensors"));
        unlink(in_folder("model.safetensors"));
        write_shard(&raw, "a.safetensors", 0, map);
        write_shard(&raw, "b.safetensors", 1, map);
        if (missing)
                json_object_set_new(map, missing, json_string("a.safetensors"));
        index = json_pack("{s:{s:i}, s:o}", "metadata", "total_size", 307392, "weight_map", map);
        CHECK(json_dump_file(index, in_folder("model.safetensors.index.json"), 0) == 0);
        json_decref(index);
        close_raw(&raw);
}

TEST("a model in shards is the same model")
{
        struct hap_error err = {0};
        struct hap_model m;

        write_shards(NULL);
        CHECK(hap_model_load(&m, folder, &err) == 0);
        CHECK(m.fingerprint == fingerprint_of(LLAMA));
        hap_model_release(&m);
        remove_folder();
}

TEST("a shard that is not there is an error that names it")
{
        struct hap_error err = {0};
        struct hap_model m;

        write_shards(NULL);
        unlink(in_folder("b.safetensors"));
        CHECK(hap_model_load(&m, folder, &err) == HAP_ESYSTEM);
        CHECK(strstr(err.message, "b.safetensors") != NULL);
        remove_folder();
}

TEST("a tensor that the index promises and no shard holds is refused")
{
        struct hap_error err = {0};
        struct hap_model m;

        write_shards("model.layers.7.extra");
        CHECK(hap_model_load(&m, folder, &err) == HAP_EINPUT);
        CHECK(strstr(err.message, "'model.layers.7.extra' is in none of its files") != NULL);
        remove_folder();
}

TEST("an index that names files elsewhere is refused")
{
        static const char *const names[] = {"../model.safetensors", "/tmp/a", "", "a/b", ".."};
        struct hap_error err;
        struct hap_model m;
        char index[256];

        for (int i = 0; i < 5; i++) {
                write_shards(NULL);
                snprintf(index, sizeof(index), "{\"weight_map\":{\"x\":\"%s\"}}", names[i]);
                write_file("model.safetensors.index.json", index, strlen(index));
                CHECK(hap_model_load(&m, folder, &err) == HAP_EINPUT);
                CHECK(strstr(err.message, "is not a plain name") != NULL);
                remove_folder();
        }
}

TEST("a path that is not there is a system's error")
{
        struct hap_error err = {0};
        struct hap_model m;

        CHECK(hap_model_load(&m, "/nonexistent/model", &err) == HAP_ESYSTEM);
        CHECK(strstr(err.message, "'/nonexistent/model'") != NULL);
        CHECK(hap_model_load_config(&m, "/nonexistent/model", &err) == HAP_ESYSTEM);
}

TEST("a file that is no model is refused")
{
        struct hap_error err = {0};
        struct hap_model m;

        CHECK(hap_model_load(&m, GPT2 "/config.json", &err) == HAP_EINPUT);
        CHECK(strstr(err.message, "not a GGUF file") != NULL);
}

TEST("a stream's header is checked against the model")
{
        struct hap_error err = {0};
        struct hap_model gpt2, llama;
        json_t *header;

        CHECK(hap_model_load(&gpt2, GPT2, &err) == 0 && hap_model_load(&llama, LLAMA, &err) == 0);
        header = json_pack("{s:i, s:o}", "hap", 1, "model", hap_model_describe(&gpt2));
        CHECK(hap_model_check(&gpt2, header, "x.cache", &err) == 0);
        CHECK(hap_model_check(&llama, header, "x.cache", &err) == HAP_EINPUT);
        CHECK(strstr(err.message, "'x.cache': made for model ") != NULL);
        json_object_del(header, "model");
        CHECK(hap_model_check(&llama, header, "x.cache", &err) == 0);
        json_object_set_new(header, "model", json_pack("{s:s}", "path", GPT2));
        CHECK(hap_model_check(&gpt2, header, "x.cache", &err) == HAP_EINPUT);
        json_decref(header);
        hap_model_release(&gpt2);
        hap_model_release(&llama);
}

TEST("a model describes itself for a header")
{
        struct hap_error err = {0};
        struct hap_model m;
        json_t *d;

        CHECK(hap_model_load(&m, LLAMA, &err) == 0);
        d = hap_model_describe(&m);
        CHECK_TEXT(json_string_value(json_object_get(d, "path")), LLAMA);
        CHECK_TEXT(json_string_value(json_object_get(d, "family")), "llama");
        CHECK(strlen(json_string_value(json_object_get(d, "fingerprint"))) == 16);
        CHECK(json_integer_value(json_object_get(d, "kv_heads")) == 2);
        CHECK(json_integer_value(json_object_get(d, "vocabulary")) == 101);
        json_decref(d);
        hap_model_release(&m);
}

RUN_TESTS
