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

/* OLMo 3 has the same architecture; its layers with a window have plain rotary positions. */
static void read_olmo2_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_weight_layout *l = &b->layout;

        hap_gguf_llama(gguf, b);
        l->attention_norm = l->mlp_norm = NULL;
        l->attention_post_norm = "blk.%d.post_attention_norm";
        l->mlp_post_norm = "blk.%d.post_ffw_norm";
        l->q_norm = "blk.%d.attn_q_norm";
        l->k_norm = "blk.%d.attn_k_norm";
        l->qk_norm_each = HAP_QK_NORM_ALL;
        hap_gguf_rotary(b, 4, 0, hap_settings_real(b->settings, "rope.freq_base", 1, 1e12, 10000));
}

const struct hap_family hap_family_olmo2 = {
        .name = "olmo2",
        .architecture = "olmo2",
        .help = "OLMo 2",
        .layout = &hap_llama_layout,
        .read_config = read_olmo2,
        .read_gguf = read_olmo2_gguf,
};
