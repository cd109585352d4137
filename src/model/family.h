/* Families of models: from settings to a description, and from names of stored
 * tensors to weights.
 *
 * A family is a function that fills a blueprint from the settings; nothing else
 * in hap knows of it. docs/adding.md shows how to add one. */
#ifndef HAP_MODEL_FAMILY_H
#define HAP_MODEL_FAMILY_H

#include "model/model.h"
#include "model/settings.h"
#include "model/stored.h"

/* How q, k and v are stored. */
enum hap_qkv {
        HAP_QKV_APART,
        HAP_QKV_STACKED,  /* one tensor: all q rows, all k rows, all v rows */
        HAP_QKV_PER_HEAD, /* one tensor: for each head its q, k and v rows */
};

/* Where the weights of a family lie. Names of linear maps and norms are stems,
 * to which ".weight" and ".bias" belong; "%d" is the layer. NULL: no such. */
struct hap_layout {
        /* Put before all names but that of the unembedding; the first with
         * which the token embedding is found counts. NULL-terminated. */
        const char *prefixes[4];
        const char *token_embedding, *position_embedding, *unembedding; /* whole names */
        const char *final_norm;
        const char *attention_norm, *attention_post_norm;
        const char *mlp_norm, *mlp_post_norm;
        const char *q_norm, *k_norm;
        const char *qkv, *q, *k, *v, *o;
        const char *gate, *in, *out;
        /* Factors that divide rotary frequencies, whole name without prefix,
         * used when it is there (GGUF's Llama 3). */
        const char *rotary_factors;
        /* Ends of names that are passed over: masks and tables that checkpoints
         * carry along. NULL-terminated. */
        const char *ignored[6];

        enum hap_qkv fused;
        bool transposed;       /* linear weights are [in][out] */
        bool embedding_out_in; /* the unembedding is [d_model][n_out] */
        bool gain_plus_one;    /* norms store w for 1 + w */
        bool rotary_pairs;     /* q and k rows lie in the order (0, n/2, 1, n/2 + 1 …) */
        bool qkv_bias, o_bias, mlp_bias, norm_bias;
};

struct hap_blueprint {
        struct hap_settings *settings;
        struct hap_model *model; /* config and layers are filled in */
        struct hap_layout layout;
        struct hap_error *err;
};

struct hap_family {
        const char *name; /* config.json's model_type */
        void (*describe)(struct hap_blueprint *blueprint);
};

/* Larger sizes than these are taken for damage. */
#define HAP_MAX_LAYERS 4096
#define HAP_MAX_HEADS 4096
#define HAP_MAX_WIDTH (1 << 20)
#define HAP_MAX_VOCABULARY (1 << 24)
#define HAP_MAX_CONTEXT (1 << 28)

/* NULL when there is none of that name. */
const struct hap_family *hap_family_find(const char *model_type);
/* The names of all families, for messages. */
const char *hap_family_names(void);

/* For families: allocates model->layers once the sizes are known (an error
 * goes to the settings). */
void hap_blueprint_layers(struct hap_blueprint *blueprint);

/* d_head where the heads share the model's width out among them. */
void hap_family_share_width(struct hap_settings *settings, struct hap_config *config);

/* The activation that a key names. */
enum hap_activation hap_settings_activation(struct hap_settings *settings, const char *key,
                                            const char *fallback);
/* Whether layer i of n attends within a window by "layer_types", or `fallback`
 * when there is no such key. */
bool hap_settings_layer_slides(struct hap_settings *settings, int i, int n, bool fallback);

enum hap_rotary_scaling { HAP_ROTARY_PLAIN, HAP_ROTARY_LINEAR, HAP_ROTARY_LLAMA3 };
struct hap_rotary {
        double theta;
        double part; /* of a head's dimensions that turn, when the scaling says so; else 0 */
        int n; /* dimensions that turn: even */
        enum hap_rotary_scaling scaling;
        double factor, low, high, original; /* of the scaling */
};
/* n / 2 frequencies in the model's arena. */
const float *hap_rotary_make(struct hap_blueprint *blueprint, const struct hap_rotary *rotary);
/* Reads "rope_theta" (`theta` when absent) and "rope_scaling", or
 * "rope_parameters", in which newer folders have both, into *rotary. */
void hap_rotary_read(struct hap_blueprint *blueprint, struct hap_rotary *rotary, double theta);
/* Only the object `key`, when it is there; with `member`, its object for one
 * kind of layers. */
void hap_rotary_read_object(struct hap_blueprint *blueprint, const char *key,
                            const char *member, struct hap_rotary *rotary);

/* The sizes that Llama and its relatives name alike; `kv_heads` and `d_head`
 * are what absent keys stand for (0: as many as heads; width / heads). */
void hap_family_llama_sizes(struct hap_blueprint *blueprint, int kv_heads, int d_head);

/* The families. */
void hap_family_gpt2(struct hap_blueprint *blueprint);
void hap_family_gpt_neox(struct hap_blueprint *blueprint);
void hap_family_llama(struct hap_blueprint *blueprint);
void hap_family_mistral(struct hap_blueprint *blueprint);
void hap_family_qwen2(struct hap_blueprint *blueprint);
void hap_family_qwen3(struct hap_blueprint *blueprint);
void hap_family_gemma2(struct hap_blueprint *blueprint);
void hap_family_gemma3(struct hap_blueprint *blueprint);
void hap_family_tracr(struct hap_blueprint *blueprint);

/* The family of a GGUF file by its "general.architecture"; fills the blueprint
 * from the metadata, of which the settings hold those with the architecture's
 * prefix (without it). HAP_EINPUT: no such family. */
int hap_gguf_describe(const struct hap_gguf *gguf, struct hap_settings *settings,
                      struct hap_blueprint *blueprint, struct hap_error *err);

/* Finds, checks and converts all weights that config and layout say, into the
 * model's arena; sets n_parameters, dtype and the tensors' `used`. */
int hap_import(struct hap_model *model, const struct hap_layout *layout,
               struct hap_store *store, struct hap_error *err);

/* xxh3-64 over description and used tensors. */
int hap_fingerprint(struct hap_model *model, const struct hap_store *store,
                    struct hap_error *err);

#endif
