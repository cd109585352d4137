/* Cohere Command R: one norm without bias for attention and MLP, which are parallel. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"

static void read_cohere(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;
        struct hap_weight_layout *l = &blueprint->layout;

        hap_settings_default(s, "tie_word_embeddings", json_true());
        hap_llama_sizes(blueprint, 0, 0);
        hap_llama_layer_norm(blueprint, "layer_norm_eps", false);
        hap_llama_parallel(blueprint);
        c->rotary_interleaved = true;
        c->logit_scale = (float)hap_settings_real(s, "logit_scale", -1e6, 1e6, 0.0625);
        l->qkv_bias = hap_settings_flag(s, "attention_bias", false);
        l->o_bias = l->qkv_bias;
        if (hap_settings_flag(s, "use_qk_norm", false)) {
                l->q_norm = "layers.%d.self_attn.q_norm";
                l->k_norm = "layers.%d.self_attn.k_norm";
                l->qk_norm_each = HAP_QK_NORM_TOGETHER;
        }
        hap_llama_layers(blueprint);
}

static void read_command_r_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_config *c = &b->model->config;

        hap_gguf_layer_norm(gguf, b);
        hap_gguf_parallel(b);
        b->layout.gate = "blk.%d.ffn_gate";
        c->gated = c->rotary_interleaved = true;
        c->activation = HAP_SILU;
        c->logit_scale = (float)hap_settings_real(b->settings, "logit_scale", -1e6, 1e6,
                                                  HAP_REQUIRED);
        if (hap_gguf_has(gguf, "blk.0.attn_q_norm.weight")) {
                b->layout.q_norm = "blk.%d.attn_q_norm";
                b->layout.k_norm = "blk.%d.attn_k_norm";
                b->layout.qk_norm_each = HAP_QK_NORM_TOGETHER;
        }
        hap_gguf_rotary(b, 0, 0, 0);
}

const struct hap_family hap_family_cohere = {
        .name = "cohere",
        .architecture = "command-r",
        .help = "Cohere Command R",
        .layout = &hap_llama_layout,
        .read_config = read_cohere,
        .read_gguf = read_command_r_gguf,
};
