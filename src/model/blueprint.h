/* What a family fills in when it reads a model's settings: the description of the
 * model, and the layout of its weights. */
#ifndef HAP_MODEL_BLUEPRINT_H
#define HAP_MODEL_BLUEPRINT_H

#include "model/model.h"
#include "model/settings.h"

/* How q, k and v are stored. */
enum hap_qkv {
        HAP_QKV_APART,
        HAP_QKV_STACKED,  /* one tensor: all q rows, all k rows, all v rows */
        HAP_QKV_PER_GROUP, /* one tensor: for each group of heads its q rows, then k and v rows */
};

/* The gains of the norms of q and k. */
enum hap_qk_norm {
        HAP_QK_NORM_SHARED,   /* [d_head] */
        HAP_QK_NORM_TOGETHER, /* [heads][d_head] */
        HAP_QK_NORM_APART,    /* a tensor [d_head] per head, the name's second "%d" */
        HAP_QK_NORM_ALL,      /* [heads · d_head], and one norm over all of them */
};

/* How the weights of experts are stored. */
enum hap_experts {
        HAP_EXPERTS_APART,   /* a tensor per expert, the second "%d" of the name */
        HAP_EXPERTS_STACKED, /* one tensor [n_experts][out][in] for all */
        /* gpt-oss: [n_experts][in][out] without ".weight", gate and in of `gate_in` alternating;
         * biases are named NAME_bias */
        HAP_EXPERTS_IN_OUT,
        /* the same as MXFP4: NAME_blocks [n_experts][out][in/32][16], NAME_scales without the 16 */
        HAP_EXPERTS_MXFP4,
};

/* The names and the layout of a family's stored weights. Names of linear maps and norms are stems
 * without ".weight" and ".bias"; "%d" is the layer. NULL: the family has none. */
struct hap_weight_layout {
        /* Prefixes of all names but the unembedding's. The first with which the token
         * embedding exists is used. NULL-terminated. */
        const char *prefixes[4];
        const char *token_embedding, *position_embedding, *unembedding; /* whole names */
        const char *unembedding_bias; /* whole name */
        const char *embedding_norm;
        const char *final_norm;
        const char *attention_norm, *attention_post_norm;
        const char *mlp_norm, *mlp_post_norm;
        const char *q_norm, *k_norm;
        const char *qkv, *q, *k, *v, *o;
        const char *gate, *in, *out;
        const char *gate_in; /* one tensor: all gate rows, then all in rows */
        const char *router; /* of a mixture of experts, whose weights are gate, in and out */
        const char *sinks;  /* whole name */
        /* Factors that divide rotary frequencies, whole name without prefix, used if present
         * (GGUF's Llama 3). */
        const char *rotary_factors;
        /* Suffixes of names that are ignored: masks and tables. NULL-terminated. */
        const char *ignored[6];
        /* Prefixes of names that are ignored: other models in the same files. */
        const char *ignored_prefixes[6];

        enum hap_qkv fused;
        enum hap_qk_norm qk_norm_each;
        enum hap_experts experts;
        int position_offset;   /* the position embedding's rows before position 0 */
        bool transposed;       /* linear weights are [in][out] */
        bool embedding_out_in; /* the unembedding is [d_model][n_out] */
        bool gain_plus_one;    /* norms store w for 1 + w */
        bool rotary_pairs;     /* q and k rows are stored in the order (0, n/2, 1, n/2 + 1 …) */
        bool qkv_bias, o_bias, mlp_bias, norm_bias, qk_norm_bias;
        bool router_bias;
};

#define HAP_MAX_ROTARY_SCALES 8
struct hap_rotary_scale {
        const float *frequencies;
        float scale;
};

struct hap_blueprint {
        struct hap_settings *settings;
        struct hap_model *model; /* config and layers are filled in */
        struct hap_weight_layout layout;
        /* Of the frequencies that hap_rotary_make made, if not 1. */
        struct hap_rotary_scale scales[HAP_MAX_ROTARY_SCALES];
        int n_scales;
        bool yarn_exact; /* GGUF, whose metadata do not record it: see hap_rotary.exact */
        struct hap_error *err;
};

/* Larger sizes are refused: the file is damaged. */
#define HAP_MAX_LAYERS 4096
#define HAP_MAX_HEADS 4096
#define HAP_MAX_EXPERTS 4096
#define HAP_MAX_WIDTH (1 << 20)
#define HAP_MAX_VOCABULARY (1 << 24)
#define HAP_MAX_CONTEXT (1 << 28)

/* Allocates model->layers once the sizes are known (an error
 * goes to the settings). */
void hap_blueprint_layers(struct hap_blueprint *blueprint);

/* Sets rotary_scale of the layers, from their frequencies. For the end of the description. */
void hap_blueprint_scale_rotary(struct hap_blueprint *blueprint);

/* The keys of a family's sizes. */
struct hap_size_keys {
        const char *layers, *heads, *width, *hidden, *context;
};
extern const struct hap_size_keys hap_gpt2_size_keys;

/* The sizes of GPT-2 and its relatives: heads that share the width equally, each with keys and
 * values of its own, an MLP that is 4 times as wide unless `hidden` says otherwise, and LayerNorm. */
void hap_family_gpt_sizes(struct hap_settings *settings, const struct hap_size_keys *keys,
                          struct hap_config *config);

/* d_head if the heads share the model's width equally. */
void hap_family_share_width(struct hap_settings *settings, struct hap_config *config);

/* The activation that a key names. */
enum hap_activation hap_settings_activation(struct hap_settings *settings, const char *key,
                                            const char *fallback);
/* Whether layer i of n attends within a window by "layer_types", or `fallback`
 * when there is no such key. */
bool hap_settings_layer_slides(struct hap_settings *settings, int i, int n, bool fallback);

#endif
