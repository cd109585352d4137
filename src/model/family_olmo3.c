/* OLMo 3: OLMo 2 with windows; layers with a window have plain rotary positions. */
#include "model/family.h"
#include "model/llama_like.h"
#include "model/olmo_like.h"
#include "model/rotary.h"

static void read_olmo3(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        struct hap_rotary rotary = {0}, plain = {0};
        const float *frequencies, *plain_frequencies;
        int window;

        hap_olmo_layout(blueprint);
        hap_llama_sizes(blueprint, 0, 0);
        hap_llama_layers(blueprint);
        window = hap_settings_int(s, "sliding_window", 1, HAP_MAX_CONTEXT, 4096);
        plain.n = rotary.n = m->config.n_rotary;
        hap_rotary_read(blueprint, &rotary, 10000);
        plain.theta = rotary.theta;
        frequencies = hap_rotary_make(blueprint, &rotary);
        plain_frequencies = hap_rotary_make(blueprint, &plain);
        for (int i = 0; s->rc == 0 && i < m->config.n_layers; i++) {
                const bool slides = hap_settings_layer_slides(s, i, m->config.n_layers,
                                                              (i + 1) % 4 != 0);

                m->layers[i].window = slides ? window : 0;
                m->layers[i].rotary_frequency = slides ? plain_frequencies : frequencies;
        }
}

const struct hap_family hap_family_olmo3 = {
        .name = "olmo3",
        .help = "OLMo 3",
        .layout = &hap_llama_layout,
        .read_config = read_olmo3,
};
