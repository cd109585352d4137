/* Loading of models: which weight goes where, and which settings are refused. */
#include "model/settings.h"
#include "common/json_file.h"
#include "model_folder.h"
#include "model/description.h"

#define NEOX "tests/golden/families/neox"
#define GEMMA3 "tests/golden/families/gemma3"

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
                        wrong += m.layers[1].q.weight.data[32 * out + in] != w[96 * in + out];
                        wrong += m.layers[1].k.weight.data[32 * out + in] != w[96 * in + 32 + out];
                        wrong += m.layers[1].v.weight.data[32 * out + in] != w[96 * in + 64 + out];
                }
                wrong += m.layers[1].q.bias[out] != b[out];
                wrong += m.layers[1].k.bias[out] != b[32 + out];
                wrong += m.layers[1].v.bias[out] != b[64 + out];
        }
        w = raw_tensor(&raw, "transformer.h.2.mlp.c_fc.weight"); /* [32][128] */
        for (int out = 0; out < 128; out++)
                for (int in = 0; in < 32; in++)
                        wrong += m.layers[2].in.weight.data[32 * out + in] != w[128 * in + out];
        CHECK(wrong == 0);
        CHECK(m.unembedding.data == m.token_embedding.data && !m.unembedding_bias);
        CHECK(m.layers[0].gate.weight.data == NULL && m.layers[0].attention_post_norm.gain == NULL);
        hap_model_release(&m);
        close_raw(&raw);
}

TEST("Llama's weights are taken as stored")
{
        struct raw raw = open_raw(LLAMA "/model.safetensors");
        struct hap_error err = {0};
        struct hap_model m;

        CHECK(hap_model_load(&m, LLAMA, &err) == 0);
        CHECK(memcmp(m.layers[2].k.weight.data, raw_tensor(&raw, "model.layers.2.self_attn.k_proj.weight"),
                     16 * 48 * sizeof(float)) == 0);
        CHECK(memcmp(m.layers[1].gate.weight.data, raw_tensor(&raw, "model.layers.1.mlp.gate_proj.weight"),
                     112 * 48 * sizeof(float)) == 0);
        CHECK(memcmp(m.unembedding.data, raw_tensor(&raw, "lm_head.weight"),
                     101 * 48 * sizeof(float)) == 0);
        CHECK(m.layers[0].q.bias == NULL && m.layers[0].attention_norm.bias == NULL);
        CHECK_NEAR(m.layers[0].rotary_frequency[1], 0.1, 1e-8);
        CHECK(m.n_parameters == 76848);
        CHECK_TEXT(m.dtype, "f32");
        hap_model_release(&m);
        close_raw(&raw);
}

TEST("the description alone equals that of the loaded model")
{
        struct hap_error err = {0};
        struct hap_model m, described;

        CHECK(hap_model_load(&m, LLAMA, &err) == 0);
        CHECK(hap_model_load_config(&described, LLAMA, &err) == 0);
        CHECK(described.config.n_heads == 6 && described.config.n_kv_heads == 2);
        CHECK(memcmp(&m.config, &described.config, sizeof(m.config)) == 0);
        CHECK(described.token_embedding.data == NULL);
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

TEST("unsupported settings that change a model's results are refused by name")
{
        refused(GPT2, "pruned_heads", "{\"0\":[1]}", "unsupported: pruned_heads = ");
        refused(GPT2, "add_cross_attention", "true", "unsupported: add_cross_attention = true");
        refused(GPT2, "activation_function", "\"mish\"",
                "unsupported: activation_function = \"mish\"");
        refused(GPT2, "model_type", "\"mamba\"", "unsupported: model_type = \"mamba\"");
        refused(LLAMA, "rope_scaling", "{\"rope_type\":\"mrope\",\"factor\":4.0}",
                "unsupported: rope_scaling = {\"factor\": 4.0, \"rope_type\": \"mrope\"}");
        refused(LLAMA, "partial_rotary_factor", "0.5", "unsupported: partial_rotary_factor = 0.5");
        refused(LLAMA, "rope_scaling", "{\"partial_rotary_factor\":0.5}",
                "unsupported: rope_scaling");
        refused(LLAMA, "transformers_weights", "\"other.safetensors\"",
                "unsupported: transformers_weights");
        refused(LLAMA, "quantization_config", "{\"bits\":4}",
                "unsupported: quantization_config = {\"bits\": 4} "
                "(use the folder that is not quantised, or a GGUF file)");
}

TEST("unknown settings are refused unless they are empty")
{
        refused(LLAMA, "residual_multiplier", "0.22", "unsupported: residual_multiplier = 0.22");
        CHECK(fingerprint_with(LLAMA, "residual_multiplier", "null") == fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "use_clever_trick", "false") == fingerprint_of(LLAMA));
}

TEST("newer folders describe the same rotary positions by other keys")
{
        CHECK(fingerprint_with(LLAMA, "rope_parameters",
                               "{\"rope_theta\":10000.0,\"rope_type\":\"default\"}") ==
              fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "rope_parameters", "{\"rope_theta\":9999.0}") ==
              fingerprint_with(LLAMA, "rope_theta", "9999.0"));
        CHECK(fingerprint_with(LLAMA, "rope_scaling", "{\"type\":\"linear\",\"factor\":2}") ==
              fingerprint_with(LLAMA, "rope_parameters",
                               "{\"rope_type\":\"linear\",\"factor\":2}"));
        /* transformers reads beta_fast for yarn only. */
        CHECK(fingerprint_with(LLAMA, "rope_scaling",
                               "{\"rope_type\":\"linear\",\"factor\":2,\"beta_fast\":32}") ==
              fingerprint_with(LLAMA, "rope_scaling", "{\"type\":\"linear\",\"factor\":2}"));
        refused(LLAMA, "rope_scaling", "{\"rope_type\":\"linear\"}", "it has no 'factor'");
        refused(LLAMA, "rope_parameters", "{\"partial_rotary_factor\":0.5}",
                "unsupported: rope_parameters");
        CHECK(fingerprint_with(NEOX, "rope_parameters",
                               "{\"partial_rotary_factor\":0.5,\"rope_theta\":9999.0}") !=
              fingerprint_of(NEOX));
        CHECK(fingerprint_with(NEOX, "rope_parameters", "{\"partial_rotary_factor\":0.5}") ==
              fingerprint_with(NEOX, "rotary_pct", "0.5"));
        CHECK(fingerprint_with(GEMMA3, "rope_parameters",
                               "{\"full_attention\":{\"rope_theta\":9999.0},"
                               "\"sliding_attention\":{}}") ==
              fingerprint_with(GEMMA3, "rope_theta", "9999.0"));
        CHECK(fingerprint_with(GEMMA3, "rope_parameters",
                               "{\"full_attention\":{},"
                               "\"sliding_attention\":{\"rope_theta\":9999.0}}") ==
              fingerprint_with(GEMMA3, "rope_local_base_freq", "9999.0"));
        refused(GEMMA3, "rope_parameters", "{\"rope_theta\":9999.0}",
                "unsupported: rope_parameters");
}

TEST("settings without an effect change nothing")
{
        CHECK(fingerprint_with(LLAMA, "attention_dropout", "0.5") == fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "use_cache", "false") == fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "_name_or_path", "\"x\"") == fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "bos_token_id", "5") == fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "unk_token_id", "0") == fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "max_window_layers", "28") == fingerprint_of(LLAMA));
        CHECK(fingerprint_with(LLAMA, "layer_types", "[\"full_attention\"]") ==
              fingerprint_of(LLAMA));
        refused(LLAMA, "layer_types", "[\"sliding_attention\"]", "unsupported: layer_types");
}

TEST("whole numbers of any length are read as the numbers they are")
{
        static const char text[] = "{\"most\": 1000000000000000019884624838656, "
                                   "\"a\": [-99999999999999999999,99999999999999999999], "
                                   "\"text\": \"\\\"1000000000000000019884624838656\", "
                                   "\"real\": 0.12345678901234567890123, "
                                   "\"e\": 1e0000000000000000000001, \"n\": 7}";
        json_error_t why;
        json_t *value = hap_json_text(text, sizeof text - 1, 0, &why);
        const json_t *list = json_object_get(value, "a");

        CHECK(value != NULL);
        CHECK(json_real_value(json_object_get(value, "most")) == 1e30);
        CHECK(json_real_value(json_array_get(list, 0)) == -1e20);
        CHECK(json_real_value(json_array_get(list, 1)) == 1e20);
        CHECK(strcmp(json_string_value(json_object_get(value, "text")),
                     "\"1000000000000000019884624838656") == 0);
        CHECK(json_real_value(json_object_get(value, "real")) == 0.12345678901234567890123);
        CHECK(json_real_value(json_object_get(value, "e")) == 10);
        CHECK(json_integer_value(json_object_get(value, "n")) == 7);
        json_decref(value);
        CHECK(hap_json_text("[1e999]", 7, 0, &why) == NULL);
}

TEST("settings that are missing, wrong or inconsistent are refused")
{
        refused(GPT2, "n_head", NULL, "it has no 'n_head'");
        refused(GPT2, "n_head", "0", "'n_head' is not a whole number from 1");
        refused(GPT2, "n_head", "4.0", "'n_head' is not a whole number");
        refused(GPT2, "n_head", "\"4\"", "'n_head' is not a whole number");
        refused(GPT2, "n_layer", "100000", "'n_layer' is not a whole number from 1 to 4096");
        refused(GPT2, "n_head", "5", "5 heads do not divide a width of 32");
        refused(GPT2, "model_type", NULL, "it has no 'model_type'");
        refused(LLAMA, "num_key_value_heads", "4", "4 key and value heads do not divide 6 heads");
        refused(LLAMA, "rope_theta", "\"x\"", "'rope_theta' is not a number");
        refused(LLAMA, "hidden_act", "7", "'hidden_act' is not a text");
        refused(LLAMA, "attention_bias", "1", "'attention_bias' is neither true nor false");
        refused(GEMMA3, "attention_bias", "true", "attention_bias");
}

TEST("tensors that are missing, misshapen or left over are refused by name")
{
        refused(LLAMA, "num_hidden_layers", "4", "no tensor 'model.layers.3.");
        refused(LLAMA, "num_hidden_layers", "2", "unsupported: tensor 'model.layers.2.");
        refused(LLAMA, "attention_bias", "true",
                "no tensor 'model.layers.0.self_attn.q_proj.bias'");
        refused(LLAMA, "vocab_size", "102",
                "tensor 'model.embed_tokens.weight' has shape [101, 48]; the model's "
                "description requires [102, 48]");
}

/* Loads LLAMA as tied, with the embedding in the place of the stored unembedding. */
static int load_copied_unembedding(struct hap_model *m, struct hap_error *err)
{
        const size_t floats = 101 * 48;
        struct raw raw = open_raw(LLAMA "/model.safetensors");
        const float *in = raw_tensor(&raw, "model.embed_tokens.weight");
        const float *out = raw_tensor(&raw, "lm_head.weight");
        unsigned char *weights;
        size_t n;
        int rc;

        make_folder();
        copy_model(LLAMA, "tie_word_embeddings", "true");
        weights = read_file(in_folder("model.safetensors"), &n);
        memcpy(weights + ((const unsigned char *)out - raw.data), in, floats * sizeof *in);
        write_file("model.safetensors", weights, n);
        rc = hap_model_load(m, folder, err);
        free(weights);
        close_raw(&raw);
        remove_folder();
        return rc;
}

/* Loads GPT2, which is tied and has learned positions, with a copy of its embedding appended to
 * the file as its unembedding. */
static int load_appended_unembedding(struct hap_model *m, struct hap_error *err)
{
        struct raw raw = open_raw(GPT2 "/model.safetensors");
        const float *in = raw_tensor(&raw, "transformer.wte.weight");
        json_t *copy = json_deep_copy(json_object_get(raw.header, "transformer.wte.weight"));
        const json_t *offsets = json_object_get(copy, "data_offsets");
        const size_t n = (size_t)(json_integer_value(json_array_get(offsets, 1)) -
                                  json_integer_value(json_array_get(offsets, 0)));
        const size_t end = raw.n - raw.start;
        char *header;
        uint64_t length;
        FILE *file;
        int rc;

        json_object_set_new(copy, "data_offsets",
                            json_pack("[I, I]", (json_int_t)end, (json_int_t)(end + n)));
        json_object_set_new(raw.header, "lm_head.weight", copy);
        header = json_dumps(raw.header, JSON_COMPACT);
        length = strlen(header);
        make_folder();
        copy_model(GPT2, NULL, NULL);
        file = fopen(in_folder("model.safetensors"), "wb");
        CHECK(file && fwrite(&length, sizeof length, 1, file) == 1 &&
              fwrite(header, length, 1, file) == 1 &&
              fwrite(raw.data + raw.start, end, 1, file) == 1 && fwrite(in, n, 1, file) == 1);
        fclose(file);
        rc = hap_model_load(m, folder, err);
        free(header);
        close_raw(&raw);
        remove_folder();
        return rc;
}

TEST("a tied model may store its unembedding, but only a copy of the embedding")
{
        struct hap_error err = {0};
        struct hap_model m;

        CHECK(load_appended_unembedding(&m, &err) == 0);
        CHECK(m.config.tied && m.unembedding.data == m.token_embedding.data);
        hap_model_release(&m);
        CHECK(load_copied_unembedding(&m, &err) == 0);
        CHECK(m.config.tied && m.unembedding.data == m.token_embedding.data);
        hap_model_release(&m);
        refused(LLAMA, "tie_word_embeddings", "true", "'lm_head.weight' is stored and differs");
}

TEST("a path that does not exist is a system error")
{
        struct hap_error err = {0};
        struct hap_model m;

        CHECK(hap_model_load(&m, "/nonexistent/model", &err) == HAP_ESYSTEM);
        CHECK(strstr(err.message, "'/nonexistent/model'") != NULL);
        CHECK(hap_model_load_config(&m, "/nonexistent/model", &err) == HAP_ESYSTEM);
}

TEST("a file that is not a model is refused")
{
        struct hap_error err = {0};
        struct hap_model m;

        CHECK(hap_model_load(&m, GPT2 "/config.json", &err) == HAP_EINPUT);
        CHECK(strstr(err.message, "name the folder that the file is in") != NULL);
        CHECK(hap_model_load(&m, "tests/unit/model.c", &err) == HAP_EINPUT);
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
