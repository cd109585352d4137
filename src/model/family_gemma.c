/* Gemma 1: Llama with a scaled embedding and norms that store w for 1 + w. */
#include <math.h>

#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"

static void read_gemma(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;
        struct hap_weight_layout *l = &blueprint->layout;

        hap_settings_default(s, "tie_word_embeddings", json_true());
        hap_settings_default(s, "hidden_act", json_string("gelu_pytorch_tanh"));
        hap_llama_sizes(blueprint, 16, 256);
        hap_settings_value(s, "hidden_activation"); /* transformers 4.57 reads hidden_act only */
        l->gain_plus_one = true;
        l->qkv_bias = hap_settings_flag(s, "attention_bias", false);
        l->o_bias = l->qkv_bias;
        c->embedding_scale = sqrtf((float)c->d_model);
        hap_llama_layers(blueprint);
}

static void read_gemma_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_llama(gguf, b);
        b->model->config.activation = HAP_GELU_TANH;
        b->model->config.embedding_scale = sqrtf((float)b->model->config.d_model);
        hap_gguf_rotary(b, 0, 0, 0);
}

const struct hap_family hap_family_gemma = {
        .name = "gemma",
        .architecture = "gemma",
        .help = "Gemma 1",
        .layout = &hap_llama_layout,
        .read_config = read_gemma,
        .read_gguf = read_gemma_gguf,
};
