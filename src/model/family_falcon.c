/* Falcon: heads that share keys and values, in three layouts; rotary positions or ALiBi. */
#include <math.h>

#include "model/alibi.h"
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/rotary.h"

static const struct hap_weight_layout falcon_layout = {
        .prefixes = {"transformer.", ""},
        .token_embedding = "word_embeddings.weight",
        .unembedding = "lm_head.weight",
        .final_norm = "ln_f",
        .attention_norm = "h.%d.input_layernorm",
        .mlp_norm = "h.%d.input_layernorm",
        .qkv = "h.%d.self_attention.query_key_value",
        .o = "h.%d.self_attention.dense",
        .in = "h.%d.mlp.dense_h_to_4h",
        .out = "h.%d.mlp.dense_4h_to_h",
        .ignored = {".rotary_emb.inv_freq"},
        .norm_bias = true,
};

/* The newer layout groups heads; the older one has one key and value, or one per head. */
static void read_heads(struct hap_blueprint *blueprint, bool newer)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;
        const bool multi_query = hap_settings_flag(s, "multi_query", true);
        const int groups = hap_settings_int(s, "num_kv_heads", 1, HAP_MAX_HEADS, c->n_heads);

        c->n_kv_heads = newer ? groups : multi_query ? 1 : c->n_heads;
        blueprint->layout.fused = !newer && multi_query ? HAP_QKV_STACKED : HAP_QKV_PER_GROUP;
}

static void read_norms(struct hap_blueprint *blueprint, bool newer)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_weight_layout *l = &blueprint->layout;
        const bool parallel = hap_settings_flag(s, "parallel_attn", true);
        const int norms = hap_settings_int(s, "num_ln_in_parallel_attn", 1, 2, newer ? 2 : 1);

        blueprint->model->config.parallel_residual = parallel;
        if ((newer && !parallel) || (!newer && parallel && norms == 2))
                hap_settings_refuse(s, newer ? "parallel_attn" : "num_ln_in_parallel_attn");
        if (!parallel)
                l->mlp_norm = "h.%d.post_attention_layernorm";
        if (parallel && norms == 2) {
                l->attention_norm = "h.%d.ln_attn";
                l->mlp_norm = "h.%d.ln_mlp";
        }
}

static void set_positions(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        struct hap_rotary rotary = {.n = m->config.d_head};
        const float *frequencies;

        hap_rotary_read(blueprint, &rotary, 10000);
        if (hap_settings_flag(s, "alibi", false)) {
                m->config.alibi_bf16 = true;
                hap_alibi_set(blueprint);
                return;
        }
        m->config.position_kind = HAP_POSITIONS_ROTARY;
        m->config.n_rotary = rotary.n;
        frequencies = hap_rotary_make(blueprint, &rotary);
        for (int i = 0; frequencies && i < m->config.n_layers; i++)
                m->layers[i].rotary_frequency = frequencies;
}

static void read_falcon(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;
        struct hap_weight_layout *l = &blueprint->layout;
        const bool newer = hap_settings_flag(s, "new_decoder_architecture", false);

        c->n_layers = hap_settings_int(s, "num_hidden_layers", 1, HAP_MAX_LAYERS, HAP_REQUIRED);
        c->n_heads = hap_settings_int(s, "num_attention_heads", 1, HAP_MAX_HEADS, HAP_REQUIRED);
        c->d_model = hap_settings_int(s, "hidden_size", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        hap_family_share_width(s, c);
        read_heads(blueprint, newer);
        read_norms(blueprint, newer);
        c->d_mlp = hap_settings_int(s, "ffn_hidden_size", 1, HAP_MAX_WIDTH, 4.0 * c->d_model);
        c->n_vocab = hap_settings_int(s, "vocab_size", 1, HAP_MAX_VOCABULARY, HAP_REQUIRED);
        c->n_out = c->n_vocab;
        c->n_context = hap_settings_int(s, "max_position_embeddings", 1, HAP_MAX_CONTEXT, 2048);
        c->norm = HAP_NORM_LAYER;
        c->norm_eps = (float)hap_settings_real(s, "layer_norm_epsilon", 0, 1, 1e-5);
        c->causal = true;
        c->attention_scale = 1 / sqrtf((float)c->d_head);
        c->activation = hap_settings_activation(s, "activation", "gelu");
        c->tied = hap_settings_flag(s, "tie_word_embeddings", true);
        l->qkv_bias = hap_settings_flag(s, "bias", false);
        l->o_bias = l->mlp_bias = l->qkv_bias;
        hap_blueprint_layers(blueprint);
        set_positions(blueprint);
}

static void read_falcon_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_layer_norm(gguf, b);
        hap_gguf_parallel(b);
        b->model->config.activation = HAP_GELU;
        if (hap_gguf_has(gguf, "blk.0.attn_norm_2.weight"))
                b->layout.attention_norm = "blk.%d.attn_norm_2";
        hap_gguf_rotary(b, 0, 0, 0);
}

const struct hap_family hap_family_falcon = {
        .name = "falcon",
        .architecture = "falcon",
        .help = "Falcon",
        .layout = &falcon_layout,
        .read_config = read_falcon,
        .read_gguf = read_falcon_gguf,
};
