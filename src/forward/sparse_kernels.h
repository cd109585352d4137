/* The inner loops of sparse.c, for the vectors that the processor has. */
#ifndef HAP_FORWARD_SPARSE_KERNELS_H
#define HAP_FORWARD_SPARSE_KERNELS_H

#include "forward/sparse.h"

enum {
        HAP_SPARSE_TILE = 64,  /* columns of a product at a time */
        HAP_SPARSE_HEIGHT = 6, /* rows of a group of a product */
        HAP_SPARSE_LANES = 16, /* partial sums of a dot product */
        HAP_SPARSE_ROWS = 4,   /* rows of a group of dot products */
};

struct hap_sparse_kernels {
        /* hap_sparse_product of one group over HAP_SPARSE_TILE columns; x, y: their first ones, y
         * of the group's first row */
        void (*product)(const struct hap_sparse_group *group, const float *x, size_t ldx, bool add,
                        float *y, size_t ldy);
        /* hap_sparse_dots of one group; g, sum: of its first row */
        void (*dots)(const struct hap_sparse_group *group, size_t n, const float *g, size_t ldg,
                     const float *x, size_t ldx, double *sum, size_t ld_sum);
};

const struct hap_sparse_kernels *hap_sparse_kernels(void);

#endif
