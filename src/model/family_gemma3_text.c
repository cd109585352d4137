/* The text model of Gemma 3. Layers with a sliding window have their own frequencies, without
 * scaling. */
#include "model/family.h"
#include "model/gemma_like.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"
#include "model/rotary.h"

void hap_gemma3_read(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        struct hap_rotary global = {0}, local = {0};
        const float *global_frequencies, *local_frequencies;
        int window, pattern;

        hap_gemma_sizes(blueprint, 0);
        hap_settings_value(s, "attn_logit_softcapping"); /* the family does not read it */
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

static void read_gemma3_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_gemma(gguf, b, 62);
        b->layout.q_norm = "blk.%d.attn_q_norm";
        b->layout.k_norm = "blk.%d.attn_k_norm";
        b->model->config.logit_cap = (float)hap_settings_real(
                b->settings, "final_logit_softcapping", 0, 1e6, 0);
        hap_gguf_rotary(b, 6, 0, 10000);
}

const struct hap_family hap_family_gemma3_text = {
        .name = "gemma3_text",
        .architecture = "gemma3",
        .help = "the text model of Gemma 3",
        .layout = &hap_llama_layout,
        .read_config = hap_gemma3_read,
        .read_gguf = read_gemma3_gguf,
};
