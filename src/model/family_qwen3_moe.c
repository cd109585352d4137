/* Qwen 3 MoE: Qwen 3 with a mixture of experts in every layer. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"
#include "model/moe_like.h"

static void read_qwen3_moe(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;
        struct hap_weight_layout *l = &blueprint->layout;
        int window;
        bool use;

        hap_llama_sizes(blueprint, 4, 0);
        c->d_mlp = hap_settings_int(s, "moe_intermediate_size", 1, HAP_MAX_WIDTH, 768);
        hap_experts_sizes(blueprint, "num_experts", 128, 8);
        hap_experts_apart(blueprint);
        if (hap_settings_int(s, "decoder_sparse_step", 0, HAP_MAX_LAYERS, 1) != 1)
                hap_settings_refuse(s, "decoder_sparse_step");
        if (json_array_size(hap_settings_value(s, "mlp_only_layers")) > 0)
                hap_settings_refuse(s, "mlp_only_layers");
        l->qkv_bias = hap_settings_flag(s, "attention_bias", false);
        l->o_bias = l->qkv_bias;
        l->q_norm = "layers.%d.self_attn.q_norm";
        l->k_norm = "layers.%d.self_attn.k_norm";
        hap_llama_layers(blueprint);
        use = hap_settings_flag(s, "use_sliding_window", false);
        window = hap_settings_int(s, "sliding_window", 1, HAP_MAX_CONTEXT, 4096);
        hap_llama_windows(blueprint, use ? window : 0, 0);
        hap_settings_value(s, "max_window_layers"); /* not read by the class */
}

const struct hap_family hap_family_qwen3_moe = {
        .name = "qwen3_moe",
        .architecture = "qwen3moe",
        .help = "Qwen 3 MoE",
        .layout = &hap_llama_layout,
        .read_config = read_qwen3_moe,
        .read_gguf = hap_gguf_qwen3,
};
