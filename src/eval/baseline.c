#include "eval/baseline.h"

#include <stdlib.h>

#include "eval/random_circuit.h"
#include "eval/record.h"

/* Use of the seed. */
enum { BASELINE = 0xba5e };

static int add_kind(struct hap_baseline *baseline, const struct hap_graph *graph,
                    const struct hap_evaluated *like, size_t number, int kind, uint64_t seed,
                    bool keep_dead, struct hap_error *err)
{
        const struct hap_random_key key = {seed, BASELINE + (uint64_t)kind};
        float *z = malloc(graph->n_edges * sizeof *z);
        struct hap_evaluated *added;
        int rc = HAP_OK;

        for (size_t i = 0; i < baseline->per_kind && rc == 0; i++) {
                if (!z || hap_random_kinds[kind]->draw(graph, like->z, key,
                                                       number * baseline->per_kind + i, z) < 0)
                        rc = hap_fail_memory(err, "random circuits");
                else
                        rc = hap_evaluation_add(&baseline->evaluation, graph, HAP_A_CIRCUIT, NULL,
                                                z, keep_dead, &added, err);
        }
        free(z);
        return rc;
}

int hap_baseline_init(struct hap_baseline *baseline, const struct hap_evaluation *evaluation,
                      const struct hap_graph *graph, size_t n, uint64_t seed, bool keep_dead,
                      struct hap_error *err)
{
        size_t number = 0;
        int rc = HAP_OK;

        *baseline = (struct hap_baseline){.per_kind = n};
        baseline->evaluation.measured = evaluation->measured;
        for (size_t c = 0; c < evaluation->n_circuits && n > 0; c++) {
                if (evaluation->circuits[c].role != HAP_A_CIRCUIT)
                        continue;
                for (int kind = 0; hap_random_kinds[kind] && rc == 0; kind++)
                        rc = add_kind(baseline, graph, evaluation->circuits + c, number, kind,
                                      seed, keep_dead, err);
                number++;
        }
        return rc;
}

void hap_baseline_release(struct hap_baseline *baseline)
{
        hap_evaluation_release(&baseline->evaluation);
}

static int write_kind(const struct hap_baseline *baseline, const struct hap_evaluated *drawn,
                      const struct hap_evaluation *evaluation, const struct hap_evaluated *circuit,
                      const struct hap_random_kind *kind, const struct hap_metric *metric,
                      struct hap_stream_out *out, struct hap_error *err)
{
        const size_t n = baseline->per_kind;
        double *means = calloc(n, sizeof *means), own = 0, mean, sd, as_good = 0, live = 0;
        int rc = means ? hap_evaluation_value(evaluation, circuit, metric, &own, &sd, err)
                       : hap_fail_memory(err, "random circuits");
        json_t *record;

        for (size_t i = 0; i < n && rc == 0; i++) {
                rc = hap_evaluation_value(&baseline->evaluation, drawn + i, metric, means + i, &sd,
                                          err);
                as_good += metric->lower_is_better ? means[i] <= own : means[i] >= own;
                live += (double)drawn[i].edges / (double)n;
        }
        if (rc == 0) {
                hap_metric_mean(means, n, 1, &mean, &sd);
                record = json_pack("{s:o, s:s, s:f, s:f, s:I, s:f, s:I, s:I, s:f}", "circuit",
                                   json_sprintf("%s, random %s", circuit->name, kind->name),
                                   "metric", metric->name, "value", mean, "as_good",
                                   as_good / (double)n, "circuits", (json_int_t)n, "live", live,
                                   "examples", (json_int_t)evaluation->n, "edges",
                                   (json_int_t)circuit->edges, "sparsity",
                                   1 - (double)circuit->edges / (double)evaluation->n_edges);
                if (record && n > 1)
                        json_object_set_new(record, "sd", json_real(sd));
                rc = hap_record_write(out, record, err);
        }
        free(means);
        return rc;
}

int hap_baseline_write(const struct hap_baseline *baseline,
                       const struct hap_evaluation *evaluation,
                       const struct hap_metric_list *metrics, struct hap_stream_out *out,
                       struct hap_error *err)
{
        const struct hap_evaluated *drawn = baseline->evaluation.circuits;
        int rc = HAP_OK;

        for (size_t c = 0; c < evaluation->n_circuits && baseline->per_kind > 0; c++) {
                if (evaluation->circuits[c].role != HAP_A_CIRCUIT)
                        continue;
                for (int kind = 0; hap_random_kinds[kind]; kind++, drawn += baseline->per_kind)
                        for (int m = 0; m < metrics->n && rc == 0; m++)
                                if (metrics->items[m]->value)
                                        rc = write_kind(baseline, drawn, evaluation,
                                                        evaluation->circuits + c,
                                                        hap_random_kinds[kind], metrics->items[m],
                                                        out, err);
        }
        return rc;
}
