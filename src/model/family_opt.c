/* OPT: learned positions, whose table begins with two rows that are not used. */
#include <math.h>

#include "model/family.h"

static const struct hap_weight_layout opt_layout = {
        .prefixes = {"model.decoder.", "decoder.", ""},
        .token_embedding = "embed_tokens.weight",
        .position_embedding = "embed_positions.weight",
        .position_offset = 2,
        .unembedding = "lm_head.weight",
        .final_norm = "final_layer_norm",
        .attention_norm = "layers.%d.self_attn_layer_norm",
        .mlp_norm = "layers.%d.final_layer_norm",
        .q = "layers.%d.self_attn.q_proj",
        .k = "layers.%d.self_attn.k_proj",
        .v = "layers.%d.self_attn.v_proj",
        .o = "layers.%d.self_attn.out_proj",
        .in = "layers.%d.fc1",
        .out = "layers.%d.fc2",
        .norm_bias = true,
};

static void read_opt(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;
        struct hap_weight_layout *l = &blueprint->layout;

        c->n_layers = hap_settings_int(s, "num_hidden_layers", 1, HAP_MAX_LAYERS, HAP_REQUIRED);
        c->n_heads = hap_settings_int(s, "num_attention_heads", 1, HAP_MAX_HEADS, HAP_REQUIRED);
        c->n_kv_heads = c->n_heads;
        c->d_model = hap_settings_int(s, "hidden_size", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        hap_family_share_width(s, c);
        c->d_mlp = hap_settings_int(s, "ffn_dim", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        c->n_vocab = hap_settings_int(s, "vocab_size", 1, HAP_MAX_VOCABULARY, HAP_REQUIRED);
        c->n_out = c->n_vocab;
        c->n_context = hap_settings_int(s, "max_position_embeddings", 1, HAP_MAX_CONTEXT,
                                        HAP_REQUIRED);
        if (hap_settings_int(s, "word_embed_proj_dim", 1, HAP_MAX_WIDTH, c->d_model) !=
            c->d_model)
                hap_settings_refuse(s, "word_embed_proj_dim");
        hap_settings_must_be(s, "do_layer_norm_before", true);
        hap_settings_must_be(s, "_remove_final_layer_norm", false);
        if (!hap_settings_flag(s, "layer_norm_elementwise_affine", true))
                hap_settings_refuse(s, "layer_norm_elementwise_affine");
        l->qkv_bias = hap_settings_flag(s, "enable_bias", true);
        l->o_bias = l->mlp_bias = l->qkv_bias;
        hap_settings_value(s, "dropout"); /* of training */
        hap_settings_value(s, "layerdrop");
        hap_settings_value(s, "activation_dropout");
        hap_settings_value(s, "init_std");
        c->norm = HAP_NORM_LAYER;
        c->norm_eps = 1e-5f;
        c->position_kind = HAP_POSITIONS_LEARNED;
        c->causal = true;
        c->attention_scale = 1 / sqrtf((float)c->d_head);
        c->activation = hap_settings_activation(s, "activation_function", "relu");
        c->tied = hap_settings_flag(s, "tie_word_embeddings", true);
        hap_blueprint_layers(blueprint);
}

const struct hap_family hap_family_opt = {
        .name = "opt",
        .help = "OPT",
        .layout = &opt_layout,
        .read_config = read_opt,
};
