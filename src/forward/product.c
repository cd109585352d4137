#include "forward/product.h"

#include "common/number.h"
#include "forward/blas.h"
#include "model/kept.h"

#define PANEL ((size_t)8 << 20) /* values: products so large take no special path in the BLAS */
#define ALIGN 256               /* columns: the largest block of a storage */

static int panels(int rows, int columns)
{
        return (int)hap_max(1, (size_t)rows * (size_t)columns / PANEL);
}

/* Rows of a panel of a forward product. */
static int row_step(int rows, int columns)
{
        const int n = panels(rows, columns);

        return (rows + n - 1) / n;
}

/* Columns of a panel of a backward product. */
static int column_step(int rows, int columns)
{
        const int n = panels(rows, columns);

        return ((columns + n - 1) / n + ALIGN - 1) / ALIGN * ALIGN;
}

static size_t panel_values(int rows, int columns)
{
        const size_t forward = (size_t)row_step(rows, columns) * (size_t)(columns + 2 * ALIGN);
        const size_t width = (size_t)column_step(rows, columns) + 2 * ALIGN;

        return hap_max(forward, (size_t)rows * width);
}

size_t hap_product_bytes(const struct hap_model *model)
{
        const struct hap_config *c = &model->config;
        const int d = c->d_model, heads = c->n_heads * c->d_head;
        size_t values = 0;

        if (model->stored_bytes == 0)
                return 0;
        values = hap_max(values, panel_values(heads, d));
        values = hap_max(values, panel_values(d, heads));
        values = hap_max(values, panel_values(c->d_mlp, d));
        values = hap_max(values, panel_values(d, c->d_mlp));
        values = hap_max(values, panel_values(c->n_out, d));
        return hap_max(values, 2 * PANEL) * sizeof(float);
}

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
        const int step = row_step(w.rows, w.columns);

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
        const int step = column_step(w.rows, w.columns);

        for (int c = 0; m > 0 && c < w.columns; c += step) {
                const int n = w.columns - c < step ? w.columns - c : step;
                int ld;
                const float *values = read_block(scratch, (struct hap_block){
                        w.matrix, w.row, w.rows, w.column + c, n}, &ld);

                hap_gemm(false, false, m, n, w.rows, 1, dy, ldy, values, ld, beta, g + c, ldg);
        }
}
