/* Granite 3: Llama with multipliers. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"

static void read_granite(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;
        struct hap_weight_layout *l = &blueprint->layout;

        hap_llama_sizes(blueprint, 0, 0);
        l->qkv_bias = hap_settings_flag(s, "attention_bias", false);
        l->o_bias = l->qkv_bias;
        l->mlp_bias = hap_settings_flag(s, "mlp_bias", false);
        c->embedding_scale = (float)hap_settings_real(s, "embedding_multiplier", -1e6, 1e6, 1);
        c->residual_scale = (float)hap_settings_real(s, "residual_multiplier", -1e6, 1e6, 1);
        c->attention_scale = (float)hap_settings_real(s, "attention_multiplier", -1e6, 1e6, 1);
        c->logit_scale = (float)(1 / hap_settings_real(s, "logits_scaling", 1e-6, 1e6, 1));
        hap_llama_layers(blueprint);
}

static void read_granite_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_settings *s = b->settings;
        struct hap_config *c = &b->model->config;

        hap_gguf_llama(gguf, b);
        b->layout.rotary_pairs = true;
        c->embedding_scale = (float)hap_settings_real(s, "embedding_scale", -1e6, 1e6, 1);
        c->residual_scale = (float)hap_settings_real(s, "residual_scale", -1e6, 1e6, 1);
        c->logit_scale = (float)(1 / hap_settings_real(s, "logit_scale", 1e-6, 1e6, 1));
        hap_gguf_rotary(b, 0, 0, 0);
}

const struct hap_family hap_family_granite = {
        .name = "granite",
        .architecture = "granite",
        .help = "Granite 3",
        .layout = &hap_llama_layout,
        .read_config = read_granite,
        .read_gguf = read_granite_gguf,
};
