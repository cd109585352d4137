#include "model/gemma_like.h"

#include <math.h>

#include "model/llama_like.h"

float hap_gemma_cap(struct hap_settings *s, const char *key, double fallback)
{
        if (hap_settings_is_null(s, key))
                fallback = 0;
        return (float)hap_settings_real(s, key, 1e-6, 1e6, fallback);
}

void hap_gemma_sizes(struct hap_blueprint *blueprint, double logit_cap)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;
        struct hap_weight_layout *l = &blueprint->layout;

        hap_llama_sizes(blueprint, 4, 256);
        l->attention_post_norm = "layers.%d.post_attention_layernorm";
        l->mlp_norm = "layers.%d.pre_feedforward_layernorm";
        l->mlp_post_norm = "layers.%d.post_feedforward_layernorm";
        l->gain_plus_one = true;
        hap_settings_must_be(s, "attention_bias", false); /* the post-norm would absorb it */
        c->activation = hap_settings_activation(s, "hidden_activation", "gelu_pytorch_tanh");
        hap_settings_value(s, "hidden_act"); /* a second name that the family does not read */
        c->tied = hap_settings_flag(s, "tie_word_embeddings", true);
        c->embedding_scale = sqrtf((float)c->d_model);
        c->attention_scale = (float)(1 / sqrt(hap_settings_real(s, "query_pre_attn_scalar", 1e-6,
                                                                1e9, 256)));
        c->logit_cap = hap_gemma_cap(s, "final_logit_softcapping", logit_cap);
        hap_settings_must_be(s, "use_bidirectional_attention", false);
        hap_blueprint_layers(blueprint);
}
