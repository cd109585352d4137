#include "forward/product.h"

#include "forward/bf16.h"
#include "forward/blas.h"
#include "forward/panel.h"
#include "model/kept.h"

/* The values of a block, whose rows are *ld apart. */
static const float *read_block(const struct hap_scratch *scratch, struct hap_block w, int *ld)
{
        const int align = hap_matrix_align(w.matrix);
        const int first = w.column / align * align;

        if (w.matrix->data) {
                *ld = w.matrix->columns;
                return w.matrix->data + (size_t)w.row * (size_t)w.matrix->columns + w.column;
        }
        *ld = (w.column + w.columns - first + align - 1) / align * align;
        hap_matrix_read(w.matrix, w.row, w.rows, first, *ld, scratch->panel);
        return scratch->panel + (w.column - first);
}

void hap_product_forward(struct hap_scratch *scratch, struct hap_block w, int m,
                         const float *x, int ldx, float beta, float *y, int ldy)
{
        const int step = hap_panel_rows(w.rows, w.columns);

        if (scratch->bf16) {
                hap_bf16_product(scratch->engine->bf16, scratch, &w, false, m, x, ldx, beta, y, ldy);
                return;
        }
        for (int r = 0; m > 0 && r < w.rows; r += step) {
                const int n = w.rows - r < step ? w.rows - r : step;
                int ld;
                const float *values = read_block(scratch, (struct hap_block){
                        w.matrix, w.row + r, n, w.column, w.columns}, &ld);

                hap_gemm(false, true, m, n, w.columns, 1, x, ldx, values, ld, beta, y + r, ldy);
        }
}

void hap_product_backward(struct hap_scratch *scratch, struct hap_block w, int m,
                          const float *dy, int ldy, float beta, float *g, int ldg)
{
        const int step = hap_panel_columns(w.rows, w.columns);

        if (scratch->bf16) {
                hap_bf16_product(scratch->engine->bf16, scratch, &w, true, m, dy, ldy, beta, g,
                                 ldg);
                return;
        }
        for (int c = 0; m > 0 && c < w.columns; c += step) {
                const int n = w.columns - c < step ? w.columns - c : step;
                int ld;
                const float *values = read_block(scratch, (struct hap_block){
                        w.matrix, w.row, w.rows, w.column + c, n}, &ld);

                hap_gemm(false, false, m, n, w.rows, 1, dy, ldy, values, ld, beta, g + c, ldg);
        }
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
