/* Gemma 3 with its vision part: the text model is described by "text_config". */
#include "model/family.h"
#include "model/gemma_like.h"
#include "model/llama_like.h"

/* Sizes that published configs leave out, because transformers' class has them by default. */
static const struct {
        const char *key;
        int value;
} sizes[] = {
        {"vocab_size", 262208}, {"hidden_size", 2304}, {"intermediate_size", 9216},
        {"num_hidden_layers", 26}, {"num_attention_heads", 8}, {"num_key_value_heads", 4},
        {"head_dim", 256}, {"max_position_embeddings", 131072},
};

/* Keys of the vision part and of where its tokens stand. */
static const char *const vision[] = {
        "vision_config", "mm_tokens_per_image", "boi_token_index", "eoi_token_index",
        "image_token_index",
};

static void read_gemma3_vision(struct hap_blueprint *blueprint)
{
        struct hap_settings *outer = blueprint->settings, inner;
        const json_t *text = hap_settings_value(outer, "text_config");

        for (size_t i = 0; i < sizeof(vision) / sizeof(*vision); i++)
                hap_settings_value(outer, vision[i]);
        if (!json_is_object(text)) {
                hap_settings_fail(outer, "it has no 'text_config'");
                return;
        }
        outer->rc = hap_settings_init(&inner, json_deep_copy(text), outer->path, outer->err);
        if (outer->rc < 0)
                return;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
                hap_settings_default(&inner, sizes[i].key, json_integer(sizes[i].value));
        hap_settings_default(&inner, "tie_word_embeddings",
                             json_boolean(hap_settings_flag(outer, "tie_word_embeddings", true)));
        blueprint->settings = &inner;
        hap_gemma3_read(blueprint);
        blueprint->settings = outer;
        hap_settings_end_inner(outer, "text_config", &inner);
        blueprint->layout.prefixes[0] = "language_model.model.";
        blueprint->layout.prefixes[1] = "model.language_model.";
        blueprint->layout.ignored_prefixes[0] = "vision_tower.";
        blueprint->layout.ignored_prefixes[1] = "multi_modal_projector.";
        blueprint->layout.ignored_prefixes[2] = "model.vision_tower.";
        blueprint->layout.ignored_prefixes[3] = "model.multi_modal_projector.";
}

const struct hap_family hap_family_gemma3 = {
        .name = "gemma3",
        .help = "Gemma 3 with its vision part, on prompts of text",
        .layout = &hap_llama_layout,
        .read_config = read_gemma3_vision,
};
