/* GPT-NeoX and Pythia: one tensor stores q, k and v head by head, part of a head is
 * rotary, and the MLP may read the same input as the attention. */
#include <math.h>

#include "model/family.h"
#include "model/gguf_like.h"
#include "model/rotary.h"

static const struct hap_weight_layout neox_layout = {
        .prefixes = {"gpt_neox.", ""},
        .token_embedding = "embed_in.weight",
        .unembedding = "embed_out.weight",
        .final_norm = "final_layer_norm",
        .attention_norm = "layers.%d.input_layernorm",
        .mlp_norm = "layers.%d.post_attention_layernorm",
        .qkv = "layers.%d.attention.query_key_value",
        .o = "layers.%d.attention.dense",
        .in = "layers.%d.mlp.dense_h_to_4h",
        .out = "layers.%d.mlp.dense_4h_to_h",
        .ignored = {".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"},
        .fused = HAP_QKV_PER_GROUP,
        .mlp_bias = true,
        .norm_bias = true,
};

static void set_rotary(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        double part = hap_settings_real(s, "rotary_pct", 0, 1, 0.25);
        struct hap_rotary rotary = {.part = part};
        const float *frequencies;

        hap_settings_value(s, "partial_rotary_factor"); /* a second key for the same */
        rotary.theta = hap_settings_real(s, "rotary_emb_base", 1, 1e12, 10000);
        hap_settings_value(s, "rope_theta"); /* a second key for the same */
        hap_rotary_read_object(blueprint, "rope_scaling", NULL, &rotary);
        hap_rotary_read_object(blueprint, "rope_parameters", NULL, &rotary);
        rotary.n = m->config.n_rotary = (int)(m->config.d_head * rotary.part);
        frequencies = hap_rotary_make(blueprint, &rotary);
        for (int i = 0; frequencies && i < m->config.n_layers; i++)
                m->layers[i].rotary_frequency = frequencies;
}

static void read_gpt_neox(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;

        c->n_layers = hap_settings_int(s, "num_hidden_layers", 1, HAP_MAX_LAYERS, HAP_REQUIRED);
        c->n_heads = hap_settings_int(s, "num_attention_heads", 1, HAP_MAX_HEADS, HAP_REQUIRED);
        c->n_kv_heads = c->n_heads;
        c->d_model = hap_settings_int(s, "hidden_size", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        hap_family_share_width(s, c);
        c->d_mlp = hap_settings_int(s, "intermediate_size", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        c->n_vocab = hap_settings_int(s, "vocab_size", 1, HAP_MAX_VOCABULARY, HAP_REQUIRED);
        c->n_out = c->n_vocab;
        c->n_context = hap_settings_int(s, "max_position_embeddings", 1, HAP_MAX_CONTEXT,
                                        HAP_REQUIRED);
        c->norm = HAP_NORM_LAYER;
        c->norm_eps = (float)hap_settings_real(s, "layer_norm_eps", 0, 1, 1e-5);
        c->position_kind = HAP_POSITIONS_ROTARY;
        c->causal = true;
        c->attention_scale = 1 / sqrtf((float)c->d_head);
        c->activation = hap_settings_activation(s, "hidden_act", "gelu");
        c->parallel_residual = hap_settings_flag(s, "use_parallel_residual", true);
        c->tied = hap_settings_flag(s, "tie_word_embeddings", false);
        blueprint->layout.qkv_bias = hap_settings_flag(s, "attention_bias", true);
        blueprint->layout.o_bias = blueprint->layout.qkv_bias;
        hap_blueprint_layers(blueprint);
        set_rotary(blueprint);
}

static void read_gptneox_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_config *c = &b->model->config;

        hap_gguf_sizes(gguf, b, "attention.layer_norm_epsilon");
        c->norm = HAP_NORM_LAYER;
        c->activation = HAP_GELU;
        c->parallel_residual = hap_settings_flag(b->settings, "use_parallel_residual", true);
        b->layout.qkv = "blk.%d.attn_qkv";
        b->layout.fused = HAP_QKV_STACKED;
        b->layout.norm_bias = true;
        hap_gguf_rotary(b, 0, 0, 0);
}

const struct hap_family hap_family_gpt_neox = {
        .name = "gpt_neox",
        .architecture = "gptneox",
        .help = "GPT-NeoX, Pythia",
        .layout = &neox_layout,
        .read_config = read_gpt_neox,
        .read_gguf = read_gptneox_gguf,
};
