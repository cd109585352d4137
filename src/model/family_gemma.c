/* Gemma 2 and the text model of Gemma 3: scaled embedding, norms that store w
 * for 1 + w and stand after attention and MLP too, caps, layers that see only a
 * window. */
#include <math.h>

#include "model/family.h"

/* A cap that may be null for none. */
static float read_cap(struct hap_settings *s, const char *key, double fallback)
{
        if (hap_settings_is_null(s, key))
                fallback = 0;
        return (float)hap_settings_real(s, key, 1e-6, 1e6, fallback);
}

static void describe(struct hap_blueprint *blueprint, double attention_cap, double logit_cap)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;
        struct hap_layout *l = &blueprint->layout;

        hap_family_llama_sizes(blueprint, 4, 256);
        l->attention_post_norm = "layers.%d.post_attention_layernorm";
        l->mlp_norm = "layers.%d.pre_feedforward_layernorm";
        l->mlp_post_norm = "layers.%d.post_feedforward_layernorm";
        l->gain_plus_one = true;
        hap_settings_must_be(s, "attention_bias", false); /* the norm behind would take it in */
        c->activation = hap_settings_activation(s, "hidden_activation", "gelu_pytorch_tanh");
        hap_settings_value(s, "hidden_act"); /* a second name that the family does not read */
        c->tied = hap_settings_flag(s, "tie_word_embeddings", true);
        c->embedding_scale = sqrtf((float)c->d_model);
        c->attention_scale = (float)(1 / sqrt(hap_settings_real(s, "query_pre_attn_scalar", 1e-6,
                                                                1e9, 256)));
        c->attention_cap = read_cap(s, "attn_logit_softcapping", attention_cap);
        c->logit_cap = read_cap(s, "final_logit_softcapping", logit_cap);
        hap_settings_must_be(s, "use_bidirectional_attention", false);
        hap_blueprint_layers(blueprint);
}

void hap_family_gemma2(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        struct hap_rotary rotary = {0};
        const float *frequencies;
        int window;

        describe(blueprint, 50, 30);
        window = hap_settings_int(s, "sliding_window", 1, HAP_MAX_CONTEXT, 4096);
        rotary.n = m->config.n_rotary;
        hap_rotary_read(blueprint, &rotary, 10000);
        frequencies = hap_rotary_make(blueprint, &rotary);
        for (int i = 0; frequencies && i < m->config.n_layers; i++) {
                bool slides = hap_settings_layer_slides(s, i, m->config.n_layers, i % 2 == 0);

                m->layers[i].rotary_frequency = frequencies;
                m->layers[i].window = slides ? window : 0;
        }
}

/* Layers that slide have angles of their own, without scaling. */
void hap_family_gemma3(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        struct hap_rotary global = {0}, local = {0};
        const float *global_frequencies, *local_frequencies;
        int window, pattern;

        describe(blueprint, 0, 0);
        blueprint->layout.q_norm = "layers.%d.self_attn.q_norm";
        blueprint->layout.k_norm = "layers.%d.self_attn.k_norm";
        window = hap_settings_int(s, "sliding_window", 1, HAP_MAX_CONTEXT, 4096);
        pattern = hap_settings_int(s, "sliding_window_pattern", 1, HAP_MAX_LAYERS, 6);
        pattern = hap_settings_int(s, "_sliding_window_pattern", 1, HAP_MAX_LAYERS, pattern);
        global.n = local.n = m->config.n_rotary;
        global.theta = hap_settings_real(s, "rope_theta", 1, 1e12, 1e6);
        local.theta = hap_settings_real(s, "rope_local_base_freq", 1, 1e12, 10000);
        hap_rotary_read_object(blueprint, "rope_scaling", NULL, &global);
        hap_rotary_read_object(blueprint, "rope_parameters", "full_attention", &global);
        hap_rotary_read_object(blueprint, "rope_parameters", "sliding_attention", &local);
        if ((global.part != 0 && global.part != 1) || (local.part != 0 && local.part != 1))
                hap_settings_refuse(s, "rope_parameters");
        global_frequencies = hap_rotary_make(blueprint, &global);
        local_frequencies = hap_rotary_make(blueprint, &local);
        for (int i = 0; s->rc == 0 && i < m->config.n_layers; i++) {
                bool slides = hap_settings_layer_slides(s, i, m->config.n_layers,
                                                        (i + 1) % pattern != 0);

                m->layers[i].rotary_frequency = slides ? local_frequencies : global_frequencies;
                m->layers[i].window = slides ? window : 0;
        }
}
