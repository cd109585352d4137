/* How well scores rank the edges and nodes of a reference circuit before all others. */
#ifndef HAP_EVAL_ROC_H
#define HAP_EVAL_ROC_H

#include "eval/reference.h"
#include "graph/edges.h"

/* The area under the receiver operating characteristic: the share of pairs of a positive and a
 * negative item in which the positive one scores more, ties counted half (Mann and Whitney).
 * NaN if all items are positive or none is. score, positive: [n]. */
int hap_roc_auc(const double *score, const bool *positive, size_t n, double *auc,
                struct hap_error *err);

/* Σ (R_k − R_{k−1}) P_k over the thresholds from the best score down, P and R precision and
 * recall of the items that score at least the threshold: scikit-learn's average precision. NaN
 * if no item is positive. */
int hap_average_precision(const double *score, const bool *positive, size_t n, double *ap,
                          struct hap_error *err);

struct hap_roc_input {
        const char *name;
        const struct hap_edges *edges; /* scores, or a circuit with its z as scores */
        bool by_sign;                  /* rank by the score itself, not its magnitude */
        const double *share;           /* [n_shares], of the graph's edges */
        int n_shares;
};

/* Writes {"circuit", "metric", "on", "order", "reference", "value"} for
 * roc-auc and average-precision on edges and nodes (a node has the best score of its outgoing
 * edges), and auroc on edges: MIB's area for InterpBench. It is measured at the shares alone:
 * greedy selection of ceil(p·E) edges by magnitude, dead edges dropped, the true positive rate
 * by the false positive rate, which is divided by its last value; there is no point at 0.
 * Edges without a score come last. Values that are not defined are left out. */
int hap_roc_write(const struct hap_roc_input *input, const struct hap_reference *reference,
                  struct hap_stream_out *out, struct hap_error *err);

#endif
