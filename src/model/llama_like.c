#include "model/llama_like.h"

#include <math.h>

#include "model/rotary.h"

const struct hap_weight_layout hap_llama_layout = {
        .prefixes = {"model.", ""},
        .token_embedding = "embed_tokens.weight",
        .unembedding = "lm_head.weight",
        .final_norm = "norm",
        .attention_norm = "layers.%d.input_layernorm",
        .mlp_norm = "layers.%d.post_attention_layernorm",
        .q = "layers.%d.self_attn.q_proj",
        .k = "layers.%d.self_attn.k_proj",
        .v = "layers.%d.self_attn.v_proj",
        .o = "layers.%d.self_attn.o_proj",
        .gate = "layers.%d.mlp.gate_proj",
        .in = "layers.%d.mlp.up_proj",
        .out = "layers.%d.mlp.down_proj",
        .ignored = {".rotary_emb.inv_freq"},
};

void hap_llama_sizes(struct hap_blueprint *blueprint, int kv_heads, int d_head)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;

        c->n_layers = hap_settings_int(s, "num_hidden_layers", 1, HAP_MAX_LAYERS, HAP_REQUIRED);
        c->n_heads = hap_settings_int(s, "num_attention_heads", 1, HAP_MAX_HEADS, HAP_REQUIRED);
        if (kv_heads == 0 || hap_settings_is_null(s, "num_key_value_heads"))
                kv_heads = c->n_heads;
        c->n_kv_heads = hap_settings_int(s, "num_key_value_heads", 1, HAP_MAX_HEADS, kv_heads);
        c->d_model = hap_settings_int(s, "hidden_size", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        if (d_head == 0)
                d_head = c->d_model / c->n_heads;
        c->d_head = hap_settings_int(s, "head_dim", 1, HAP_MAX_WIDTH, d_head);
        c->d_mlp = hap_settings_int(s, "intermediate_size", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        c->n_vocab = hap_settings_int(s, "vocab_size", 1, HAP_MAX_VOCABULARY, HAP_REQUIRED);
        c->n_out = c->n_vocab;
        c->n_context = hap_settings_int(s, "max_position_embeddings", 1, HAP_MAX_CONTEXT,
                                        HAP_REQUIRED);
        c->norm = HAP_NORM_RMS;
        c->norm_eps = (float)hap_settings_real(s, "rms_norm_eps", 0, 1, 1e-6);
        c->position_kind = HAP_POSITIONS_ROTARY;
        c->n_rotary = c->d_head;
        c->causal = true;
        c->attention_scale = 1 / sqrtf((float)c->d_head);
        c->gated = true;
}

/* All layers have the same rotary frequencies. */
static void set_rotary(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        struct hap_rotary rotary = {.n = m->config.n_rotary};
        const float *frequencies;

        hap_rotary_read(blueprint, &rotary, 10000);
        hap_settings_must_be(s, "rope_interleaved", false);
        frequencies = hap_rotary_make(blueprint, &rotary);
        for (int i = 0; frequencies && i < m->config.n_layers; i++)
                m->layers[i].rotary_frequency = frequencies;
}

void hap_llama_layers(struct hap_blueprint *blueprint)
{
        if (hap_settings_real(blueprint->settings, "partial_rotary_factor", 0, 1, 1) != 1)
                hap_settings_refuse(blueprint->settings, "partial_rotary_factor");
        hap_llama_layers_partial(blueprint, 1);
}

void hap_llama_parallel(struct hap_blueprint *blueprint)
{
        blueprint->model->config.parallel_residual = true;
        blueprint->layout.mlp_norm = blueprint->layout.attention_norm;
}

void hap_llama_layer_norm(struct hap_blueprint *blueprint, const char *epsilon, bool bias)
{
        struct hap_config *c = &blueprint->model->config;

        c->norm = HAP_NORM_LAYER;
        c->norm_eps = (float)hap_settings_real(blueprint->settings, epsilon, 0, 1, 1e-5);
        blueprint->layout.norm_bias = bias;
}

void hap_llama_layers_partial(struct hap_blueprint *blueprint, double part)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;

        c->activation = hap_settings_activation(s, "hidden_act", "silu");
        c->tied = hap_settings_flag(s, "tie_word_embeddings", false);
        part = hap_settings_real(s, "partial_rotary_factor", 0, 1, part);
        c->n_rotary = (int)(c->d_head * part);
        hap_blueprint_layers(blueprint);
        set_rotary(blueprint);
}

void hap_llama_windows(struct hap_blueprint *blueprint, int window, int from)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;

        for (int i = 0; s->rc == 0 && i < m->config.n_layers; i++) {
                const bool slides = hap_settings_layer_slides(s, i, m->config.n_layers,
                                                              window > 0 && i >= from);

                if (slides && window == 0)
                        hap_settings_refuse(s, "layer_types");
                m->layers[i].window = slides ? window : 0;
        }
}

void hap_qwen_windows(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        bool use = hap_settings_flag(s, "use_sliding_window", false) &&
                   !hap_settings_is_null(s, "sliding_window"); /* null is no window */
        int window = hap_settings_int(s, "sliding_window", 1, HAP_MAX_CONTEXT, 4096);
        int from = hap_settings_int(s, "max_window_layers", 0, HAP_MAX_LAYERS, 28);

        hap_llama_windows(blueprint, use ? window : 0, from);
}
