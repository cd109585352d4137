/* Products with a model's weights: the only place where the engine reads a matrix of weights. */
#ifndef HAP_FORWARD_PRODUCT_H
#define HAP_FORWARD_PRODUCT_H

#include "forward/scratch.h"
#include "model/model.h"

/* Rows [row, row + rows) and columns [column, column + columns) of a matrix of weights. */
struct hap_block {
        const struct hap_matrix *matrix;
        int row, rows, column, columns;
};

static inline struct hap_block hap_block_rows(const struct hap_matrix *w, int first, int n)
{
        return (struct hap_block){w, first, n, 0, w->columns};
}

static inline struct hap_block hap_block_columns(const struct hap_matrix *w, int first, int n)
{
        return (struct hap_block){w, 0, w->rows, first, n};
}

static inline struct hap_block hap_block_all(const struct hap_matrix *w)
{
        return hap_block_rows(w, 0, w->rows);
}

/* Matrices are multiplied by panels of some 8 million values, which divide the outputs and never
 * a sum. Weights that are kept as stored are converted panel by panel, to scratch->panel. The
 * panels do not depend on the storage, so both give the same bits. */

/* y = x · Wᵀ + beta · y, W the block: x [m][columns], y [m][rows]; ldx and ldy are their leading
 * dimensions. */
void hap_product_forward(struct hap_scratch *scratch, struct hap_block w, int m,
                         const float *x, int ldx, float beta, float *y, int ldy);
/* g = dy · W + beta · g, the gradient at x: dy [m][rows], g [m][columns]. */
void hap_product_backward(struct hap_scratch *scratch, struct hap_block w, int m,
                          const float *dy, int ldy, float beta, float *g, int ldg);

/* Begins a run whose products are in F32 or, if `bf16`, in BF16; and ends it, in F32 again: returns
 * rc or, when a product failed, its error. */
void hap_product_begin(struct hap_scratch *scratch, bool bf16);
int hap_product_end(struct hap_scratch *scratch, int rc);

#endif
