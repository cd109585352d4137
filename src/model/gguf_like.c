#include "model/gguf_like.h"

#include <math.h>
#include <string.h>

#include "model/rotary.h"

static const struct hap_weight_layout gguf_layout = {
        .prefixes = {""},
        .token_embedding = "token_embd.weight",
        .unembedding = "output.weight",
        .final_norm = "output_norm",
        .attention_norm = "blk.%d.attn_norm",
        .mlp_norm = "blk.%d.ffn_norm",
        .q = "blk.%d.attn_q",
        .k = "blk.%d.attn_k",
        .v = "blk.%d.attn_v",
        .o = "blk.%d.attn_output",
        .in = "blk.%d.ffn_up",
        .out = "blk.%d.ffn_down",
        .rotary_factors = "rope_freqs.weight",
        .ignored = {".rope_freqs", ".attn_rot_embd"},
};

static const struct hap_gguf_tensor *find_tensor(const struct hap_gguf *gguf, const char *name)
{
        size_t n = strlen(name);

        for (size_t i = 0; i < gguf->n_tensors; i++)
                if (gguf->tensors[i].name.length == n &&
                    memcmp(gguf->tensors[i].name.text, name, n) == 0)
                        return &gguf->tensors[i];
        return NULL;
}

bool hap_gguf_has(const struct hap_gguf *gguf, const char *name)
{
        return find_tensor(gguf, name) != NULL;
}

/* Numbers and names of experts, if there are any. */
static void read_experts(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_settings *s = b->settings;
        struct hap_config *c = &b->model->config;
        struct hap_weight_layout *l = &b->layout;

        c->n_experts = hap_settings_int(s, "expert_count", 0, HAP_MAX_EXPERTS, 0);
        c->n_used = hap_settings_int(s, "expert_used_count", 0, HAP_MAX_EXPERTS, 0);
        if (c->n_experts == 0)
                return;
        if (c->n_used < 1 || c->n_used > c->n_experts)
                hap_settings_refuse(s, "expert_used_count");
        c->d_mlp = hap_settings_int(s, "expert_feed_forward_length", 1, HAP_MAX_WIDTH, c->d_mlp);
        hap_settings_must_be(s, "expert_weights_norm", true);
        if (hap_settings_int(s, "expert_gating_func", 0, 9, 1) == 2) /* sigmoid */
                hap_settings_refuse(s, "expert_gating_func");
        if (hap_settings_real(s, "expert_weights_scale", -1e9, 1e9, 1) != 1)
                hap_settings_refuse(s, "expert_weights_scale");
        l->router = "blk.%d.ffn_gate_inp";
        l->gate = "blk.%d.ffn_gate_exps";
        l->in = "blk.%d.ffn_up_exps";
        l->out = "blk.%d.ffn_down_exps";
        l->experts = HAP_EXPERTS_STACKED;
        if (hap_gguf_has(gguf, "blk.0.ffn_gate.0.weight")) { /* older files: a tensor each */
                l->gate = "blk.%d.ffn_gate.%d";
                l->in = "blk.%d.ffn_up.%d";
                l->out = "blk.%d.ffn_down.%d";
                l->experts = HAP_EXPERTS_APART;
        }
        l->mlp_bias = hap_gguf_has(gguf, "blk.0.ffn_up_exps.bias");
        l->router_bias = hap_gguf_has(gguf, "blk.0.ffn_gate_inp.bias");
}

/* A list with a number for every layer, if all are equal: that number. */
static void join_layers(struct hap_settings *s, const char *key)
{
        json_t *list = json_object_get(s->values, key), *first = json_array_get(list, 0);
        bool equal = json_is_integer(first);

        for (size_t i = 1; i < json_array_size(list); i++)
                equal = equal && json_equal(first, json_array_get(list, i));
        if (equal)
                json_object_set(s->values, key, first);
}

void hap_gguf_sizes(const struct hap_gguf *gguf, struct hap_blueprint *b, const char *epsilon)
{
        struct hap_settings *s = b->settings;
        struct hap_config *c = &b->model->config;
        const struct hap_gguf_tensor *embedding = find_tensor(gguf, "token_embd.weight");

        b->layout = gguf_layout;
        join_layers(s, "attention.head_count");
        join_layers(s, "attention.head_count_kv");
        join_layers(s, "feed_forward_length");
        c->n_layers = hap_settings_int(s, "block_count", 1, HAP_MAX_LAYERS, HAP_REQUIRED);
        c->n_heads = hap_settings_int(s, "attention.head_count", 1, HAP_MAX_HEADS, HAP_REQUIRED);
        c->n_kv_heads = hap_settings_int(s, "attention.head_count_kv", 1, HAP_MAX_HEADS,
                                         c->n_heads);
        c->d_model = hap_settings_int(s, "embedding_length", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        c->d_head = c->d_model / c->n_heads;
        c->d_head = hap_settings_int(s, "attention.key_length", 1, HAP_MAX_WIDTH, c->d_head);
        if (hap_settings_int(s, "attention.value_length", 1, HAP_MAX_WIDTH, c->d_head) !=
            c->d_head)
                hap_settings_refuse(s, "attention.value_length");
        c->d_mlp = hap_settings_int(s, "feed_forward_length", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        c->n_context = hap_settings_int(s, "context_length", 1, HAP_MAX_CONTEXT, HAP_REQUIRED);
        hap_settings_value(s, "vocab_size"); /* the embedding's size is used */
        if (!embedding || embedding->n_dims != 2 || embedding->shape[0] > HAP_MAX_VOCABULARY)
                hap_settings_fail(s, "it has no tensor 'token_embd.weight' of two dimensions");
        else
                c->n_vocab = c->n_out = (int)embedding->shape[0];
        c->norm_eps = (float)hap_settings_real(s, epsilon, 0, 1, HAP_REQUIRED);
        c->attention_scale = (float)hap_settings_real(s, "attention.scale", 1e-9, 1e9,
                                                      1 / sqrt((double)c->d_head));
        hap_settings_must_be(s, "attention.causal", true);
        c->causal = true;
        c->tied = !find_tensor(gguf, "output.weight");
        b->layout.qkv_bias = find_tensor(gguf, "blk.0.attn_q.bias") ||
                             find_tensor(gguf, "blk.0.attn_qkv.bias");
        b->layout.o_bias = find_tensor(gguf, "blk.0.attn_output.bias");
        b->layout.mlp_bias = find_tensor(gguf, "blk.0.ffn_up.bias");
        read_experts(gguf, b);
        hap_blueprint_layers(b);
}

/* llama.cpp's YaRN has the attention factor of the paper times rope.scaling.attn_factor. */
static void read_yarn(const struct hap_blueprint *b, double context, struct hap_rotary *rotary)
{
        struct hap_settings *s = b->settings;

        rotary->exact = b->yarn_exact;
        rotary->scaling = HAP_ROTARY_YARN;
        rotary->original = hap_settings_real(s, "rope.scaling.original_context_length", 1, 1e9,
                                             context);
        rotary->high = hap_settings_real(s, "rope.scaling.yarn_beta_fast", 1e-6, 1e6, 32);
        rotary->low = hap_settings_real(s, "rope.scaling.yarn_beta_slow", 1e-6, 1e6, 1);
        rotary->attention = hap_yarn_attention(rotary->factor, 1) *
                            hap_settings_real(s, "rope.scaling.attn_factor", 1e-6, 1e6, 1);
}

/* "rope.scaling.*"; Llama 3's factors are a tensor instead. */
static void read_scaling(const struct hap_blueprint *b, double context, struct hap_rotary *rotary)
{
        struct hap_settings *s = b->settings;
        const char *type = hap_settings_text(s, "rope.scaling.type", "linear");
        double factor = hap_settings_real(s, "rope.scale_linear", 1e-6, 1e6, 1);

        factor = hap_settings_real(s, "rope.scaling.factor", 1e-6, 1e6, factor);
        rotary->factor = factor;
        if (strcmp(type, "yarn") == 0)
                read_yarn(b, context, rotary);
        else if (strcmp(type, "linear") != 0 && strcmp(type, "none") != 0)
                hap_settings_refuse(s, "rope.scaling.type");
        else if (factor != 1 && strcmp(type, "none") != 0)
                rotary->scaling = HAP_ROTARY_LINEAR;
        hap_settings_value(s, "rope.scaling.original_context_length");
        hap_settings_value(s, "rope.scaling.finetuned");
}

/* Whether layer i has a sliding window. "sliding_window_pattern" is a period or a list of layers;
 * without it `period` is used (0: all layers). */
static bool slides(struct hap_settings *s, int i, int period)
{
        const json_t *pattern = hap_settings_value(s, "attention.sliding_window_pattern");

        if (json_is_array(pattern)) {
                const json_t *value = json_array_get(pattern, (size_t)i);

                if (!value)
                        hap_settings_refuse(s, "attention.sliding_window_pattern");
                return json_is_true(value) || json_integer_value(value) != 0;
        }
        if (pattern)
                period = hap_settings_int(s, "attention.sliding_window_pattern", 0,
                                          HAP_MAX_LAYERS, period);
        return period == 0 || i % period < period - 1;
}

void hap_gguf_rotary(struct hap_blueprint *b, int period, int usual_window, double local_theta)
{
        struct hap_settings *s = b->settings;
        struct hap_model *m = b->model;
        struct hap_rotary global = {0}, local = {0};
        const float *global_frequencies, *local_frequencies;
        int window;

        m->config.position_kind = HAP_POSITIONS_ROTARY;
        m->config.n_rotary = global.n = local.n = hap_settings_int(
                s, "rope.dimension_count", 1, HAP_MAX_WIDTH, m->config.d_head);
        global.theta = hap_settings_real(s, "rope.freq_base", 1, 1e12, 10000);
        local.theta = hap_settings_real(s, "rope.freq_base_swa", 1, 1e12, local_theta);
        read_scaling(b, m->config.n_context, &global);
        if (local_theta == 0)
                local = global;
        window = hap_settings_int(s, "attention.sliding_window", 0, HAP_MAX_CONTEXT, usual_window);
        global_frequencies = hap_rotary_make(b, &global);
        local_frequencies = hap_rotary_make(b, &local);
        for (int i = 0; s->rc == 0 && i < m->config.n_layers; i++) {
                bool slide = window > 0 && slides(s, i, period);

                m->layers[i].window = slide ? window : 0;
                m->layers[i].rotary_frequency = slide ? local_frequencies : global_frequencies;
        }
}

void hap_gguf_llama(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_config *c = &b->model->config;

        hap_gguf_sizes(gguf, b, "attention.layer_norm_rms_epsilon");
        c->norm = HAP_NORM_RMS;
        c->activation = HAP_SILU;
        c->gated = true;
        if (c->n_experts == 0)
                b->layout.gate = "blk.%d.ffn_gate";
}

void hap_gguf_qwen3(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_llama(gguf, b);
        b->layout.q_norm = "blk.%d.attn_q_norm";
        b->layout.k_norm = "blk.%d.attn_k_norm";
        hap_gguf_rotary(b, 0, 0, 0);
}

void hap_gguf_layer_norm(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_sizes(gguf, b, "attention.layer_norm_epsilon");
        b->model->config.norm = HAP_NORM_LAYER;
        b->layout.norm_bias = hap_gguf_has(gguf, "output_norm.bias");
        if (hap_gguf_has(gguf, "blk.0.attn_qkv.weight")) {
                b->layout.qkv = "blk.%d.attn_qkv";
                b->layout.fused = HAP_QKV_STACKED;
        }
}

void hap_gguf_parallel(struct hap_blueprint *b)
{
        b->model->config.parallel_residual = true;
        b->layout.mlp_norm = b->layout.attention_norm;
}

void hap_gguf_gemma(const struct hap_gguf *gguf, struct hap_blueprint *b, int layers_27b)
{
        struct hap_config *c = &b->model->config;

        hap_gguf_llama(gguf, b);
        b->layout.attention_post_norm = "blk.%d.post_attention_norm";
        b->layout.mlp_post_norm = "blk.%d.post_ffw_norm";
        c->activation = HAP_GELU_TANH;
        c->embedding_scale = sqrtf((float)c->d_model);
        if (c->n_layers == layers_27b)
                c->attention_scale = 1 / sqrtf((float)c->d_model / (float)c->n_heads);
}
