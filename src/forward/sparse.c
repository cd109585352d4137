#include "forward/sparse.h"

#include "forward/blas.h"

/* Columns are worked on in blocks, so that every row's piece of a block stays
 * in the second-level cache (1,024 floats × some 200 rows), and within a block
 * in tiles whose sums stay in registers. */
#define BLOCK 1024
#define TILE 64
#define LANES 8

typedef float vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

int hap_sparse_of(struct hap_sparse *sparse, struct hap_scratch *scratch, int rows, int columns,
                  const float *m, int ld, bool transpose)
{
        const int n = transpose ? columns : rows, other = transpose ? rows : columns;
        const size_t max = (size_t)rows * columns;
        int used = 0;

        sparse->n = n;
        sparse->start = hap_scratch_alloc(scratch, (size_t)n + 1, sizeof(*sparse->start));
        sparse->index = hap_scratch_alloc(scratch, max, sizeof(*sparse->index));
        sparse->weight = hap_scratch_alloc(scratch, max, sizeof(*sparse->weight));
        if (scratch->error.code < 0)
                return scratch->error.code;
        for (int i = 0; i < n; i++) {
                sparse->start[i] = used;
                for (int j = 0; j < other; j++) {
                        const float a = transpose ? m[(size_t)j * ld + i] : m[(size_t)i * ld + j];

                        if (a == 0)
                                continue;
                        sparse->index[used] = j;
                        sparse->weight[used++] = a;
                }
        }
        sparse->start[n] = used;
        return HAP_OK;
}

/* TILE columns of one row: the sums are eight vectors in registers. */
static void product_tile(const struct hap_sparse *m, int i, const float *x, size_t ldx, bool add, float *y)
{
        vector sum[TILE / LANES];

        for (int j = 0; j < TILE / LANES; j++)
                sum[j] = add ? *(const vector *)(y + j * LANES) : (vector){0};
        for (int e = m->start[i]; e < m->start[i + 1]; e++) {
                const float *from = x + (size_t)m->index[e] * ldx;
                const float a = m->weight[e];

                for (int j = 0; j < TILE / LANES; j++)
                        sum[j] += a * *(const vector *)(from + j * LANES);
        }
        for (int j = 0; j < TILE / LANES; j++)
                *(vector *)(y + j * LANES) = sum[j];
}

/* The columns after the last whole tile. */
static void product_rest(const struct hap_sparse *m, int i, size_t n, const float *x, size_t ldx, bool add,
                 float *y)
{
        for (size_t c = 0; c < n; c++) {
                float sum = add ? y[c] : 0;

                for (int e = m->start[i]; e < m->start[i + 1]; e++)
                        sum += m->weight[e] * x[(size_t)m->index[e] * ldx + c];
                y[c] = sum;
        }
}

void hap_sparse_product(const struct hap_sparse *m, size_t size, const float *x, size_t ldx,
                        bool add, float *y, size_t ldy)
{
        for (size_t from = 0; from < size; from += BLOCK) {
                const size_t end = size - from < BLOCK ? size : from + BLOCK;

                for (int i = 0; i < m->n; i++) {
                        float *row = y + (size_t)i * ldy;
                        size_t c = from;

                        if (add && m->start[i] == m->start[i + 1])
                                continue;
                        for (; c + TILE <= end; c += TILE)
                                product_tile(m, i, x + c, ldx, add, row + c);
                        product_rest(m, i, end - c, x + c, ldx, add, row + c);
                }
        }
}

void hap_sparse_dots(const struct hap_sparse *m, size_t size, const float *g, size_t ldg,
                     const float *x, size_t ldx, double *sum)
{
        for (size_t from = 0; from < size; from += BLOCK) {
                const size_t n = size - from < BLOCK ? size - from : BLOCK;

                for (int i = 0; i < m->n; i++)
                        for (int e = m->start[i]; e < m->start[i + 1]; e++)
                                sum[e] += hap_dot(n, g + (size_t)i * ldg + from,
                                                  x + (size_t)m->index[e] * ldx + from);
        }
}
