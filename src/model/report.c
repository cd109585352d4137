#include "model/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "tokenizer/tokenizer_impl.h"

void hap_report_line(FILE *out, const char *name, const char *format, ...)
{
        va_list args;

        fprintf(out, "%-14s", name);
        va_start(args, format);
        vfprintf(out, format, args);
        va_end(args);
        fputc('\n', out);
}

static void report_sizes(const struct hap_config *c, FILE *out)
{
        hap_report_line(out, "layers", "%d", c->n_layers);
        if (c->n_kv_heads == c->n_heads)
                hap_report_line(out, "heads", "%d of %d dimensions", c->n_heads, c->d_head);
        else
                hap_report_line(out, "heads", "%d of %d dimensions, %d for keys and values",
                                c->n_heads, c->d_head, c->n_kv_heads);
        hap_report_line(out, "width", "%d", c->d_model);
        hap_report_line(out, "vocabulary", c->n_out == c->n_vocab ? "%d" : "%d in, %d out",
                        c->n_vocab, c->n_out);
        hap_report_line(out, "positions", "%d", c->n_context);
}

static void report_mlp(const struct hap_model *m, FILE *out)
{
        static const char *const activations[] = {
                [HAP_GELU] = "GELU",
                [HAP_GELU_TANH] = "GELU by tanh",
                [HAP_RELU] = "ReLU",
                [HAP_SILU] = "SiLU",
        };
        const struct hap_config *c = &m->config;
        char experts[64] = "";

        if (c->n_experts > 0)
                snprintf(experts, sizeof(experts), "%d of %d experts, each ", c->n_used,
                         c->n_experts);
        hap_report_line(out, "MLP", "%s%d wide, %s%s%s", experts, c->d_mlp,
                        c->swiglu_limit > 0 ? "limited SwiGLU" : activations[c->activation],
                        c->gated ? ", gated" : "",
                        c->parallel_residual ? ", parallel to the attention" : "");
}

/* The number of layers with a window; *window is its size. */
static int count_windows(const struct hap_model *m, int *window)
{
        int n = 0;

        for (int i = 0; i < m->config.n_layers; i++)
                if (m->layers[i].window) {
                        *window = m->layers[i].window;
                        n++;
                }
        return n;
}

static void report_attention(const struct hap_model *m, FILE *out)
{
        const struct hap_config *c = &m->config;
        char more[200] = "";
        int window = 0, n = count_windows(m, &window), at = 0;

        if (n)
                at += snprintf(more + at, sizeof(more) - (size_t)at, ", %d of %d layers see %d "
                               "positions", n, c->n_layers, window);
        if (c->attention_scale_by_layer)
                at += snprintf(more + at, sizeof(more) - (size_t)at,
                               " over the layer's number from 1");
        if (m->config.qk_norm)
                at += snprintf(more + at, sizeof(more) - (size_t)at, ", q and k normed%s",
                               m->config.qk_norm_together ? " over all heads" : "");
        if (c->attention_cap != 0)
                snprintf(more + at, sizeof(more) - (size_t)at, ", capped at %g",
                         (double)c->attention_cap);
        hap_report_line(out, "attention", "%s, scale %.6g%s",
                        c->causal ? "causal" : "bidirectional", (double)c->attention_scale, more);
}

static void report_place(const struct hap_model *m, FILE *out)
{
        const struct hap_config *c = &m->config;

        if (c->position_kind == HAP_POSITIONS_ROTARY)
                hap_report_line(out, "place", "rotary, %d of %d dimensions", c->n_rotary,
                                c->d_head);
        else
                hap_report_line(out, "place", "%s",
                                c->position_kind == HAP_POSITIONS_LEARNED ? "learned embedding"
                                : c->position_kind == HAP_POSITIONS_ALIBI ? "ALiBi"
                                                                          : "none");
}

static void report_norm(const struct hap_model *m, FILE *out)
{
        static const char *const names[] = {
                [HAP_NORM_NONE] = "none",
                [HAP_NORM_LAYER] = "LayerNorm",
                [HAP_NORM_RMS] = "RMSNorm",
        };
        const struct hap_config *c = &m->config;
        bool post = m->config.attention_post_norm;

        if (c->norm == HAP_NORM_NONE)
                hap_report_line(out, "norm", "none");
        else
                hap_report_line(out, "norm", "%s, epsilon %g%s", names[c->norm],
                                (double)c->norm_eps, post ? ", after attention and MLP too" : "");
}

static void report_ends(const struct hap_config *c, FILE *out)
{
        if (c->embedding_scale != 1)
                hap_report_line(out, "embedding", "times %.6g", (double)c->embedding_scale);
        if (c->logit_cap != 0)
                hap_report_line(out, "logits", "%s, capped at %g",
                                c->tied ? "by the embedding" : "by a matrix of their own",
                                (double)c->logit_cap);
        else
                hap_report_line(out, "logits", "%s",
                                c->tied ? "by the embedding" : "by a matrix of their own");
}

static void report_tokenizer(const struct hap_model *m, FILE *out)
{
        struct hap_tokenizer *t;
        struct hap_error err;
        const char *kind;

        if (hap_tokenizer_load(&t, m->path, &err) < 0) {
                hap_report_line(out, "tokenizer", "none: %s", err.message);
                return;
        }
        kind = t->byte_level ? "byte-level BPE" : t->score_rank ? "sentencepiece BPE" : "BPE";
        if (hap_tokenizer_bos(t) >= 0)
                hap_report_line(out, "tokenizer", "%s, %zu tokens, prompts begin with token %d",
                                kind, hap_tokenizer_size(t), (int)hap_tokenizer_bos(t));
        else
                hap_report_line(out, "tokenizer", "%s, %zu tokens", kind, hap_tokenizer_size(t));
        if (hap_tokenizer_size(t) > (size_t)m->config.n_vocab)
                hap_report_line(out, "", "ids from %d on have no embedding", m->config.n_vocab);
        if (hap_tokenizer_note(t))
                hap_report_line(out, "", "%s", hap_tokenizer_note(t));
        hap_tokenizer_free(t);
}

void hap_report_model(const struct hap_model *model, FILE *out)
{
        hap_report_line(out, "model", "%s", model->path);
        hap_report_line(out, "family", "%s", model->config.family);
        hap_report_line(out, "fingerprint", "%016" PRIx64, model->fingerprint);
        hap_report_line(out, "parameters", "%zu, most as %s", model->n_parameters, model->dtype);
        report_sizes(&model->config, out);
        report_mlp(model, out);
        report_attention(model, out);
        report_place(model, out);
        report_norm(model, out);
        report_ends(&model->config, out);
        if (model->unread_keys && *model->unread_keys)
                hap_report_line(out, "ignored keys", "%s", model->unread_keys);
        report_tokenizer(model, out);
}
