/* Products with a sparse matrix of masks. */
#ifndef HAP_FORWARD_SPARSE_H
#define HAP_FORWARD_SPARSE_H

#include <stddef.h>

#include "forward/scratch.h"

/* Rows of a sparse matrix: row i has entries start[i] … start[i + 1] - 1. */
struct hap_sparse {
        int n;
        int *start;    /* [n + 1] */
        int *index;    /* column of an entry */
        float *weight; /* NULL when only the pattern is used */
};

/* The non-zero elements of m ([rows][columns], leading dimension ld), or of its
 * transpose. Memory is from the scratch. */
int hap_sparse_of(struct hap_sparse *sparse, struct hap_scratch *scratch, int rows, int columns,
                  const float *m, int ld, bool transpose);

/* y[i] = Σ_entries weight · x[index] (added to y if `add`), over `size`
 * columns; row r of x at x + r · ldx, of y at y + r · ldy. */
void hap_sparse_product(const struct hap_sparse *m, size_t size, const float *x, size_t ldx,
                        bool add, float *y, size_t ldy);

/* sum[entry of row i] += ⟨g[i], x[index]⟩ over `size` columns. */
void hap_sparse_dots(const struct hap_sparse *m, size_t size, const float *g, size_t ldg,
                     const float *x, size_t ldx, double *sum);

#endif
