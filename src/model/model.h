/* A transformer: the description of its architecture, and its weights, in F32 or as stored.
 *
 * An architecture is a description: the engine reads this struct and has no code per family. A
 * loader fills it from a Hugging Face folder or a GGUF file and refuses, by name, settings that
 * the description cannot express. */
#ifndef HAP_MODEL_MODEL_H
#define HAP_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"

enum hap_norm_kind { HAP_NORM_NONE, HAP_NORM_LAYER, HAP_NORM_RMS };
enum hap_position_kind {
        HAP_POSITIONS_NONE,
        HAP_POSITIONS_LEARNED,
        HAP_POSITIONS_ROTARY,
        HAP_POSITIONS_ALIBI, /* scores += slope of the head * key's position (Press et al. 2022) */
};
enum hap_activation {
        HAP_GELU,      /* x Φ(x), by erf */
        HAP_GELU_TANH, /* gelu_new, gelu_pytorch_tanh */
        HAP_RELU,
        HAP_SILU,
};

struct hap_config {
        char family[32]; /* "gpt2", "llama", "qwen2", "gpt_neox", "gemma2" … */
        int n_layers, n_heads, n_kv_heads;
        int d_model, d_head, d_mlp;
        int n_vocab;   /* rows of the embedding */
        int n_out;     /* rows of the unembedding: n_vocab but for Tracr */
        int n_context; /* the maximum number of positions; longer prompts are refused */

        enum hap_norm_kind norm;
        float norm_eps;

        enum hap_position_kind position_kind;
        bool rotary_interleaved; /* pairs (2i, 2i+1) rather than (i, i + n/2) */
        int n_rotary;            /* the first dimensions of a head, which are rotary */

        bool causal;
        float attention_scale; /* scores are q·k times this */
        bool attention_scale_by_layer; /* and divided by the layer's number from 1 (Mistral's GPT-2) */
        float attention_cap;   /* cap * tanh(s / cap); 0: none */
        float logit_cap;       /* the same for the logits; 0: none */
        float embedding_scale; /* input = scale * embedding; 1 for most */
        float logit_scale;     /* logits are times this, before the cap; 1 for most */
        float residual_scale;  /* outputs of attention and MLP are times this; 1 for most */
        bool embedding_norm;   /* the embedding is normalised (BLOOM) */
        bool alibi_bf16;       /* ALiBi's biases are rounded to BF16 and scaled (Falcon) */
        bool pre_norm;         /* attention and MLP read a normalised stream; not in OLMo 2 */

        /* Norms that not every family has, from its layout: of queries and keys, and of
         * the outputs of attention and MLP. */
        bool qk_norm, attention_post_norm, mlp_post_norm;
        bool qk_norm_each; /* every head has its own gain of the q and k norms */
        bool qk_norm_together; /* one RMSNorm over all heads (OLMo 2), each with its gain */

        enum hap_activation activation;
        bool gated;             /* mlp = (act(x gate) * (x in)) out */
        /* Mixture of experts: the MLP is the weighted sum of n_used of n_experts gated MLPs of
         * width d_mlp. The weights are the softmax of the router's logits, over those chosen or,
         * with route_all, over all. n_experts 0: one MLP. */
        int n_experts, n_used;
        bool route_all;
        float swiglu_limit;     /* gpt-oss's activation (hap_gated_hidden); 0: none */
        bool parallel_residual; /* the MLP does not read its layer's heads */
        bool tied;              /* unembedding is the embedding */
};

/* y = gain * normed(x) + bias; both NULL: the layer does not have this norm.
 * "(1 + w)" norms are stored as gain = 1 + w. LayerNorm's bias may be NULL. */
struct hap_norm {
        const float *gain; /* [d] */
        const float *bias; /* [d] */
};

struct hap_kept;
struct hap_model_files;

/* A matrix of weights, row-major: in F32, or kept as its file stores it (kept.h); the model does
 * not have it if both are NULL. The engine multiplies with it by forward/product.h only. */
struct hap_matrix {
        float *data; /* [rows][columns] */
        struct hap_kept *kept;
        int rows, columns;
};

/* y = x · weightᵀ + bias. weight: [n_out][n_in]; bias [n_out] or NULL. */
struct hap_linear {
        struct hap_matrix weight;
        float *bias;
};

struct hap_expert {
        struct hap_linear gate, in, out;
};

struct hap_layer {
        struct hap_norm attention_norm, mlp_norm;           /* before */
        struct hap_norm attention_post_norm, mlp_post_norm; /* after (Gemma 2, 3) */
        /* Over d_head, per head, before rotary; with qk_norm_together over all heads. With
         * qk_norm_each gain is [heads][d_head]. */
        struct hap_norm q_norm, k_norm;
        struct hap_linear q;            /* [n_heads * d_head][d_model] */
        struct hap_linear k, v;         /* [n_kv_heads * d_head][d_model] */
        struct hap_linear o;            /* [d_model][n_heads * d_head] */
        struct hap_linear gate;         /* [d_mlp][d_model], none if not gated */
        struct hap_linear in;           /* [d_mlp][d_model] */
        struct hap_linear out;          /* [d_model][d_mlp] */
        struct hap_linear router;       /* [n_experts][d_model], always in F32 */
        struct hap_expert *experts;     /* [n_experts]; then gate, in and out are empty */
        const float *sinks; /* [n_heads]: a logit of no key in each softmax (gpt-oss), or NULL */
        int window; /* keys within the last `window` positions only; 0: all */
        /* Rotary: angle of pair i at position t is t * rotary_frequency[i]
         * (n_rotary / 2 values, the family's scaling included);
         * cos and sin are multiplied with rotary_scale. NULL: no rotary. */
        const float *rotary_frequency;
        float rotary_scale;
};

struct hap_model {
        struct hap_config config;
        struct hap_matrix token_embedding; /* [n_vocab][d_model] */
        const float *position_embedding; /* [n_context][d_model] or NULL */
        struct hap_norm embedding_norm;  /* if config.embedding_norm */
        const float *alibi;              /* [n_heads]: slopes, with ALiBi */
        struct hap_layer *layers;        /* [n_layers] */
        /* The first and the last layers whose matrices other ranks hold (common/mpi_layers.h); only
         * their norms and biases are here. The token embedding is with the first layer, the
         * unembedding with the last. */
        int layers_before, layers_after;
        struct hap_norm final_norm;
        struct hap_matrix unembedding; /* [n_out][d_model] */
        const float *unembedding_bias; /* [n_out] or NULL */
        uint64_t fingerprint; /* xxh3-64 over description and stored weights */
        char path[1024];      /* as given */
        char dtype[16];       /* of most stored weights: "f32", "q4_1" … */
        size_t n_parameters;
        /* Matrices are read from the model's files, which stay open: their bytes. 0: all is F32. */
        size_t stored_bytes;
        struct hap_model_files *files; /* owned, or NULL */
        const char *unread_keys; /* of config.json, without effect: "a, b", or "" */
        struct hap_arena arena; /* owns the rest */
};

/* How matrices are held. HAP_WEIGHTS_AUTO: as stored if in F32 they would be larger than
 * max_bytes, or, without such a limit, than half of the machine's memory; else in F32. */
enum hap_weights { HAP_WEIGHTS_AUTO, HAP_WEIGHTS_STORED, HAP_WEIGHTS_F32 };

struct hap_weights_want {
        enum hap_weights kind;
        size_t max_bytes; /* 0: no limit */
};

/* Reads config and weights from `path`: a Hugging Face folder or a .gguf file. HAP_EINPUT: a
 * setting that is not supported (the message names it), inconsistent sizes, NaN or infinite
 * weights. On failure nothing is left allocated. */
int hap_model_load(struct hap_model *model, const char *path, struct hap_error *err);
/* The same, with a choice of how matrices are held; hap_model_load takes the default. */
int hap_model_load_as(struct hap_model *model, const char *path,
                      const struct hap_weights_want *want, struct hap_error *err);
/* Only the description (config.json, or a GGUF's metadata): no weights. stored_bytes is what
 * hap_model_load_as with this `want` (NULL: the default) would set. */
int hap_model_load_config(struct hap_model *model, const char *path, struct hap_error *err);
int hap_model_load_config_as(struct hap_model *model, const char *path,
                             const struct hap_weights_want *want, struct hap_error *err);
/* Bytes in F32 of all matrices, or, if ranks hold layers, of the most that a rank holds. */
size_t hap_model_f32_bytes(const struct hap_config *config);
void hap_model_release(struct hap_model *model);

/* This process holds layers [hap_model_first_layer, hap_model_end_layer). */
static inline int hap_model_first_layer(const struct hap_model *model)
{
        return model->layers_before;
}
static inline int hap_model_end_layer(const struct hap_model *model)
{
        return model->config.n_layers - model->layers_after;
}

#endif
