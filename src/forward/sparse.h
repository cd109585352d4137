/* Products with a matrix of masks, of which some elements are zero. */
#ifndef HAP_FORWARD_SPARSE_H
#define HAP_FORWARD_SPARSE_H

#include <stddef.h>

#include "forward/scratch.h"

/* Rows row … row + height - 1 of the matrix, and the columns in which at least one of them is not
 * zero. */
struct hap_sparse_group {
        int row, height;
        int n;
        int *index;    /* [n]: the columns, ascending */
        float *weight; /* [n][height] */
};

/* Many rows that share their columns are cheaper as a group, because every vector is loaded once
 * for all of them; few that do not are cheaper one by one, because nothing is multiplied by zero.
 * The sums have the same terms in the same order, so both give the same bits. */
struct hap_sparse {
        int n; /* groups */
        struct hap_sparse_group *group;
        int n_used, n_filled;
        int *used;   /* [n_used]: columns that are not zero in every row */
        int *filled; /* [n_filled]: rows that are not zero in every column */
};

enum hap_sparse_kind { HAP_SPARSE_PRODUCT, HAP_SPARSE_DOTS };

/* The non-zero elements of m ([rows][columns], leading dimension ld), or of its transpose, grouped
 * for one of the two functions below. Memory is from the scratch. */
int hap_sparse_of(struct hap_sparse *sparse, struct hap_scratch *scratch, enum hap_sparse_kind kind,
                  int rows, int columns, const float *m, int ld, bool transpose);

/* y[i] = Σ_k m[i][k] · x[k] (added to y if `add`), over `size` columns; row r of x at x + r · ldx,
 * of y at y + r · ldy. */
void hap_sparse_product(const struct hap_sparse *m, size_t size, const float *x, size_t ldx,
                        bool add, float *y, size_t ldy);

/* sum[i][k] += ⟨g[i], x[k]⟩ over `size` columns, where m[i][k] is not zero; sum: [rows][ld_sum]. */
void hap_sparse_dots(const struct hap_sparse *m, size_t size, const float *g, size_t ldg,
                     const float *x, size_t ldx, double *sum, size_t ld_sum);

#endif
