/* MPT: ALiBi, and no biases. */
#include <math.h>

#include "model/alibi.h"
#include "model/family.h"
#include "model/gguf_like.h"

static const struct hap_weight_layout mpt_layout = {
        .prefixes = {"transformer.", ""},
        .token_embedding = "wte.weight",
        .unembedding = "lm_head.weight",
        .final_norm = "norm_f",
        .attention_norm = "blocks.%d.norm_1",
        .mlp_norm = "blocks.%d.norm_2",
        .qkv = "blocks.%d.attn.Wqkv",
        .o = "blocks.%d.attn.out_proj",
        .in = "blocks.%d.ffn.up_proj",
        .out = "blocks.%d.ffn.down_proj",
        .fused = HAP_QKV_STACKED,
};

/* Keys that transformers' class does not read. */
static const char *const not_read[] = {
        "learned_pos_emb", "init_device", "logit_scale", "no_bias", "verbose", "init_config",
        "embedding_fraction", "norm_type", "emb_pdrop", "resid_pdrop", "tokenizer_name",
};
static const char *const not_read_in_attention[] = {
        "attn_type", "attn_pdrop", "attn_impl", "prefix_lm", "qk_ln", "attn_uses_sequence_id",
        "alibi", "alibi_bias_max", "model_type",
};

static void read_attention(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings, inner;
        struct hap_config *c = &blueprint->model->config;
        const json_t *attention = hap_settings_value(s, "attn_config");

        c->attention_scale = 1 / sqrtf((float)c->d_head);
        if (!attention || s->rc < 0)
                return;
        s->rc = hap_settings_init(&inner, json_deep_copy(attention), s->path, s->err);
        if (s->rc < 0)
                return;
        for (size_t i = 0; i < sizeof(not_read_in_attention) / sizeof(*not_read_in_attention); i++)
                hap_settings_value(&inner, not_read_in_attention[i]);
        c->attention_scale = (float)hap_settings_real(&inner, "softmax_scale", -1e6, 1e6,
                                                      (double)c->attention_scale);
        hap_settings_end_inner(s, "attn_config", &inner); /* refuses clip_qkv */
}

static void read_mpt(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;

        for (size_t i = 0; i < sizeof(not_read) / sizeof(*not_read); i++)
                hap_settings_value(s, not_read[i]);
        c->n_layers = hap_settings_int(s, "n_layers", 1, HAP_MAX_LAYERS, HAP_REQUIRED);
        c->n_heads = hap_settings_int(s, "n_heads", 1, HAP_MAX_HEADS, HAP_REQUIRED);
        c->n_kv_heads = c->n_heads;
        c->d_model = hap_settings_int(s, "d_model", 1, HAP_MAX_WIDTH / 4, HAP_REQUIRED);
        hap_family_share_width(s, c);
        hap_settings_value(s, "expansion_ratio"); /* transformers always has 4 */
        c->d_mlp = 4 * c->d_model;
        c->n_vocab = hap_settings_int(s, "vocab_size", 1, HAP_MAX_VOCABULARY, HAP_REQUIRED);
        c->n_out = c->n_vocab;
        c->n_context = hap_settings_int(s, "max_seq_len", 1, HAP_MAX_CONTEXT, HAP_REQUIRED);
        c->norm = HAP_NORM_LAYER;
        c->norm_eps = (float)hap_settings_real(s, "layer_norm_epsilon", 0, 1, 1e-5);
        c->causal = true;
        c->activation = HAP_GELU;
        c->tied = hap_settings_flag(s, "tie_word_embeddings", true);
        read_attention(blueprint);
        hap_blueprint_layers(blueprint);
        hap_alibi_set_mpt(blueprint, 8);
}

static void read_mpt_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_settings *s = b->settings;

        hap_gguf_layer_norm(gguf, b);
        b->model->config.activation = HAP_GELU;
        if (hap_settings_real(s, "attention.clamp_kqv", 0, 1e9, 0) != 0)
                hap_settings_refuse(s, "attention.clamp_kqv");
        hap_alibi_set_mpt(b, hap_settings_real(s, "attention.max_alibi_bias", 1e-6, 1e6, 8));
}

const struct hap_family hap_family_mpt = {
        .name = "mpt",
        .architecture = "mpt",
        .help = "MPT",
        .layout = &mpt_layout,
        .read_config = read_mpt,
        .read_gguf = read_mpt_gguf,
};
