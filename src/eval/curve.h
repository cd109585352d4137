/* Faithfulness over the size of a circuit, from scores or from a circuit of different z.
 *
 * The measures are those of the circuit track of the MIB benchmark (Mueller et al. 2025,
 * arXiv:2504.13151). For a share p of the graph's E edges, C(p) has the int(p·E) best edges
 * without the dead ones, and
 *
 *      f(p) = (m(C(p)) − m(empty)) / (m(full) − m(empty)),
 *
 * m the mean of a metric over the examples; f is not limited to [0, 1]. CPR is the area under f,
 * CMD the area under |1 − f|, both by trapezoids over p, from the smallest size that is asked
 * for to the largest. */
#ifndef HAP_EVAL_CURVE_H
#define HAP_EVAL_CURVE_H

#include "data/inputs.h"
#include "eval/eval.h"
#include "eval/reference.h"

struct hap_curve_options {
        bool wanted, greedy;
        const char *sizes;     /* "1%,10%,100%"; NULL: those of MIB */
        const char *reference; /* a file, or NULL */
};

/* The rows of a program's option table for `member` of its struct `type`. */
#define HAP_CURVE_OPTIONS(type, member)                                                          \
        {0, "curve", NULL, HAP_FLAG, offsetof(type, member.wanted),                              \
         .help = "measure circuits of many sizes from each scores section: CPR and CMD"},        \
        {0, "sizes", "A,B,...", HAP_TEXT, offsetof(type, member.sizes),                          \
         .help = "--curve: edges to keep, N or P% each "                                         \
                 "[0.1%,0.2%,0.5%,1%,2%,5%,10%,20%,50%,100%]"},                                  \
        {0, "greedy", NULL, HAP_FLAG, offsetof(type, member.greedy),                             \
         .help = "--curve: grow the circuits from the logits"},                                  \
        {0, "reference", "FILE", HAP_TEXT, offsetof(type, member.reference),                     \
         .help = "compare curves and circuits with this circuit: AUC, precision, recall"}

enum { HAP_MAX_SIZES = 64 };

struct hap_curve_point {
        size_t circuit;  /* its number in the evaluation; equal circuits share one */
        size_t selected; /* edges, before dead ones were dropped */
};

/* One source of scores in one order. */
struct hap_curve {
        char *name;
        const struct hap_edges *edges; /* borrowed */
        bool by_sign;
        struct hap_curve_point points[HAP_MAX_SIZES];
};

struct hap_curves {
        const struct hap_curve_options *options; /* borrowed */
        struct hap_count_or_percent size[HAP_MAX_SIZES];
        int n_sizes;
        struct hap_curve *items;
        size_t n;
        struct hap_reference reference; /* name NULL: none */
};

/* Reads the sizes. HAP_EUSAGE: they are not at least two that increase, or an option is given
 * without --curve. `options` must outlive the curves. */
int hap_curves_init(struct hap_curves *curves, const struct hap_curve_options *options,
                    struct hap_error *err);
void hap_curves_release(struct hap_curves *curves);

/* Reads the reference circuit of the options, if there is one; see hap_reference_read. */
int hap_curves_read_reference(struct hap_curves *curves, const struct hap_graph *graph,
                              struct hap_error *err);

/* Adds the circuits of all sizes to the evaluation, for every scores section in the signed order
 * and in the order of magnitude. Edges without a score are never selected. The default name is
 * that in the header, the method's, or "scores 2". HAP_EUSAGE: a name is taken, or a size is more
 * edges than the graph has. */
int hap_curves_add_scores(struct hap_curves *curves, struct hap_evaluation *evaluation,
                          const struct hap_edges_list *scores, const struct hap_texts *names,
                          struct hap_error *err);
/* The same for a circuit whose z differ, so that they rank its edges: returns 1. Returns 0 and
 * adds nothing for other circuits, or without --curve. */
int hap_curves_add_circuit(struct hap_curves *curves, struct hap_evaluation *evaluation,
                           const struct hap_edges *circuit, const char *name,
                           struct hap_error *err);

/* Sets "sizes" of the header, in edges. */
int hap_curves_describe(const struct hap_curves *curves, const struct hap_evaluation *evaluation,
                        json_t *header, struct hap_error *err);

/* Writes for every curve and every metric of the list that an example has
 * {"circuit", "metric", "order", "size", "selected", "edges", "weighted_edges", "sparsity",
 *  "value", "faithfulness", "examples"} for each size, with `each` followed by the values of single
 * examples, then
 * {"circuit", "metric": "cpr" | "cmd", "of", "order", "value"}; with a reference also the
 * records of hap_roc_write and hap_reference_write. */
int hap_curves_write(const struct hap_curves *curves, const struct hap_evaluation *evaluation,
                     const struct hap_graph *graph, const struct hap_metric_list *metrics,
                     bool each, struct hap_stream_out *out, struct hap_error *err);

#endif
