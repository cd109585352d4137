#include "forward/product.h"

#include "forward/bf16.h"
#include "forward/blas.h"

static const float *block_data(const struct hap_block *w)
{
        return w->matrix->data + (size_t)w->row * w->matrix->columns + w->column;
}

void hap_product_forward(struct hap_scratch *scratch, struct hap_block w, int m,
                         const float *x, int ldx, float beta, float *y, int ldy)
{
        if (scratch->bf16) {
                hap_bf16_product(scratch->engine->bf16, scratch, &w, false, m, x, ldx, beta, y, ldy);
                return;
        }
        hap_gemm(false, true, m, w.rows, w.columns, 1, x, ldx, block_data(&w), w.matrix->columns,
                 beta, y, ldy);
}

void hap_product_backward(struct hap_scratch *scratch, struct hap_block w, int m,
                          const float *dy, int ldy, float beta, float *g, int ldg)
{
        if (scratch->bf16) {
                hap_bf16_product(scratch->engine->bf16, scratch, &w, true, m, dy, ldy, beta, g,
                                 ldg);
                return;
        }
        hap_gemm(false, false, m, w.columns, w.rows, 1, dy, ldy, block_data(&w),
                 w.matrix->columns, beta, g, ldg);
}

void hap_product_begin(struct hap_scratch *scratch, bool bf16)
{
        scratch->bf16 = bf16 && !scratch->counting;
}

int hap_product_end(struct hap_scratch *scratch, int rc)
{
        scratch->bf16 = false;
        return rc < 0 ? rc : scratch->error.code;
}
