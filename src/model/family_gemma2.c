/* Gemma 2. */
#include "model/family.h"
#include "model/gemma_like.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"
#include "model/rotary.h"

static void read_gemma2(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        struct hap_rotary rotary = {0};
        const float *frequencies;
        int window;

        hap_gemma_sizes(blueprint, 30);
        m->config.attention_cap = hap_gemma_cap(s, "attn_logit_softcapping", 50);
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

static void read_gemma2_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_config *c = &b->model->config;

        hap_gguf_gemma(gguf, b, 46);
        c->attention_cap = (float)hap_settings_real(b->settings, "attn_logit_softcapping", 0,
                                                    1e6, 50);
        c->logit_cap = (float)hap_settings_real(b->settings, "final_logit_softcapping", 0, 1e6,
                                                30);
        hap_gguf_rotary(b, 2, 4096, 0);
}

const struct hap_family hap_family_gemma2 = {
        .name = "gemma2",
        .architecture = "gemma2",
        .help = "Gemma 2",
        .layout = &hap_llama_layout,
        .read_config = read_gemma2,
        .read_gguf = read_gemma2_gguf,
};
