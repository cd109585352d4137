/* Phi-3, Phi-4: Llama whose q, k and v are one tensor, and so are gate and in. */
#include "model/family.h"
#include "model/gguf_like.h"
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

/* LongRoPE's factors are tensors. Those of long prompts are not used: the context ends where they
 * would be. */
static void read_phi3_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_settings *s = b->settings;
        struct hap_config *c = &b->model->config;
        int original;

        hap_gguf_llama(gguf, b);
        b->layout.gate = NULL;
        b->layout.gate_in = "blk.%d.ffn_up";
        if (hap_gguf_has(gguf, "blk.0.attn_qkv.weight")) {
                b->layout.qkv = "blk.%d.attn_qkv";
                b->layout.fused = HAP_QKV_STACKED;
        }
        original = hap_settings_int(s, "rope.scaling.original_context_length", 1, HAP_MAX_CONTEXT,
                                    c->n_context);
        hap_gguf_rotary(b, 0, 0, 0);
        if (!hap_gguf_has(gguf, "rope_factors_short.weight"))
                return;
        b->layout.rotary_factors = "rope_factors_short.weight";
        b->layout.ignored_prefixes[0] = "rope_factors_long";
        if (original < c->n_context)
                c->n_context = original;
        for (int i = 0; s->rc == 0 && i < c->n_layers; i++)
                b->model->layers[i].rotary_scale = (float)hap_settings_real(
                        s, "rope.scaling.attn_factor", 1e-6, 1e6, 1);
}

const struct hap_family hap_family_phi3 = {
        .name = "phi3",
        .architecture = "phi3",
        .help = "Phi-3, Phi-4",
        .layout = &hap_llama_layout,
        .read_config = read_phi3,
        .read_gguf = read_phi3_gguf,
};
