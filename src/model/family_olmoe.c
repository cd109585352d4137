/* OLMoE: Llama with a mixture of experts, and the norm of q and k of OLMo 2. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"
#include "model/moe_like.h"

static void read_olmoe(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_weight_layout *l = &blueprint->layout;

        hap_settings_default(s, "rms_norm_eps", json_real(1e-5));
        hap_llama_sizes(blueprint, 0, 0);
        hap_experts_sizes(blueprint, "num_experts", 64, 8);
        hap_experts_apart(blueprint);
        if (hap_settings_value(s, "clip_qkv"))
                hap_settings_refuse(s, "clip_qkv");
        l->qkv_bias = hap_settings_flag(s, "attention_bias", false);
        l->o_bias = l->qkv_bias;
        l->q_norm = "layers.%d.self_attn.q_norm";
        l->k_norm = "layers.%d.self_attn.k_norm";
        l->qk_norm_each = HAP_QK_NORM_ALL;
        hap_llama_layers(blueprint);
}

static void read_olmoe_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_llama(gguf, b);
        b->model->config.route_all = true;
        b->layout.q_norm = "blk.%d.attn_q_norm";
        b->layout.k_norm = "blk.%d.attn_k_norm";
        b->layout.qk_norm_each = HAP_QK_NORM_ALL;
        hap_gguf_rotary(b, 0, 0, 0);
}

const struct hap_family hap_family_olmoe = {
        .name = "olmoe",
        .architecture = "olmoe",
        .help = "OLMoE",
        .layout = &hap_llama_layout,
        .read_config = read_olmoe,
        .read_gguf = read_olmoe_gguf,
};
