#include "forward/product.h"

#include "forward/blas.h"

static const float *block_data(const struct hap_block *w)
{
        return w->matrix->data + (size_t)w->row * w->matrix->columns + w->column;
}

void hap_product_forward(struct hap_scratch *scratch, struct hap_block w, int m,
                         const float *x, int ldx, float beta, float *y, int ldy)
{
        (void)scratch;
        hap_gemm(false, true, m, w.rows, w.columns, 1, x, ldx, block_data(&w), w.matrix->columns,
                 beta, y, ldy);
}

void hap_product_backward(struct hap_scratch *scratch, struct hap_block w, int m,
                          const float *dy, int ldy, float beta, float *g, int ldg)
{
        (void)scratch;
        hap_gemm(false, false, m, w.columns, w.rows, 1, dy, ldy, block_data(&w),
                 w.matrix->columns, beta, g, ldg);
}
