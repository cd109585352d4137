/* What families share when they are read from GGUF metadata: the keys of
 * llama.cpp's converter, with llama.cpp's default where a key is absent. */
#ifndef HAP_MODEL_GGUF_LIKE_H
#define HAP_MODEL_GGUF_LIKE_H

#include "common/gguf.h"
#include "model/blueprint.h"

/* Reads the sizes, whose keys are the same for all architectures, sets the layout of llama.cpp's
 * tensor names and allocates the layers. `epsilon` is the key of the norms' epsilon. */
void hap_gguf_sizes(const struct hap_gguf *gguf, struct hap_blueprint *b, const char *epsilon);
/* Rotary positions and windows. Every `period`-th layer attends to all positions (0: all layers
 * have windows) unless a key says otherwise; `usual_window` is the default window (0: none);
 * `local_theta` is the base of the layers with a window (0: the same). */
void hap_gguf_rotary(struct hap_blueprint *b, int period, int usual_window, double local_theta);
/* Sizes, norms and the gated MLP of Llama and its relatives. A mixture of experts normalises the
 * weights of those chosen, unless the family says otherwise. */
void hap_gguf_llama(const struct hap_gguf *gguf, struct hap_blueprint *b);
/* The same for Qwen 3, dense or a mixture: queries and keys have norms. */
void hap_gguf_qwen3(const struct hap_gguf *gguf, struct hap_blueprint *b);
/* Sizes and LayerNorm. q, k and v are apart, or one tensor if the file has it. */
void hap_gguf_layer_norm(const struct hap_gguf *gguf, struct hap_blueprint *b);
/* Attention and MLP read one norm, and the MLP does not read the layer's heads. */
void hap_gguf_parallel(struct hap_blueprint *b);
/* Whether the file has a tensor. */
bool hap_gguf_has(const struct hap_gguf *gguf, const char *name);
/* The same for Gemma. Norms are stored as 1 + w. The 27B model, which has
 * `layers_27b` layers, scales attention by d_model / n_heads and not by d_head; no
 * metadata records that. */
void hap_gguf_gemma(const struct hap_gguf *gguf, struct hap_blueprint *b, int layers_27b);

#endif
