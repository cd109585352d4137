/* Phi-1, Phi-1.5, Phi-2: one norm for attention and MLP, which are parallel; biases everywhere. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"

static void read_phi(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_weight_layout *l = &blueprint->layout;

        hap_settings_default(s, "hidden_act", json_string("gelu_new"));
        hap_llama_sizes(blueprint, 0, 0);
        hap_llama_layer_norm(blueprint, "layer_norm_eps", true);
        hap_llama_parallel(blueprint);
        blueprint->model->config.gated = false;
        l->gate = NULL;
        l->o = "layers.%d.self_attn.dense";
        l->in = "layers.%d.mlp.fc1";
        l->out = "layers.%d.mlp.fc2";
        l->final_norm = "final_layernorm";
        l->unembedding_bias = "lm_head.bias";
        l->qkv_bias = l->o_bias = l->mlp_bias = l->qk_norm_bias = true;
        if (hap_settings_flag(s, "qk_layernorm", false)) {
                l->q_norm = "layers.%d.self_attn.q_layernorm";
                l->k_norm = "layers.%d.self_attn.k_layernorm";
        }
        hap_llama_layers_partial(blueprint, 0.5);
}

static void read_phi2_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_layer_norm(gguf, b);
        hap_gguf_parallel(b);
        b->model->config.activation = HAP_GELU_TANH;
        b->layout.unembedding_bias = "output.bias";
        hap_gguf_rotary(b, 0, 0, 0);
}

const struct hap_family hap_family_phi = {
        .name = "phi",
        .architecture = "phi2",
        .help = "Phi-1, Phi-1.5, Phi-2",
        .layout = &hap_llama_layout,
        .read_config = read_phi,
        .read_gguf = read_phi2_gguf,
};
