/* GPT-BigCode, SantaCoder, StarCoder: GPT-2 whose heads may share one key and value. */
#include <math.h>

#include "model/family.h"
#include "model/gguf_like.h"

static const struct hap_weight_layout bigcode_layout = {
        .prefixes = {"transformer.", ""},
        .token_embedding = "wte.weight",
        .position_embedding = "wpe.weight",
        .unembedding = "lm_head.weight",
        .final_norm = "ln_f",
        .attention_norm = "h.%d.ln_1",
        .mlp_norm = "h.%d.ln_2",
        .qkv = "h.%d.attn.c_attn",
        .o = "h.%d.attn.c_proj",
        .in = "h.%d.mlp.c_fc",
        .out = "h.%d.mlp.c_proj",
        .ignored = {".attn.bias", ".attn.masked_bias"},
        .qkv_bias = true,
        .o_bias = true,
        .mlp_bias = true,
        .norm_bias = true,
};

/* Keys of how attention is computed, not of what. */
static const char *const ways[] = {
        "attention_softmax_in_fp32", "scale_attention_softmax_in_fp32", "inference_runner",
        "validate_runner_input", "pre_allocate_kv_cache", "max_sequence_length",
        "max_batch_size", "pad_key_length",
};

static void read_gpt_bigcode(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;

        hap_family_gpt_sizes(s, &hap_gpt2_size_keys, c);
        c->n_kv_heads = hap_settings_flag(s, "multi_query", true) ? 1 : c->n_heads;
        blueprint->layout.fused = c->n_kv_heads == 1 ? HAP_QKV_STACKED : HAP_QKV_PER_GROUP;
        hap_settings_value(s, "num_key_value_heads"); /* made from multi_query */
        for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
                hap_settings_value(s, ways[i]);
        c->position_kind = HAP_POSITIONS_LEARNED;
        c->attention_scale = hap_settings_flag(s, "scale_attn_weights", true)
                                     ? 1 / sqrtf((float)c->d_head)
                                     : 1;
        hap_settings_must_be(s, "add_cross_attention", false);
        c->activation = hap_settings_activation(s, "activation_function", "gelu_pytorch_tanh");
        c->tied = hap_settings_flag(s, "tie_word_embeddings", true);
        hap_blueprint_layers(blueprint);
}

static void read_starcoder_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_layer_norm(gguf, b);
        b->model->config.position_kind = HAP_POSITIONS_LEARNED;
        b->model->config.activation = HAP_GELU_TANH;
        b->layout.position_embedding = "position_embd.weight";
}

const struct hap_family hap_family_gpt_bigcode = {
        .name = "gpt_bigcode",
        .architecture = "starcoder",
        .help = "GPT-BigCode, SantaCoder, StarCoder",
        .layout = &bigcode_layout,
        .read_config = read_gpt_bigcode,
        .read_gguf = read_starcoder_gguf,
};
