/* Phi-3, Phi-4: Llama whose q, k and v are one tensor, and so are gate and in. */
#include "model/family.h"
#include "model/llama_like.h"

static void read_phi3(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_weight_layout *l = &blueprint->layout;
        int window;

        hap_llama_sizes(blueprint, 0, 0);
        blueprint->model->config.norm_eps = (float)hap_settings_real(s, "rms_norm_eps", 0, 1, 1e-5);
        l->qkv = "layers.%d.self_attn.qkv_proj";
        l->fused = HAP_QKV_STACKED;
        l->gate_in = "layers.%d.mlp.gate_up_proj";
        hap_settings_value(s, "original_max_position_embeddings"); /* longrope's */
        hap_settings_value(s, "attention_bias"); /* not read by the family */
        window = hap_settings_int(s, "sliding_window", 1, HAP_MAX_CONTEXT, 0);
        hap_llama_layers_partial(blueprint, 1);
        hap_llama_windows(blueprint, window, 0);
}

const struct hap_family hap_family_phi3 = {
        .name = "phi3",
        .help = "Phi-3, Phi-4",
        .layout = &hap_llama_layout,
        .read_config = read_phi3,
};
