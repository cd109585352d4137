#include "eval/roc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attrib/select.h"

struct item {
        double score;
        bool positive;
};

static int best_first(const void *a, const void *b)
{
        const struct item *x = a, *y = b;

        return (x->score < y->score) - (x->score > y->score);
}

/* The items from the best score down; the caller frees them. */
static struct item *sorted_items(const double *score, const bool *positive, size_t n)
{
        struct item *items = calloc(n + 1, sizeof *items);

        if (!items)
                return NULL;
        for (size_t i = 0; i < n; i++)
                items[i] = (struct item){score[i], positive[i]};
        qsort(items, n, sizeof *items, best_first);
        return items;
}

/* Counts the items with the score of item `from`; returns the first after them. */
static size_t take_ties(const struct item *items, size_t n, size_t from, double *positives)
{
        size_t i = from;

        *positives = 0;
        for (; i < n && items[i].score == items[from].score; i++)
                *positives += items[i].positive;
        return i;
}

/* The area under the receiver operating characteristic: the share of pairs of a positive and a
 * negative item in which the positive one scores more, ties counted half (Mann and Whitney).
 * NaN if all items are positive or none is. score, positive: [n]. */
static int roc_auc(const double *score, const bool *positive, size_t n, double *auc,
                   struct hap_error *err)
{
        struct item *items = sorted_items(score, positive, n);
        double above = 0, pairs = 0, here;

        if (!items)
                return hap_fail_memory(err, "scores");
        for (size_t i = 0, next; i < n; i = next) {
                double negatives;

                next = take_ties(items, n, i, &here);
                negatives = (double)(next - i) - here;
                pairs += negatives * (above + here / 2);
                above += here;
        }
        *auc = above > 0 && above < (double)n ? pairs / (above * ((double)n - above)) : NAN;
        free(items);
        return HAP_OK;
}

/* Σ (R_k − R_{k−1}) P_k over the thresholds from the best score down, P and R precision and
 * recall of the items that score at least the threshold: scikit-learn's average precision. NaN
 * if no item is positive. */
static int average_precision(const double *score, const bool *positive, size_t n, double *ap,
                             struct hap_error *err)
{
        struct item *items = sorted_items(score, positive, n);
        double found = 0, sum = 0, here;

        if (!items)
                return hap_fail_memory(err, "scores");
        for (size_t i = 0, next; i < n; i = next) {
                next = take_ties(items, n, i, &here);
                found += here;
                sum += here * found / (double)next;
        }
        *ap = found > 0 ? sum / found : NAN;
        free(items);
        return HAP_OK;
}

/* --- of a circuit --- */

static double key_of(const struct hap_roc_input *input, size_t edge)
{
        const struct hap_edges *edges = input->edges;
        double score;

        if (!edges->given[edge])
                return -INFINITY;
        score = edges->score ? edges->score[edge] : (double)edges->z[edge];
        return input->by_sign ? score : fabs(score);
}

static int write_value(const struct hap_roc_input *input, const struct hap_reference *reference,
                       const char *metric, const char *on, double value,
                       struct hap_stream_out *out, struct hap_error *err)
{
        msgpack_packer *packer;

        if (isnan(value))
                return HAP_OK;
        packer = hap_stream_out_record(out);
        msgpack_pack_map(packer, 6);
        hap_pack_text_entry(packer, "circuit", input->name);
        hap_pack_text_entry(packer, "metric", metric);
        hap_pack_text_entry(packer, "on", on);
        hap_pack_text_entry(packer, "order", input->by_sign ? "signed" : "magnitude");
        hap_pack_text_entry(packer, "reference", reference->name);
        hap_pack_number_entry(packer, "value", value);
        return hap_stream_out_end_record(out, err);
}

static int write_areas(const struct hap_roc_input *input, const struct hap_reference *reference,
                       const char *on, const double *score, const bool *positive, size_t n,
                       struct hap_stream_out *out, struct hap_error *err)
{
        double auc = NAN, ap = NAN;
        int rc = roc_auc(score, positive, n, &auc, err);

        if (rc == 0)
                rc = average_precision(score, positive, n, &ap, err);
        if (rc == 0)
                rc = write_value(input, reference, "roc-auc", on, auc, out, err);
        return rc < 0 ? rc : write_value(input, reference, "average-precision", on, ap, out, err);
}

/* key: [n_edges] */
static int write_edges(const struct hap_roc_input *input, const struct hap_reference *reference,
                       const double *key, struct hap_stream_out *out, struct hap_error *err)
{
        return write_areas(input, reference, "edges", key, reference->edge,
                           input->edges->graph.n_edges, out, err);
}

/* The input is not among the nodes. */
static int write_nodes(const struct hap_roc_input *input, const struct hap_reference *reference,
                       const double *key, struct hap_stream_out *out, struct hap_error *err)
{
        const struct hap_graph *graph = &input->edges->graph;
        double *best = malloc((size_t)graph->n_writers * sizeof *best);
        int rc;

        if (!best)
                return hap_fail_memory(err, "nodes");
        for (int w = 0; w < graph->n_writers; w++)
                best[w] = -INFINITY;
        for (size_t e = 0; e < graph->n_edges; e++) {
                double *node = best + hap_graph_edge_writer(graph, e);

                *node = fmax(*node, key[e]);
        }
        rc = write_areas(input, reference, "nodes", best + graph->n_inputs,
                         reference->node + graph->n_inputs,
                         (size_t)(graph->n_writers - graph->n_inputs), out, err);
        free(best);
        return rc;
}

/* The rates at one share; z: [n_edges]. */
static int rates_at(const struct hap_roc_input *input, const struct hap_edges *scores,
                    const struct hap_reference *reference, double share, float *z, double *tpr,
                    double *fpr, struct hap_error *err)
{
        const size_t n_edges = scores->graph.n_edges;
        const struct hap_selection_options options = {
                .keep = {.given = true, .value = ceil(share * (double)n_edges)},
                .threshold = -INFINITY, .by_sign = input->by_sign, .greedy = true};
        size_t n, right = 0, wrong = 0;
        int rc;

        memset(z, 0, n_edges * sizeof *z);
        rc = options.keep.value < 1 ? HAP_OK : hap_select_edges(scores, &options, z, &n, err);
        hap_graph_drop_dead(&scores->graph, z);
        for (size_t e = 0; e < n_edges; e++) {
                right += z[e] > 0 && reference->edge[e];
                wrong += z[e] > 0 && !reference->edge[e];
        }
        *tpr = (double)right / (double)reference->n_edges;
        *fpr = (double)wrong / (double)(n_edges - reference->n_edges);
        return rc;
}

static int write_auroc(const struct hap_roc_input *input, const struct hap_reference *reference,
                       const double *key, struct hap_stream_out *out, struct hap_error *err)
{
        struct hap_edges scores = *input->edges;
        float *z = calloc(scores.graph.n_edges, sizeof *z);
        double tpr, fpr, tpr_before = 0, fpr_before = 0, area = 0;
        int rc = z ? HAP_OK : hap_fail_memory(err, "edges");

        scores.score = (double *)key; /* only read */
        for (int i = 0; i < input->n_shares && rc == 0; i++) {
                rc = rates_at(input, &scores, reference, input->share[i], z, &tpr, &fpr, err);
                if (i > 0)
                        area += (fpr - fpr_before) * (tpr + tpr_before) / 2;
                tpr_before = tpr;
                fpr_before = fpr;
        }
        free(z);
        return rc < 0 ? rc : write_value(input, reference, "auroc", "edges",
                                         fpr_before > 0 ? area / fpr_before : NAN, out, err);
}

int hap_roc_write(const struct hap_roc_input *input, const struct hap_reference *reference,
                  struct hap_stream_out *out, struct hap_error *err)
{
        const size_t n_edges = input->edges->graph.n_edges;
        double *key = malloc(n_edges * sizeof *key);
        int rc = HAP_OK;

        if (!key)
                return hap_fail_memory(err, "scores");
        for (size_t e = 0; e < n_edges; e++)
                key[e] = key_of(input, e);
        if (reference->edge)
                rc = write_edges(input, reference, key, out, err);
        if (rc == 0 && reference->edge && reference->n_edges && reference->n_edges < n_edges)
                rc = write_auroc(input, reference, key, out, err);
        if (rc == 0)
                rc = write_nodes(input, reference, key, out, err);
        free(key);
        return rc;
}
