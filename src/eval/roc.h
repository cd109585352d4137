/* How well scores rank the edges and nodes of a reference circuit before all others. */
#ifndef HAP_EVAL_ROC_H
#define HAP_EVAL_ROC_H

#include "eval/reference.h"
#include "graph/edges.h"

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
