/* What Llama and its relatives share: Mistral, Qwen, Gemma. */
#ifndef HAP_MODEL_LLAMA_LIKE_H
#define HAP_MODEL_LLAMA_LIKE_H

#include "model/blueprint.h"

extern const struct hap_weight_layout hap_llama_layout;

/* Reads the sizes. `kv_heads` and `d_head` are the defaults of absent keys
 * (0: as many as heads; width / heads). */
void hap_llama_sizes(struct hap_blueprint *blueprint, int kv_heads, int d_head);
/* After the sizes: activation, tied embeddings, layers, rotary frequencies. */
void hap_llama_layers(struct hap_blueprint *blueprint);
/* The same where `part` of a head is rotary, or what "partial_rotary_factor" says. */
void hap_llama_layers_partial(struct hap_blueprint *blueprint, double part);
/* Attention and MLP read one norm, and the MLP does not read the layer's heads. */
void hap_llama_parallel(struct hap_blueprint *blueprint);
/* LayerNorm, whose epsilon has the key `epsilon`, with biases or without. */
void hap_llama_layer_norm(struct hap_blueprint *blueprint, const char *epsilon, bool bias);
/* Layers from `from` on attend within a window, or those that "layer_types" names. window 0:
 * none do, and "layer_types" may name none. */
void hap_llama_windows(struct hap_blueprint *blueprint, int window, int from);
/* Qwen: the same, from max_window_layers on. */
void hap_qwen_windows(struct hap_blueprint *blueprint);

#endif
