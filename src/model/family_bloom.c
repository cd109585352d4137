/* BLOOM: ALiBi, and a norm of the embedding. */
#include <math.h>

#include "model/alibi.h"
#include "model/family.h"
#include "model/gguf_like.h"

static const struct hap_weight_layout bloom_layout = {
        .prefixes = {"transformer.", ""},
        .token_embedding = "word_embeddings.weight",
        .embedding_norm = "word_embeddings_layernorm",
        .unembedding = "lm_head.weight",
        .final_norm = "ln_f",
        .attention_norm = "h.%d.input_layernorm",
        .mlp_norm = "h.%d.post_attention_layernorm",
        .qkv = "h.%d.self_attention.query_key_value",
        .o = "h.%d.self_attention.dense",
        .in = "h.%d.mlp.dense_h_to_4h",
        .out = "h.%d.mlp.dense_4h_to_h",
        .fused = HAP_QKV_PER_GROUP,
        .qkv_bias = true,
        .o_bias = true,
        .mlp_bias = true,
        .norm_bias = true,
};

/* Keys of training, and of how the model is computed, not of what. */
static const char *const ways[] = {
        "slow_but_exact", "attention_softmax_in_fp32", "bias_dropout_fusion",
        "masked_softmax_fusion", "offset_alibi", "skip_bias_add", "skip_bias_add_qkv", "n_inner",
};

static void read_bloom(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;
        int layers = hap_settings_int(s, "num_hidden_layers", 1, HAP_MAX_LAYERS, 2);
        int heads = hap_settings_int(s, "num_attention_heads", 1, HAP_MAX_HEADS, 8);
        int width = hap_settings_int(s, "hidden_size", 1, HAP_MAX_WIDTH, 64);

        for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
                hap_settings_value(s, ways[i]);
        c->n_layers = hap_settings_int(s, "n_layer", 1, HAP_MAX_LAYERS, layers);
        c->n_heads = hap_settings_int(s, "n_head", 1, HAP_MAX_HEADS, heads);
        c->n_kv_heads = c->n_heads;
        c->d_model = hap_settings_int(s, "n_embed", 1, HAP_MAX_WIDTH, width);
        hap_family_share_width(s, c);
        c->d_mlp = 4 * c->d_model;
        c->n_vocab = hap_settings_int(s, "vocab_size", 1, HAP_MAX_VOCABULARY, HAP_REQUIRED);
        c->n_out = c->n_vocab;
        c->n_context = hap_settings_int(s, "seq_length", 1, HAP_MAX_CONTEXT, 2048);
        c->norm = HAP_NORM_LAYER;
        c->norm_eps = (float)hap_settings_real(s, "layer_norm_epsilon", 0, 1, 1e-5);
        hap_settings_must_be(s, "apply_residual_connection_post_layernorm", false);
        c->causal = true;
        c->attention_scale = 1 / sqrtf((float)c->d_head);
        c->activation = HAP_GELU_TANH;
        c->tied = hap_settings_flag(s, "tie_word_embeddings", true);
        hap_blueprint_layers(blueprint);
        hap_alibi_set(blueprint);
}

static void read_bloom_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_layer_norm(gguf, b);
        b->model->config.activation = HAP_GELU_TANH;
        b->layout.embedding_norm = "token_embd_norm";
        hap_alibi_set(b);
}

const struct hap_family hap_family_bloom = {
        .name = "bloom",
        .architecture = "bloom",
        .help = "BLOOM",
        .layout = &bloom_layout,
        .read_config = read_bloom,
        .read_gguf = read_bloom_gguf,
};
