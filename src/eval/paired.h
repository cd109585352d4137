/* Differences between the circuits of a report on the same prompts, and the spread of circuits
 * that differ in their seed only. */
#ifndef HAP_EVAL_PAIRED_H
#define HAP_EVAL_PAIRED_H

#include "eval/intervals.h"
#include "graph/edges.h"

/* Writes, for every metric and every two circuits of the report,
 * {"circuit", "against", "metric", "difference", "se", "low", "high", "level", "p", "p_holm"}:
 * the metric of the first minus that of the second. p_holm is p with the correction of Holm
 * over the pairs of the metric. */
int hap_paired_write(const struct hap_intervals *intervals,
                     const struct hap_metric_list *metrics, struct hap_stream_out *out,
                     struct hap_error *err);

/* For each set of circuits that hap-prune made with the same settings but different seeds, and
 * every metric: {"circuit", "metric", "value", "sd", "seeds": [...]}, the mean and standard
 * deviation (n − 1) over these circuits. circuits: those with the role
 * HAP_A_CIRCUIT, in their order, [n]. */
int hap_seeds_write(const struct hap_evaluation *evaluation, const struct hap_edges *circuits,
                    size_t n, const struct hap_metric_list *metrics,
                    struct hap_stream_out *out, struct hap_error *err);

#endif
