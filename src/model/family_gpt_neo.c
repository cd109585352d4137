/* GPT-Neo, TinyStories: attention without a scale, local in some layers. */
#include <string.h>

#include "model/family.h"

static const struct hap_weight_layout neo_layout = {
        .prefixes = {"transformer.", ""},
        .token_embedding = "wte.weight",
        .position_embedding = "wpe.weight",
        .unembedding = "lm_head.weight",
        .final_norm = "ln_f",
        .attention_norm = "h.%d.ln_1",
        .mlp_norm = "h.%d.ln_2",
        .q = "h.%d.attn.attention.q_proj",
        .k = "h.%d.attn.attention.k_proj",
        .v = "h.%d.attn.attention.v_proj",
        .o = "h.%d.attn.attention.out_proj",
        .in = "h.%d.mlp.c_fc",
        .out = "h.%d.mlp.c_proj",
        .ignored = {".attn.attention.bias", ".attn.attention.masked_bias"},
        .o_bias = true,
        .mlp_bias = true,
        .norm_bias = true,
};

/* The kind of a layer's attention: "attention_types" is a list of pairs of a list and how often
 * it is repeated, [[["global", "local"], 12]]. NULL: it names no such layer. */
static const char *attention_type(const json_t *types, int layer)
{
        const json_t *pair;
        size_t i, at = (size_t)layer;

        json_array_foreach(types, i, pair) {
                const json_t *list = json_array_get(pair, 0);
                const size_t n = json_array_size(list);
                const json_int_t times = json_integer_value(json_array_get(pair, 1));

                if (n == 0 || times < 0 || times > HAP_MAX_LAYERS)
                        return NULL;
                if (at < n * (size_t)times)
                        return json_string_value(json_array_get(list, at % n));
                at -= n * (size_t)times;
        }
        return NULL;
}

static void set_windows(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        const int window = hap_settings_int(s, "window_size", 1, HAP_MAX_CONTEXT, 256);
        const json_t *types = hap_settings_value(s, "attention_types");
        json_t *usual = json_pack("[[[s, s], i]]", "global", "local", 12);

        hap_settings_value(s, "attention_layers"); /* made from attention_types */
        for (int i = 0; s->rc == 0 && i < m->config.n_layers; i++) {
                const char *type = attention_type(types ? types : usual, i);

                if (type && strcmp(type, "local") == 0)
                        m->layers[i].window = window;
                else if (!type || strcmp(type, "global") != 0)
                        hap_settings_refuse(s, "attention_types");
        }
        json_decref(usual);
}

static const struct hap_size_keys neo_keys = {"num_layers", "num_heads", "hidden_size",
                                              "intermediate_size", "max_position_embeddings"};

static void read_gpt_neo(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;

        hap_family_gpt_sizes(s, &neo_keys, c);
        c->position_kind = HAP_POSITIONS_LEARNED;
        c->attention_scale = 1;
        c->activation = hap_settings_activation(s, "activation_function", "gelu_new");
        c->tied = hap_settings_flag(s, "tie_word_embeddings", true);
        hap_blueprint_layers(blueprint);
        set_windows(blueprint);
}

const struct hap_family hap_family_gpt_neo = {
        .name = "gpt_neo",
        .help = "GPT-Neo, TinyStories",
        .layout = &neo_layout,
        .read_config = read_gpt_neo,
};
