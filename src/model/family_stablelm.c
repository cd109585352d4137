/* StableLM: LayerNorm, part of a head rotary, q and k perhaps normalised with a gain per head. */
#include "model/family.h"
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

const struct hap_family hap_family_stablelm = {
        .name = "stablelm",
        .help = "StableLM",
        .layout = &hap_llama_layout,
        .read_config = read_stablelm,
};
