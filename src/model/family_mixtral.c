/* Mixtral: Mistral with a mixture of experts. */
#include "model/family.h"
#include "model/llama_like.h"
#include "model/moe_like.h"

static void read_mixtral(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_weight_layout *l = &blueprint->layout;
        int window;

        hap_settings_default(s, "rms_norm_eps", json_real(1e-5));
        hap_settings_default(s, "rope_theta", json_real(1e6));
        hap_llama_sizes(blueprint, 8, 0);
        hap_experts_sizes(blueprint, "num_local_experts", 8, 2);
        window = hap_settings_int(s, "sliding_window", 1, HAP_MAX_CONTEXT, 0);
        l->router = "layers.%d.block_sparse_moe.gate";
        l->gate = "layers.%d.block_sparse_moe.experts.%d.w1";
        l->in = "layers.%d.block_sparse_moe.experts.%d.w3";
        l->out = "layers.%d.block_sparse_moe.experts.%d.w2";
        hap_llama_layers(blueprint);
        hap_llama_windows(blueprint, window, 0);
}

const struct hap_family hap_family_mixtral = {
        .name = "mixtral",
        .help = "Mixtral",
        .layout = &hap_llama_layout,
        .read_config = read_mixtral,
};
