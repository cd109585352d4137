/* Mistral: Llama with a window in all layers, or in those that "layer_types" names. */
#include "model/family.h"
#include "model/llama_like.h"

static void read_mistral(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        int window = hap_settings_is_null(s, "sliding_window") ? 0 : 4096;

        hap_llama_sizes(blueprint, 8, 0);
        window = hap_settings_int(s, "sliding_window", 1, HAP_MAX_CONTEXT, window);
        hap_llama_layers(blueprint);
        hap_llama_windows(blueprint, window, 0);
}

const struct hap_family hap_family_mistral = {
        .name = "mistral",
        .help = "Mistral",
        .layout = &hap_llama_layout,
        .read_config = read_mistral,
};
