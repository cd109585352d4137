/* Evaluation of circuits, and the report. */
#ifndef HAP_EVAL_EVAL_H
#define HAP_EVAL_EVAL_H

#include <jansson.h>

#include "common/digest.h"
#include "common/stream.h"
#include "data/prompts.h"
#include "graph/graph.h"
#include "metric/evaluate.h"
#include "metric/metric_list.h"

enum hap_role { HAP_A_CIRCUIT, HAP_A_COMPLEMENT, HAP_FULL_MODEL, HAP_EMPTY_CIRCUIT,
                HAP_ON_A_CURVE };

/* One circuit, and its metrics on every example so far. */
struct hap_evaluated {
        char *name;
        char digest[HAP_DIGEST_TEXT]; /* of its records; "": it was not read from a stream */
        float *z;       /* [n_edges] */
        size_t edges;   /* with z > 0, after dead ones were dropped */
        size_t dropped; /* dead edges that were dropped */
        enum hap_role role;
        bool quiet;     /* used to normalise only: not reported */
        double *values; /* [n][measured.n] */
        struct hap_prediction *predictions; /* [n][n_predictions], or NULL */
};

struct hap_intervals; /* eval/intervals.h */

struct hap_evaluation {
        const struct hap_intervals *intervals; /* borrowed; NULL: none are reported */
        struct hap_metric_list measured; /* on every example */
        int n_predictions; /* likeliest tokens of each example, for circuits that are reported */
        struct hap_evaluated *circuits;
        size_t n_circuits;
        size_t n_edges;     /* of the graph */
        char **ids;         /* of the examples, [n] */
        size_t n, capacity; /* examples so far */
        struct hap_missing {
                size_t n;          /* examples without any */
                const char *first; /* the id of the first of them */
        } answers, wrongs;
        struct hap_missing whole; /* examples with answers of several tokens */
};

void hap_evaluation_release(struct hap_evaluation *evaluation);

/* Starts an evaluation that will report these metrics. */
void hap_evaluation_init(struct hap_evaluation *evaluation, const struct hap_metric_list *metrics);

/* Adds a circuit with the masks z ([n_edges], copied); NULL for the full model and the empty
 * circuit. name NULL: "circuit 3" for the third. Its dead edges are dropped unless keep_dead.
 * *circuit is valid until the next one is added. HAP_EUSAGE: a circuit that is reported has
 * the same name. */
int hap_evaluation_add(struct hap_evaluation *evaluation, const struct hap_graph *graph,
                       enum hap_role role, const char *name, const float *z, bool keep_dead,
                       struct hap_evaluated **circuit, struct hap_error *err);

/* Adds the complement of the circuit that was added last, the full model without it, with
 * masks 1 − z and the name "NAME, cut out". The circuit is complete if its complement cannot
 * do the task (Marks et al. 2024, arXiv:2403.19647). */
int hap_evaluation_add_complement(struct hap_evaluation *evaluation,
                                  const struct hap_graph *graph, bool keep_dead,
                                  struct hap_error *err);

/* The circuit with this role, the last if there are several; NULL: none. */
static inline const struct hap_evaluated *
hap_evaluation_find(const struct hap_evaluation *evaluation, enum hap_role role)
{
        const struct hap_evaluated *found = NULL;

        for (size_t i = 0; i < evaluation->n_circuits; i++)
                if (evaluation->circuits[i].role == role)
                        found = evaluation->circuits + i;
        return found;
}

/* Runs every circuit on more prompts. */
int hap_evaluation_run(struct hap_evaluation *evaluation, const struct hap_engine *engine,
                       const struct hap_prompts *prompts, struct hap_error *err);

/* Looks for metrics that need right or wrong answers which examples do not have, or that are not
 * defined for answers of several tokens. If the
 * metrics were asked for, that is HAP_EINPUT; otherwise they are removed from the list. Returns
 * 1 if one was removed although some examples have the answers; the error's message then
 * describes the others. */
int hap_evaluation_check(const struct hap_evaluation *evaluation,
                         struct hap_metric_list *metrics, bool asked_for,
                         struct hap_error *err);

/* Removes metrics that are normalised from the list if the full model and the empty circuit have the
 * same mean. Returns 1 if one was removed; the error's message then says why. */
int hap_evaluation_drop_undefined(const struct hap_evaluation *evaluation,
                                  struct hap_metric_list *metrics, struct hap_error *err);

/* Sets "examples" and "circuits" of the header, the latter as
 * [{"name", "edges", "of", "sparsity", "dropped", "digest"}]. */
int hap_evaluation_describe(const struct hap_evaluation *evaluation, json_t *header,
                            struct hap_error *err);

/* The mean over the examples of a metric that was measured (evaluation->measured) for one of the
 * circuits, and its standard deviation. */
void hap_evaluation_mean(const struct hap_evaluation *evaluation,
                         const struct hap_evaluated *circuit, const struct hap_metric *metric,
                         double *mean, double *sd);

/* The mean of the metric for one of the circuits, and its standard deviation over the
 * examples (NaN for a metric that normalises a mean). See hap_metric_normalise for errors. */
int hap_evaluation_value(const struct hap_evaluation *evaluation,
                         const struct hap_evaluated *circuit, const struct hap_metric *metric,
                         double *value, double *sd, struct hap_error *err);

/* The share of the graph's edges that the circuit does not have. */
double hap_evaluation_sparsity(const struct hap_evaluation *evaluation,
                               const struct hap_evaluated *circuit);
/* The metric of every example, which must have a value for one: [n], owned by the caller. NULL: err
 * says why. */
double *hap_evaluation_each(const struct hap_evaluation *evaluation,
                            const struct hap_evaluated *circuit, const struct hap_metric *metric,
                            struct hap_error *err);

/* Writes the records, circuit by circuit and metric by metric:
 * {"circuit", "metric", "value", "sd", "se", "low", "high", "level", "examples", "edges",
 * "sparsity"}, each followed, with `each`, by one {"circuit", "metric", "id", "value"} for
 * every example. After those of a circuit, one {"circuit", "id", "predictions": [[token,
 * probability], ...]} for every example if there are predictions. se is sd / √examples, or the standard deviation over resamples if there is no
 * sd. */
int hap_evaluation_write(const struct hap_evaluation *evaluation,
                         const struct hap_metric_list *metrics, bool each,
                         struct hap_stream_out *out, struct hap_error *err);

/* The record {"circuit", "metric", "id", "value"} of one example. */
int hap_evaluation_write_value(const char *circuit, const char *metric, const char *id,
                               double value, struct hap_stream_out *out, struct hap_error *err);
/* One such record for every example, for a metric that examples have. */
int hap_evaluation_write_each(const struct hap_evaluation *evaluation,
                              const struct hap_evaluated *circuit, const struct hap_metric *metric,
                              struct hap_stream_out *out, struct hap_error *err);

#endif
