/* Products with weights in BF16: inputs and weights are rounded to BF16 (to nearest, ties to
 * even), products are exact, and sums are F32. oneDNN multiplies (onednn.h).
 *
 * The weights are packed once, for the forward and for the backward product. The heads' q, k, v
 * and o are packed head by head, because masked runs project each head by itself. */
#ifndef HAP_FORWARD_BF16_H
#define HAP_FORWARD_BF16_H

#include "common/error.h"
#include "forward/product.h"

struct hap_bf16;

#define HAP_BF16_ROWS 128 /* rows that are multiplied at a time, at most */

/* Option --precision. */
enum hap_precision { HAP_PRECISION_F32, HAP_PRECISION_BF16, HAP_PRECISION_AUTO };
extern const char *const hap_precisions[]; /* their names, ended by NULL */

/* Packs the model's weights, with the norms folded in. HAP_EUSAGE: there are no BF16 products
 * here (hap_bf16_missing). On an error *bf16 is NULL. */
int hap_bf16_new(struct hap_bf16 **bf16, const struct hap_model *model, struct hap_error *err);
void hap_bf16_free(struct hap_bf16 *bf16); /* NULL is allowed */

/* At most this much: the packed weights and the library, and for each thread its buffers. */
size_t hap_bf16_bytes(const struct hap_model *model);
size_t hap_bf16_thread_bytes(const struct hap_model *model);

/* y = x · Wᵀ + beta · y, or with `backward` y = x · W + beta · y, W the block, which consists of
 * whole heads in q, k, v and o and is all of another matrix; beta 0 or 1. m rows of x and y;
 * ldx and ldy are their leading dimensions. The result depends on x and m only, not on threads.
 * Errors are in scratch->error. */
void hap_bf16_product(const struct hap_bf16 *bf16, struct hap_scratch *scratch,
                      const struct hap_block *w, bool backward, int m, const float *x, int ldx,
                      float beta, float *y, int ldy);

#endif
