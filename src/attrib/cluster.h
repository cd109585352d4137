/* Groups of examples with different circuits, from the scores of every single example. */
#ifndef HAP_ATTRIB_CLUSTER_H
#define HAP_ATTRIB_CLUSTER_H

#include <stdint.h>

#include "attrib/example_scores.h"

struct hap_cluster_options {
        int clusters;  /* K, at least 2 */
        int vectors;   /* singular vectors; 0: K */
        uint64_t seed; /* of the first centres */
};

struct hap_clustering {
        int clusters;
        int *of;           /* [n]: the cluster of each example, 0 … K − 1; the cluster of the first
                            * example is 0, that of the first one in another is 1 … */
        size_t *size;      /* [clusters] */
        double *silhouette; /* [clusters]: mean over its examples */
        double mean_silhouette; /* over all examples */
        double explained;  /* share of the squares that the singular vectors explain */
};

/* Each example is the vector of the magnitudes of its scores, scaled to length 1 (an example whose
 * scores are all 0 stays zero), minus the mean over the examples. Let U Σ Vᵀ be the singular value
 * decomposition of the matrix of all examples. The rows of the leading columns of U Σ are grouped
 * by k-means (Lloyd 1982; first centres by k-means++, Arthur and Vassilvitskii 2007; the best of 32
 * starts). The silhouette (Rousseeuw 1987) of an example is (b − a)/max(a, b), a its mean distance
 * to its own cluster and b that to the next one, from −1 to 1; 0 if it is alone. HAP_EINPUT: there
 * are fewer examples, or fewer different ones, than clusters. HAP_EUSAGE: more vectors than
 * examples, or the program was built with a BLAS that has no LAPACK. */
int hap_cluster(const struct hap_example_scores *scores, const struct hap_cluster_options *options,
                struct hap_clustering *clustering, struct hap_error *err);
void hap_clustering_release(struct hap_clustering *clustering);

/* mean = the mean scores of a cluster's examples: [n_scores]. */
void hap_cluster_mean(const struct hap_example_scores *scores,
                      const struct hap_clustering *clustering, int cluster, double *mean);

#endif
