#include "model/blueprint.h"

#include <string.h>

void hap_blueprint_layers(struct hap_blueprint *blueprint)
{
        struct hap_model *m = blueprint->model;

        if (blueprint->settings->rc < 0)
                return;
        m->layers = hap_arena_alloc(&m->arena, (size_t)m->config.n_layers, sizeof(*m->layers));
        if (!m->layers) {
                blueprint->settings->rc = hap_fail_memory(blueprint->err, "the model's layers");
                return;
        }
        for (int i = 0; i < m->config.n_layers; i++)
                m->layers[i].rotary_scale = 1;
}

void hap_blueprint_scale_rotary(struct hap_blueprint *blueprint)
{
        struct hap_model *m = blueprint->model;

        for (int s = 0; s < blueprint->n_scales; s++)
                for (int i = 0; m->layers && i < m->config.n_layers; i++)
                        if (m->layers[i].rotary_frequency == blueprint->scales[s].frequencies)
                                m->layers[i].rotary_scale = blueprint->scales[s].scale;
}

void hap_family_share_width(struct hap_settings *settings, struct hap_config *config)
{
        if (settings->rc == 0 && config->d_model % config->n_heads != 0)
                hap_settings_fail(settings, "%d heads do not divide a width of %d",
                                  config->n_heads, config->d_model);
        config->d_head = config->d_model / config->n_heads;
}

const struct hap_size_keys hap_gpt2_size_keys = {"n_layer", "n_head", "n_embd", "n_inner",
                                                 "n_positions"};

/* The names that transformers gives all families (attribute_map), for the family's own. */
static void read_common_name(struct hap_settings *s, const char *own, const char *common)
{
        const json_t *value = hap_settings_value(s, common);

        if (!value || strcmp(own, common) == 0)
                return;
        hap_settings_default(s, own, json_incref((json_t *)value));
        if (!json_equal(value, hap_settings_value(s, own)))
                hap_settings_fail(s, "its '%s' is not its '%s'", common, own);
}

void hap_family_gpt_sizes(struct hap_settings *s, const struct hap_size_keys *keys,
                          struct hap_config *c)
{
        read_common_name(s, keys->layers, "num_hidden_layers");
        read_common_name(s, keys->heads, "num_attention_heads");
        read_common_name(s, keys->width, "hidden_size");
        read_common_name(s, keys->context, "max_position_embeddings");
        c->n_layers = hap_settings_int(s, keys->layers, 1, HAP_MAX_LAYERS, HAP_REQUIRED);
        c->n_heads = hap_settings_int(s, keys->heads, 1, HAP_MAX_HEADS, HAP_REQUIRED);
        c->n_kv_heads = c->n_heads;
        c->d_model = hap_settings_int(s, keys->width, 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        hap_family_share_width(s, c);
        c->d_mlp = hap_settings_int(s, keys->hidden, 1, HAP_MAX_WIDTH, 4.0 * c->d_model);
        c->n_vocab = hap_settings_int(s, "vocab_size", 1, HAP_MAX_VOCABULARY, HAP_REQUIRED);
        c->n_out = c->n_vocab;
        c->n_context = hap_settings_int(s, keys->context, 1, HAP_MAX_CONTEXT, HAP_REQUIRED);
        c->norm = HAP_NORM_LAYER;
        c->norm_eps = (float)hap_settings_real(s, "layer_norm_epsilon", 0, 1, 1e-5);
        c->causal = true;
}

enum hap_activation hap_settings_activation(struct hap_settings *settings, const char *key,
                                            const char *fallback)
{
        static const struct {
                const char *name;
                enum hap_activation activation;
        } names[] = {
                {"gelu", HAP_GELU},
                {"gelu_new", HAP_GELU_TANH},
                {"gelu_python", HAP_GELU},
                {"gelu_fast", HAP_GELU_TANH},
                {"gelu_accurate", HAP_GELU_TANH},
                {"gelu_python_tanh", HAP_GELU_TANH},
                {"gelu_pytorch_tanh", HAP_GELU_TANH},
                {"relu", HAP_RELU},
                {"silu", HAP_SILU},
                {"swish", HAP_SILU},
        };
        const char *name = hap_settings_text(settings, key, fallback);

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                if (strcmp(name, names[i].name) == 0)
                        return names[i].activation;
        hap_settings_refuse(settings, key);
        return HAP_GELU;
}

bool hap_settings_layer_slides(struct hap_settings *settings, int i, int n, bool fallback)
{
        const json_t *types = hap_settings_value(settings, "layer_types");
        const char *type;

        if (!types)
                return fallback;
        if (!json_is_array(types) || json_array_size(types) != (size_t)n) {
                hap_settings_fail(settings, "'layer_types' is not a list of %d texts", n);
                return false;
        }
        type = json_string_value(json_array_get(types, (size_t)i));
        if (type && strcmp(type, "sliding_attention") == 0)
                return true;
        if (!type || strcmp(type, "full_attention") != 0)
                hap_settings_refuse(settings, "layer_types");
        return false;
}
