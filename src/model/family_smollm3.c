/* SmolLM 3: Llama with layers without rotary embedding. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"

/* Whether a layer is rotary: by "no_rope_layers", in which 1 means rotary. */
static bool is_rotary(struct hap_settings *s, int layer, int n, int interval)
{
        const json_t *list = hap_settings_value(s, "no_rope_layers");

        if (!list)
                return (layer + 1) % interval != 0;
        if (!json_is_array(list) || json_array_size(list) != (size_t)n) {
                hap_settings_fail(s, "'no_rope_layers' is not a list of %d numbers", n);
                return false;
        }
        return json_integer_value(json_array_get(list, (size_t)layer)) != 0;
}

static void read_smollm3(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        struct hap_weight_layout *l = &blueprint->layout;
        int window, interval;
        bool use;

        hap_settings_default(s, "tie_word_embeddings", json_true());
        hap_settings_default(s, "rope_theta", json_real(2e6));
        hap_llama_sizes(blueprint, 4, 0);
        l->qkv_bias = hap_settings_flag(s, "attention_bias", false);
        l->o_bias = l->qkv_bias;
        l->mlp_bias = hap_settings_flag(s, "mlp_bias", false);
        window = hap_settings_int(s, "sliding_window", 1, HAP_MAX_CONTEXT, 0);
        use = hap_settings_flag(s, "use_sliding_window", false);
        interval = hap_settings_int(s, "no_rope_layer_interval", 1, HAP_MAX_LAYERS, 4);
        hap_llama_layers(blueprint);
        for (int i = 0; s->rc == 0 && i < m->config.n_layers; i++) {
                const bool rotary = is_rotary(s, i, m->config.n_layers, interval);
                const bool slides = hap_settings_layer_slides(s, i, m->config.n_layers,
                                                              use && window && !rotary);

                if (slides && window == 0)
                        hap_settings_refuse(s, "layer_types");
                m->layers[i].window = slides ? window : 0;
                if (!rotary)
                        m->layers[i].rotary_frequency = NULL;
        }
}

/* The metadata do not record which layers are not rotary: every fourth, as in llama.cpp. */
static void read_smollm3_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_model *m = b->model;

        hap_gguf_llama(gguf, b);
        b->layout.rotary_pairs = true;
        hap_gguf_rotary(b, 0, 0, 0);
        for (int i = 3; b->settings->rc == 0 && i < m->config.n_layers; i += 4)
                m->layers[i].rotary_frequency = NULL;
}

const struct hap_family hap_family_smollm3 = {
        .name = "smollm3",
        .architecture = "smollm3",
        .help = "SmolLM 3",
        .layout = &hap_llama_layout,
        .read_config = read_smollm3,
        .read_gguf = read_smollm3_gguf,
};
