/* GPT-J: one norm for attention and MLP, which are parallel; rotary pairs side by side. */
#include <math.h>

#include "model/family.h"
#include "model/rotary.h"

static const struct hap_weight_layout gptj_layout = {
        .prefixes = {"transformer.", ""},
        .token_embedding = "wte.weight",
        .unembedding = "lm_head.weight",
        .unembedding_bias = "lm_head.bias",
        .final_norm = "ln_f",
        .attention_norm = "h.%d.ln_1",
        .mlp_norm = "h.%d.ln_1",
        .q = "h.%d.attn.q_proj",
        .k = "h.%d.attn.k_proj",
        .v = "h.%d.attn.v_proj",
        .o = "h.%d.attn.out_proj",
        .in = "h.%d.mlp.fc_in",
        .out = "h.%d.mlp.fc_out",
        .ignored = {".attn.bias", ".attn.masked_bias"},
        .mlp_bias = true,
        .norm_bias = true,
};

static void read_gptj(struct hap_blueprint *blueprint)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_model *m = blueprint->model;
        struct hap_config *c = &m->config;
        struct hap_rotary rotary = {.theta = 10000};
        const bool all = hap_settings_is_null(s, "rotary_dim");
        const float *frequencies;

        hap_family_gpt_sizes(s, &hap_gpt2_size_keys, c);
        hap_settings_value(s, "n_ctx");  /* an old second name of n_positions */
        hap_settings_value(s, "rotary"); /* not read by the family */
        hap_settings_value(s, "scale_attn_weights");
        c->position_kind = HAP_POSITIONS_ROTARY;
        c->rotary_interleaved = true;
        if (all && c->n_heads > 1) /* transformers then has d_model angles for d_head dimensions */
                hap_settings_refuse(s, "rotary_dim");
        rotary.n = c->n_rotary = hap_settings_int(s, "rotary_dim", 2, HAP_MAX_WIDTH,
                                                    all ? c->d_head : 64);
        c->attention_scale = 1 / sqrtf((float)c->d_head);
        c->activation = hap_settings_activation(s, "activation_function", "gelu_new");
        c->parallel_residual = true;
        c->tied = hap_settings_flag(s, "tie_word_embeddings", false);
        hap_blueprint_layers(blueprint);
        frequencies = hap_rotary_make(blueprint, &rotary);
        for (int i = 0; frequencies && i < c->n_layers; i++)
                m->layers[i].rotary_frequency = frequencies;
}

const struct hap_family hap_family_gptj = {
        .name = "gptj",
        .help = "GPT-J",
        .layout = &gptj_layout,
        .read_config = read_gptj,
};
