/* GPT-2 (Radford et al. 2019). */
#include <math.h>

#include "model/family.h"
#include "model/gguf_like.h"

static const struct hap_weight_layout gpt2_layout = {
        .prefixes = {"transformer.", ""},
        .token_embedding = "wte.weight",
        .position_embedding = "wpe.weight",
        .unembedding = "lm_head.weight",
        .final_norm = "ln_f",
        .attention_norm = "h.%d.ln_1",
        .mlp_norm = "h.%d.ln_2",
        .qkv = "h.%d.attn.c_attn",
        .o = "h.%d.attn.c_proj",
        .in = "h.%d.mlp.c_fc",
        .out = "h.%d.mlp.c_proj",
        .ignored = {".attn.bias", ".attn.masked_bias"},
        .fused = HAP_QKV_STACKED,
        .transposed = true,
        .qkv_bias = true,
        .o_bias = true,
        .mlp_bias = true,
        .norm_bias = true,
};

static void read_gpt2(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;

        hap_family_gpt_sizes(s, &hap_gpt2_size_keys, c);
        hap_settings_value(s, "n_ctx"); /* an old second name of n_positions */
        c->position_kind = HAP_POSITIONS_LEARNED;
        c->attention_scale = hap_settings_flag(s, "scale_attn_weights", true)
                                     ? 1 / sqrtf((float)c->d_head)
                                     : 1;
        c->attention_scale_by_layer =
                hap_settings_flag(s, "scale_attn_by_inverse_layer_idx", false);
        hap_settings_must_be(s, "add_cross_attention", false);
        c->activation = hap_settings_activation(s, "activation_function", "gelu_new");
        c->tied = hap_settings_flag(s, "tie_word_embeddings", true);
        hap_blueprint_layers(blueprint);
}

static void read_gpt2_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_config *c = &b->model->config;

        hap_gguf_sizes(gguf, b, "attention.layer_norm_epsilon");
        c->norm = HAP_NORM_LAYER;
        c->position_kind = HAP_POSITIONS_LEARNED;
        c->activation = HAP_GELU_TANH;
        b->layout.position_embedding = "position_embd.weight";
        b->layout.qkv = "blk.%d.attn_qkv";
        b->layout.fused = HAP_QKV_STACKED;
        b->layout.norm_bias = true;
}

const struct hap_family hap_family_gpt2 = {
        .name = "gpt2",
        .architecture = "gpt2",
        .help = "GPT-2",
        .layout = &gpt2_layout,
        .read_config = read_gpt2,
        .read_gguf = read_gpt2_gguf,
};
