/* Random circuits as rows of a report. */
#ifndef HAP_EVAL_BASELINE_H
#define HAP_EVAL_BASELINE_H

#include "eval/eval.h"

struct hap_baseline {
        struct hap_evaluation evaluation; /* of the random circuits, in the order of
                                           * circuits, kinds and draws */
        size_t per_kind;                  /* random circuits of a kind for each circuit */
};

/* Draws n random circuits of each kind for every circuit of `evaluation` with the role
 * HAP_A_CIRCUIT. n = 0: none. */
int hap_baseline_init(struct hap_baseline *baseline, const struct hap_evaluation *evaluation,
                      const struct hap_graph *graph, size_t n, uint64_t seed, bool keep_dead,
                      struct hap_error *err);
void hap_baseline_release(struct hap_baseline *baseline);

/* Writes for every circuit, kind and metric that has a value for an example:
 * {"circuit": "NAME, random KIND", "metric", "value", "sd", "as_good", "circuits", "live",
 * "examples", "edges", "sparsity"}: mean and standard deviation of the metric's mean over the
 * random circuits, the share of them that is at least as good as the circuit, their number,
 * and the mean number of their edges that are not dead. */
int hap_baseline_write(const struct hap_baseline *baseline,
                       const struct hap_evaluation *evaluation,
                       const struct hap_metric_list *metrics, struct hap_stream_out *out,
                       struct hap_error *err);

#endif
