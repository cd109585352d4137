/* gpt-oss: a mixture of experts with its own activation, attention sinks, and windows in every
 * second layer. */
#include <string.h>

#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"
#include "model/moe_like.h"
#include "model/rotary.h"

/* The published folders store the experts as MXFP4. */
static enum hap_experts experts_storage(struct hap_settings *s)
{
        const json_t *how = hap_settings_value(s, "quantization_config");
        const char *method = json_string_value(json_object_get(how, "quant_method"));

        if (!how)
                return HAP_EXPERTS_IN_OUT;
        if (!method || strcmp(method, "mxfp4") != 0)
                hap_settings_refuse(s, "quantization_config");
        return HAP_EXPERTS_MXFP4;
}

static void read_gpt_oss(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        struct hap_weight_layout *l = &blueprint->layout;
        int window;

        hap_settings_default(s, "rms_norm_eps", json_real(1e-5));
        hap_settings_default(s, "rope_theta", json_real(150000));
        hap_settings_default(s, "rope_scaling",
                             json_pack("{s:s, s:f, s:f, s:f, s:b, s:i}", "rope_type", "yarn",
                                       "factor", 32.0, "beta_fast", 32.0, "beta_slow", 1.0,
                                       "truncate", 0, "original_max_position_embeddings", 4096));
        hap_llama_sizes(blueprint, 8, hap_settings_is_null(s, "head_dim") ? 0 : 64);
        hap_experts_sizes(blueprint, "num_local_experts", 128, 4);
        m->config.swiglu_limit = 7; /* in the class; "swiglu_limit" is not read there */
        if (hap_settings_real(s, "swiglu_limit", -1e9, 1e9, 7) != 7)
                hap_settings_refuse(s, "swiglu_limit");
        hap_settings_value(s, "experts_per_token"); /* a second name, not read by the class */
        l->experts = experts_storage(s);
        l->router = "layers.%d.mlp.router";
        l->gate_in = "layers.%d.mlp.experts.gate_up_proj";
        l->out = "layers.%d.mlp.experts.down_proj";
        l->sinks = "layers.%d.self_attn.sinks";
        l->router_bias = l->mlp_bias = true;
        l->qkv_bias = l->o_bias = hap_settings_flag(s, "attention_bias", true);
        hap_llama_layers(blueprint);
        window = hap_settings_int(s, "sliding_window", 1, HAP_MAX_CONTEXT, 128);
        for (int i = 0; s->rc == 0 && i < m->config.n_layers; i++)
                m->layers[i].window = hap_settings_layer_slides(s, i, m->config.n_layers,
                                                                i % 2 == 0) ? window : 0;
}

static void read_gpt_oss_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_llama(gguf, b);
        b->model->config.swiglu_limit = 7;
        b->layout.mlp_norm = "blk.%d.post_attention_norm";
        b->layout.sinks = "blk.%d.attn_sinks.weight";
        b->yarn_exact = true;
        hap_gguf_rotary(b, 2, 0, 0);
}

const struct hap_family hap_family_gpt_oss = {
        .name = "gpt_oss",
        .architecture = "gpt-oss",
        .help = "gpt-oss",
        .layout = &hap_llama_layout,
        .read_config = read_gpt_oss,
        .read_gguf = read_gpt_oss_gguf,
};
