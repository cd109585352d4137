/* The contents of a model's files: weights that are not numbers, fingerprints, shards. */
#include "model_folder.h"

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
              "tensor 'transformer.h.1.attn.c_attn.weight' contains NaN or infinite");
        spoil("transformer.ln_f.bias", 31, -INFINITY,
              "tensor 'transformer.ln_f.bias' contains NaN or infinite");
        spoil("transformer.wpe.weight", 0, NAN, "tensor 'transformer.wpe.weight' contains NaN");
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
        hap_model_release(&m);
        remove_folder();
}

/* The tensors of `raw` whose number is even or odd, as a separate file, which is added to the map
 * of the index. */
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

TEST("a missing shard is an error that names it")
{
        struct hap_error err = {0};
        struct hap_model m;

        write_shards(NULL);
        unlink(in_folder("b.safetensors"));
        CHECK(hap_model_load(&m, folder, &err) == HAP_ESYSTEM);
        CHECK(strstr(err.message, "b.safetensors") != NULL);
        remove_folder();
}

TEST("a tensor of the index that no shard contains is refused")
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
        static const char *const names[] = {"../model.safetensors", "/a/b", "", "a/b", ".."};
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

RUN_TESTS
