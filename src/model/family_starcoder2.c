/* StarCoder 2: grouped queries, LayerNorm, biases, an MLP without a gate. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"

static void read_starcoder2(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_weight_layout *l = &blueprint->layout;
        int window = 0;

        hap_settings_default(s, "tie_word_embeddings", json_true());
        hap_settings_default(s, "hidden_act", json_string("gelu_pytorch_tanh"));
        hap_llama_sizes(blueprint, 2, 0);
        hap_llama_layer_norm(blueprint, "norm_epsilon", true);
        blueprint->model->config.gated = false;
        l->gate = NULL;
        l->in = "layers.%d.mlp.c_fc";
        l->out = "layers.%d.mlp.c_proj";
        l->qkv_bias = hap_settings_flag(s, "use_bias", true);
        l->o_bias = l->mlp_bias = l->qkv_bias;
        hap_settings_value(s, "norm_type");  /* transformers reads none of these */
        hap_settings_value(s, "mlp_type");
        hap_settings_value(s, "scale_attn_weights");
        window = hap_settings_int(s, "sliding_window", 1, HAP_MAX_CONTEXT, 0);
        hap_llama_layers(blueprint);
        hap_llama_windows(blueprint, window, 0);
}

static void read_starcoder2_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_layer_norm(gguf, b);
        b->model->config.activation = HAP_GELU_TANH;
        hap_gguf_rotary(b, 0, 0, 0);
}

const struct hap_family hap_family_starcoder2 = {
        .name = "starcoder2",
        .architecture = "starcoder2",
        .help = "StarCoder 2",
        .layout = &hap_llama_layout,
        .read_config = read_starcoder2,
        .read_gguf = read_starcoder2_gguf,
};
