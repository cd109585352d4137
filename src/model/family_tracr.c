/* Models that Tracr compiled: a GPT-2 without norms, causal mask and tied output. */
#include <math.h>
#include <string.h>

#include "model/family.h"

static const struct hap_weight_layout tracr_layout = {
        .prefixes = {""},
        .token_embedding = "token_embed",
        .position_embedding = "pos_embed",
        .unembedding = "unembed",
        .q = "layers.%d.attn.q",
        .k = "layers.%d.attn.k",
        .v = "layers.%d.attn.v",
        .o = "layers.%d.attn.o",
        .in = "layers.%d.mlp.in",
        .out = "layers.%d.mlp.out",
        .transposed = true,
        .embedding_out_in = true,
        .qkv_bias = true,
        .o_bias = true,
        .mlp_bias = true,
};

/* Keys that describe the compiled program, not the model. */
static const char *const tracr_notes[] = {
        "name",           "program",          "vocabulary",      "input_tokens",
        "output",         "output_positions", "residual_labels", "compiled_with",
        "output_residual_labels", "max_tokens_after_bos", "bos_token", "pad_token",
        "bos_id",         "pad_id",           "weight_layout",
};

static void must_say(struct hap_settings *s, const char *key, const char *text)
{
        const char *value = hap_settings_text(s, key, text);

        if (strcmp(value, text) != 0)
                hap_settings_refuse(s, key);
}

static void read_tracr(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;

        for (size_t i = 0; i < sizeof(tracr_notes) / sizeof(*tracr_notes); i++)
                hap_settings_value(s, tracr_notes[i]);
        c->n_layers = hap_settings_int(s, "n_layers", 1, HAP_MAX_LAYERS, HAP_REQUIRED);
        c->n_heads = hap_settings_int(s, "n_heads", 1, HAP_MAX_HEADS, HAP_REQUIRED);
        c->n_kv_heads = c->n_heads;
        c->d_model = hap_settings_int(s, "d_model", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        c->d_head = hap_settings_int(s, "d_head", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        c->d_mlp = hap_settings_int(s, "d_ff", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        c->n_vocab = hap_settings_int(s, "n_vocab", 1, HAP_MAX_VOCABULARY, HAP_REQUIRED);
        c->n_out = hap_settings_int(s, "n_out", 1, HAP_MAX_VOCABULARY, HAP_REQUIRED);
        c->n_context = hap_settings_int(s, "n_pos", 1, HAP_MAX_CONTEXT, HAP_REQUIRED);
        c->norm = HAP_NORM_NONE;
        hap_settings_must_be(s, "layer_norm", false);
        c->position_kind = HAP_POSITIONS_LEARNED;
        c->causal = hap_settings_flag(s, "causal", false);
        must_say(s, "attention_scale", "1/sqrt(d_head)");
        if (hap_settings_value(s, "attention_mask"))
                hap_settings_refuse(s, "attention_mask");
        c->attention_scale = 1 / sqrtf((float)c->d_head);
        c->activation = hap_settings_activation(s, "activation", "relu");
        hap_blueprint_layers(blueprint);
}

const struct hap_family hap_family_tracr = {
        .name = "tracr",
        .help = "models compiled by Tracr",
        .layout = &tracr_layout,
        .read_config = read_tracr,
        .name_prefix = "tracr-",
};
