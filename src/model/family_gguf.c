/* The families as GGUF files describe them: keys of llama.cpp's converter, and
 * where a file says nothing, what llama.cpp takes for granted. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/family.h"

static const struct hap_layout gguf_layout = {
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

/* What all architectures name alike. */
static void read_sizes(const struct hap_gguf *gguf, struct hap_blueprint *b, const char *epsilon)
{
        struct hap_settings *s = b->settings;
        struct hap_config *c = &b->model->config;
        const struct hap_gguf_tensor *embedding = find_tensor(gguf, "token_embd.weight");

        b->layout = gguf_layout;
        c->n_layers = hap_settings_int(s, "block_count", 1, HAP_MAX_LAYERS, HAP_REQUIRED);
        c->n_heads = hap_settings_int(s, "attention.head_count", 1, HAP_MAX_HEADS, HAP_REQUIRED);
        c->n_kv_heads = hap_settings_int(s, "attention.head_count_kv", 1, HAP_MAX_HEADS,
                                         c->n_heads);
        c->d_model = hap_settings_int(s, "embedding_length", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        c->d_head = hap_settings_int(s, "attention.key_length", 1, HAP_MAX_WIDTH,
                                     c->d_model / c->n_heads);
        if (hap_settings_int(s, "attention.value_length", 1, HAP_MAX_WIDTH, c->d_head) !=
            c->d_head)
                hap_settings_refuse(s, "attention.value_length");
        c->d_mlp = hap_settings_int(s, "feed_forward_length", 1, HAP_MAX_WIDTH, HAP_REQUIRED);
        c->n_context = hap_settings_int(s, "context_length", 1, HAP_MAX_CONTEXT, HAP_REQUIRED);
        hap_settings_value(s, "vocab_size"); /* what counts is the embedding's size */
        if (!embedding || embedding->n_dims != 2 || embedding->shape[0] > HAP_MAX_VOCABULARY)
                hap_settings_fail(s, "it has no tensor 'token_embd.weight' of two dimensions");
        else
                c->n_vocab = c->n_out = (int)embedding->shape[0];
        c->norm_eps = (float)hap_settings_real(s, epsilon, 0, 1, HAP_REQUIRED);
        c->attention_scale = (float)hap_settings_real(s, "attention.scale", 1e-9, 1e9,
                                                      1 / sqrt((double)c->d_head));
        hap_settings_must_be(s, "attention.causal", true);
        if (hap_settings_int(s, "expert_count", 0, 4096, 0) != 0)
                hap_settings_refuse(s, "expert_count");
        hap_settings_value(s, "expert_used_count"); /* of no account without experts */
        c->causal = true;
        c->tied = !find_tensor(gguf, "output.weight");
        b->layout.qkv_bias = find_tensor(gguf, "blk.0.attn_q.bias") ||
                             find_tensor(gguf, "blk.0.attn_qkv.bias");
        b->layout.o_bias = find_tensor(gguf, "blk.0.attn_output.bias");
        b->layout.mlp_bias = find_tensor(gguf, "blk.0.ffn_up.bias");
        hap_blueprint_layers(b);
}

/* "rope.scaling.*"; Llama 3's factors are a tensor instead. */
static void read_scaling(struct hap_settings *s, struct hap_rotary *rotary)
{
        const char *type = hap_settings_text(s, "rope.scaling.type", "linear");
        double factor = hap_settings_real(s, "rope.scale_linear", 1e-6, 1e6, 1);

        factor = hap_settings_real(s, "rope.scaling.factor", 1e-6, 1e6, factor);
        hap_settings_value(s, "rope.scaling.original_context_length");
        hap_settings_value(s, "rope.scaling.finetuned");
        if (strcmp(type, "linear") != 0 && strcmp(type, "none") != 0)
                hap_settings_refuse(s, "rope.scaling.type");
        if (factor == 1 || strcmp(type, "none") == 0)
                return;
        rotary->scaling = HAP_ROTARY_LINEAR;
        rotary->factor = factor;
}

/* Whether layer i slides: "sliding_window_pattern" says it as a period or layer
 * by layer, else `period` does (0: all layers). */
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

/* `period` as above; `usual_window` where none is given; `local_theta` is that of
 * layers that slide, 0: as others. */
static void set_rotary(struct hap_blueprint *b, int period, int usual_window, double local_theta)
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
        read_scaling(s, &global);
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

static void like_llama(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_config *c = &b->model->config;

        read_sizes(gguf, b, "attention.layer_norm_rms_epsilon");
        c->norm = HAP_NORM_RMS;
        c->activation = HAP_SILU;
        c->gated = true;
        b->layout.gate = "blk.%d.ffn_gate";
}

static void describe_llama(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        like_llama(gguf, b);
        b->layout.rotary_pairs = true;
        set_rotary(b, 0, 0, 0);
        if (b->model->config.n_rotary != b->model->config.d_head)
                hap_settings_refuse(b->settings, "rope.dimension_count");
}

static void describe_qwen2(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        like_llama(gguf, b);
        set_rotary(b, 0, 0, 0);
}

static void describe_qwen3(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        like_llama(gguf, b);
        b->layout.q_norm = "blk.%d.attn_q_norm";
        b->layout.k_norm = "blk.%d.attn_k_norm";
        set_rotary(b, 0, 0, 0);
}

/* Norms are stored as 1 + w. The 27B models scale by the width of a head's
 * share of the stream and not by d_head, which no metadata tell. */
static void like_gemma(const struct hap_gguf *gguf, struct hap_blueprint *b, int layers_27b)
{
        struct hap_config *c = &b->model->config;

        like_llama(gguf, b);
        b->layout.attention_post_norm = "blk.%d.post_attention_norm";
        b->layout.mlp_post_norm = "blk.%d.post_ffw_norm";
        c->activation = HAP_GELU_TANH;
        c->embedding_scale = sqrtf((float)c->d_model);
        if (c->n_layers == layers_27b)
                c->attention_scale = 1 / sqrtf((float)c->d_model / (float)c->n_heads);
}

static void describe_gemma2(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_config *c = &b->model->config;

        like_gemma(gguf, b, 46);
        c->attention_cap = (float)hap_settings_real(b->settings, "attn_logit_softcapping", 0,
                                                    1e6, 50);
        c->logit_cap = (float)hap_settings_real(b->settings, "final_logit_softcapping", 0, 1e6,
                                                30);
        set_rotary(b, 2, 4096, 0);
}

static void describe_gemma3(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        like_gemma(gguf, b, 62);
        b->layout.q_norm = "blk.%d.attn_q_norm";
        b->layout.k_norm = "blk.%d.attn_k_norm";
        b->model->config.logit_cap = (float)hap_settings_real(
                b->settings, "final_logit_softcapping", 0, 1e6, 0);
        set_rotary(b, 6, 0, 10000);
}

static void describe_gpt2(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_config *c = &b->model->config;

        read_sizes(gguf, b, "attention.layer_norm_epsilon");
        c->norm = HAP_NORM_LAYER;
        c->position_kind = HAP_POSITIONS_LEARNED;
        c->activation = HAP_GELU_TANH;
        b->layout.position_embedding = "position_embd.weight";
        b->layout.qkv = "blk.%d.attn_qkv";
        b->layout.fused = HAP_QKV_STACKED;
        b->layout.norm_bias = true;
}

static void describe_gptneox(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        struct hap_config *c = &b->model->config;

        read_sizes(gguf, b, "attention.layer_norm_epsilon");
        c->norm = HAP_NORM_LAYER;
        c->activation = HAP_GELU;
        c->parallel_residual = hap_settings_flag(b->settings, "use_parallel_residual", true);
        b->layout.qkv = "blk.%d.attn_qkv";
        b->layout.fused = HAP_QKV_STACKED;
        b->layout.norm_bias = true;
        set_rotary(b, 0, 0, 0);
}

static const struct {
        const char *architecture, *family;
        void (*describe)(const struct hap_gguf *gguf, struct hap_blueprint *b);
} families[] = {
        {"llama", "llama", describe_llama},       {"qwen2", "qwen2", describe_qwen2},
        {"qwen3", "qwen3", describe_qwen3},       {"gemma2", "gemma2", describe_gemma2},
        {"gemma3", "gemma3_text", describe_gemma3}, {"gpt2", "gpt2", describe_gpt2},
        {"gptneox", "gpt_neox", describe_gptneox},
};

/* A number, flag, text or list of numbers as JSON; NULL for what is none. */
static json_t *value_json(const struct hap_gguf *gguf, const struct hap_gguf_value *v,
                          const char *key, size_t i)
{
        struct hap_gguf_text text;
        struct hap_error ignored;

        if (v->type == HAP_GGUF_TEXT && hap_gguf_text(gguf, key, &text, &ignored) == 1)
                return json_stringn(text.text, text.length);
        if (v->element_type == HAP_GGUF_BOOL)
                return json_boolean(hap_gguf_element_int(v, i) != 0);
        if (v->element_type == HAP_GGUF_F32 || v->element_type == HAP_GGUF_F64)
                return json_real(hap_gguf_element_real(v, i));
        return v->element_type == HAP_GGUF_TEXT ? NULL
                                                : json_integer(hap_gguf_element_int(v, i));
}

#define MAX_LIST 65536u /* elements: such lists have one a layer */

static json_t *list_json(const struct hap_gguf *gguf, const struct hap_gguf_value *v,
                         const char *key)
{
        json_t *list;

        if (v->type != HAP_GGUF_ARRAY)
                return value_json(gguf, v, key, 0);
        list = v->n <= MAX_LIST ? json_array() : NULL;
        for (size_t i = 0; list && i < v->n; i++)
                if (json_array_append_new(list, value_json(gguf, v, key, i)) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}

/* All metadata "PREFIX.KEY" as {KEY: value}. */
static json_t *with_prefix(const struct hap_gguf *gguf, const char *prefix)
{
        json_t *object = json_object();
        size_t n = strlen(prefix);

        for (size_t i = 0; object && i < gguf->n_values; i++) {
                const struct hap_gguf_value *v = &gguf->values[i];
                char key[256];
                bool whole;

                if (v->key.length <= n + 1 || memcmp(v->key.text, prefix, n) != 0 ||
                    v->key.text[n] != '.')
                        continue;
                whole = v->key.length < sizeof(key);
                memcpy(key, v->key.text, whole ? v->key.length : sizeof(key) - 1);
                key[whole ? v->key.length : sizeof(key) - 1] = 0;
                /* what is no JSON is "?", which a reader that wants it refuses */
                if (!whole || json_object_set_new(object, key + n + 1, list_json(gguf, v, key)) < 0)
                        json_object_set_new(object, key + n + 1, json_string("?"));
        }
        return object;
}

/* One of several files of a model holds but a part of it. */
static int refuse_split(const struct hap_gguf *gguf, struct hap_error *err)
{
        int64_t files = 1;
        int rc = hap_gguf_int(gguf, "split.count", &files, err);

        if (rc < 0 || files <= 1)
                return rc < 0 ? rc : 0;
        return hap_fail(err, HAP_EINPUT,
                        "cannot use '%s': unsupported: it is one of %lld files of a model",
                        gguf->path, (long long)files);
}

int hap_gguf_describe(const struct hap_gguf *gguf, struct hap_settings *settings,
                      struct hap_blueprint *blueprint, struct hap_error *err)
{
        struct hap_config *c = &blueprint->model->config;
        struct hap_gguf_text name = {"", 0};
        char architecture[64];
        int rc;

        if ((rc = hap_gguf_text(gguf, "general.architecture", &name, err)) < 0 ||
            (rc = refuse_split(gguf, err)) < 0)
                return rc;
        snprintf(architecture, sizeof(architecture), "%.*s",
                 name.length < sizeof(architecture) ? (int)name.length : 0, name.text);
        rc = hap_settings_init(settings, with_prefix(gguf, architecture), gguf->path, err);
        if (rc < 0)
                return rc;
        for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
                if (strcmp(architecture, families[i].architecture) == 0) {
                        strcpy(c->family, families[i].family);
                        families[i].describe(gguf, blueprint);
                        return HAP_OK;
                }
        return hap_fail(err, HAP_EINPUT,
                        "cannot use '%s': unsupported: general.architecture = \"%s\" (known: "
                        "llama, qwen2, qwen3, gemma2, gemma3, gpt2, gptneox)",
                        gguf->path, architecture);
}
