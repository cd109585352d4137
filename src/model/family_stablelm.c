/* StableLM: LayerNorm, part of a head rotary, q and k perhaps normalised with a gain per head. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"

static void read_stablelm(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_weight_layout *l = &blueprint->layout;

        hap_llama_sizes(blueprint, 32, 0);
        hap_llama_layer_norm(blueprint, "layer_norm_eps", true);
        l->qkv_bias = hap_settings_flag(s, "use_qkv_bias", false);
        if (hap_settings_flag(s, "use_parallel_residual", false))
                hap_llama_parallel(blueprint);
        if (hap_settings_flag(s, "qk_layernorm", false)) {
                l->q_norm = "layers.%d.self_attn.q_layernorm.norms";
                l->k_norm = "layers.%d.self_attn.k_layernorm.norms";
                l->qk_norm_each = HAP_QK_NORM_APART;
        }
        hap_llama_layers_partial(blueprint, 0.25);
}

static void read_stablelm_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_config *c = &b->model->config;

        hap_gguf_layer_norm(gguf, b);
        b->layout.gate = "blk.%d.ffn_gate";
        c->gated = true;
        c->activation = HAP_SILU;
        if (hap_settings_flag(b->settings, "use_parallel_residual", false) &&
            !hap_gguf_has(gguf, "blk.0.ffn_norm.weight"))
                hap_gguf_parallel(b);
        if (hap_gguf_has(gguf, "blk.0.attn_q_norm.weight")) {
                b->layout.q_norm = "blk.%d.attn_q_norm";
                b->layout.k_norm = "blk.%d.attn_k_norm";
                b->layout.qk_norm_each = HAP_QK_NORM_TOGETHER;
        }
        hap_gguf_rotary(b, 0, 0, 0);
}

const struct hap_family hap_family_stablelm = {
        .name = "stablelm",
        .architecture = "stablelm",
        .help = "StableLM",
        .layout = &hap_llama_layout,
        .read_config = read_stablelm,
        .read_gguf = read_stablelm_gguf,
};
