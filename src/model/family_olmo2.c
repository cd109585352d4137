/* OLMo 2: Llama with norms after attention and MLP, not before, and one norm of the queries of
 * all heads together, and one of the keys. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"
#include "model/olmo_like.h"

void hap_olmo_layout(struct hap_blueprint *blueprint)
{
        struct hap_weight_layout *l = &blueprint->layout;

        l->attention_norm = NULL;
        l->attention_post_norm = "layers.%d.post_attention_layernorm";
        l->mlp_norm = NULL;
        l->mlp_post_norm = "layers.%d.post_feedforward_layernorm";
        l->q_norm = "layers.%d.self_attn.q_norm";
        l->k_norm = "layers.%d.self_attn.k_norm";
        l->qk_norm_each = HAP_QK_NORM_ALL;
        l->qkv_bias = hap_settings_flag(blueprint->settings, "attention_bias", false);
        l->o_bias = l->qkv_bias;
        hap_settings_default(blueprint->settings, "rms_norm_eps", json_real(1e-5));
}

static void read_olmo2(struct hap_blueprint *blueprint)
{
        hap_olmo_layout(blueprint);
        hap_llama_sizes(blueprint, 0, 0);
        hap_llama_layers(blueprint);
}

const struct hap_family hap_family_olmo2 = {
        .name = "olmo2",
        .help = "OLMo 2",
        .layout = &hap_llama_layout,
        .read_config = read_olmo2,
};
