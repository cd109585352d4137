/* Qwen 3: Llama with norms of q and k per head. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"

static void read_qwen3(struct hap_blueprint *blueprint)
{
        struct hap_weight_layout *l = &blueprint->layout;

        hap_llama_sizes(blueprint, 32, 128);
        l->qkv_bias = hap_settings_flag(blueprint->settings, "attention_bias", false);
        l->o_bias = l->qkv_bias;
        l->q_norm = "layers.%d.self_attn.q_norm";
        l->k_norm = "layers.%d.self_attn.k_norm";
        hap_llama_layers(blueprint);
        hap_qwen_windows(blueprint);
}

const struct hap_family hap_family_qwen3 = {
        .name = "qwen3",
        .architecture = "qwen3",
        .help = "Qwen 3",
        .layout = &hap_llama_layout,
        .read_config = read_qwen3,
        .read_gguf = hap_gguf_qwen3,
};
