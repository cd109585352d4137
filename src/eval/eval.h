/* Circuits under evaluation, and the report on them. */
#ifndef HAP_EVAL_EVAL_H
#define HAP_EVAL_EVAL_H

#include <jansson.h>

#include "common/stream.h"
#include "metric/metrics.h"
#include "graph/graph.h"

enum hap_role { HAP_A_CIRCUIT, HAP_A_COMPLEMENT, HAP_FULL_MODEL, HAP_EMPTY_CIRCUIT };

/* One circuit, and what it did on every example so far. */
struct hap_subject {
        char *name;
        float *z;       /* [n_edges] */
        size_t edges;   /* with z > 0, after dead ones were dropped */
        size_t dropped; /* dead edges that were */
        enum hap_role role;
        bool silent;    /* only to normalise by: not reported */
        struct hap_metric_values *outcomes; /* [n] */
};

struct hap_evaluation {
        struct hap_subject *subjects;
        size_t n_subjects;
        size_t n_edges; /* of the graph */
        char **ids;     /* of the examples, [n] */
        size_t n, room; /* examples so far */
        struct hap_lack {
                size_t n;          /* examples that have none … */
                const char *first; /* … and the first one's id */
        } answers, wrongs;
};

void hap_evaluation_release(struct hap_evaluation *evaluation);

/* A subject with z as given ([n_edges], copied); NULL for the full model and the
 * empty circuit. name NULL: "circuit 3" for the third. Unless keep_dead its dead edges
 * are dropped. *subject lives until the next one is added. HAP_EUSAGE when one that is
 * reported has that name already. */
int hap_evaluation_add(struct hap_evaluation *evaluation, const struct hap_graph *graph,
                       enum hap_role role, const char *name, const float *z, bool keep_dead,
                       struct hap_subject **subject, struct hap_error *err);

/* Behind the subject that was added last what it leaves of the full model, 1 - z, as
 * "NAME, cut out": the circuit's completeness (Marks et al. 2024, arXiv:2403.19647) is how
 * little that still does. */
int hap_evaluation_add_complement(struct hap_evaluation *evaluation,
                                  const struct hap_graph *graph, bool keep_dead,
                                  struct hap_error *err);

/* Runs every subject on some more prompts. */
int hap_evaluation_run(struct hap_evaluation *evaluation, const struct hap_engine *engine,
                       const struct hap_prompts *prompts, struct hap_error *err);

/* A measure may need answers, or wrong ones, that examples lack: HAP_EINPUT when
 * it was asked for, else it is taken away. 1: taken away though some examples have
 * them; err's message says which have not. */
int hap_evaluation_check(const struct hap_evaluation *evaluation,
                         struct hap_measures *measures, bool asked_for,
                         struct hap_error *err);

/* "examples" and "circuits" of the header, these as
 * [{"name", "edges", "of", "sparsity", "dropped"}]. */
int hap_evaluation_describe(const struct hap_evaluation *evaluation, json_t *header,
                            struct hap_error *err);

/* The records, circuit by circuit and measure by measure:
 * {"circuit", "metric", "value", "sd", "examples", "edges", "sparsity"}, and with
 * `each`, behind, one {"circuit", "metric", "id", "value"} an example. */
int hap_evaluation_write(const struct hap_evaluation *evaluation,
                         const struct hap_measures *measures, bool each,
                         struct hap_stream_out *out, struct hap_error *err);

#endif
