/* Llama. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"

static void read_llama(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_weight_layout *l = &blueprint->layout;

        hap_llama_sizes(blueprint, 0, 0);
        l->qkv_bias = hap_settings_flag(s, "attention_bias", false);
        l->o_bias = l->qkv_bias;
        l->mlp_bias = hap_settings_flag(s, "mlp_bias", false);
        /* Not read by the class; models converted from Mistral and Qwen have them. */
        hap_settings_value(s, "sliding_window");
        hap_settings_value(s, "use_sliding_window");
        hap_settings_value(s, "qkv_bias");
        hap_llama_layers(blueprint);
}

static void read_llama_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_llama(gguf, b);
        b->layout.rotary_pairs = true;
        hap_gguf_rotary(b, 0, 0, 0);
        if (b->model->config.n_rotary != b->model->config.d_head)
                hap_settings_refuse(b->settings, "rope.dimension_count");
}

const struct hap_family hap_family_llama = {
        .name = "llama",
        .architecture = "llama",
        .help = "Llama, SmolLM2",
        .layout = &hap_llama_layout,
        .read_config = read_llama,
        .read_gguf = read_llama_gguf,
};
