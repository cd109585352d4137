/* k-means. */
#ifndef HAP_ATTRIB_K_MEANS_H
#define HAP_ATTRIB_K_MEANS_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* of[i] = the cluster, 0 … k − 1, of point i, so that the sum of squared distances to the clusters'
 * means is small: the best of 32 starts by k-means++, each improved by Lloyd's steps until nothing
 * changes. Clusters are numbered in the order of their first points, and none is empty.
 * points: [n][r]. HAP_EINPUT: fewer than k different points. */
int hap_k_means(const double *points, size_t n, size_t r, int k, uint64_t seed, int *of,
                struct hap_error *err);

#endif
