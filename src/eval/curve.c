#include "eval/curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attrib/select.h"
#include "common/header.h"
#include "eval/curve_record.h"
#include "eval/roc.h"

/* --- sizes --- */

#define MIB_SIZES "0.1%,0.2%,0.5%,1%,2%,5%,10%,20%,50%,100%"

static int parse_sizes(struct hap_curves *curves, const char *text, struct hap_error *err)
{
        const char *at = text;

        while (at) {
                const char *comma = strchr(at, ',');
                const size_t length = comma ? (size_t)(comma - at) : strlen(at);
                char one[64];

                if (curves->n_sizes == HAP_MAX_SIZES || length >= sizeof one)
                        return hap_fail(err, HAP_EUSAGE, "option '--sizes': more than %d sizes, "
                                        "or a size is too long", HAP_MAX_SIZES);
                memcpy(one, at, length);
                one[length] = 0;
                if (hap_parse_count_or_percent(one, "option '--sizes'",
                                               curves->size + curves->n_sizes, err) < 0)
                        return err->code;
                curves->n_sizes++;
                at = comma ? comma + 1 : NULL;
        }
        return curves->n_sizes < 2 ? hap_fail(err, HAP_EUSAGE, "option '--sizes': a curve needs "
                                              "at least two sizes")
                                   : HAP_OK;
}

/* The share of the graph's edges, p. */
static double share_of(const struct hap_count_or_percent *size, size_t n_edges)
{
        return size->percent ? size->value / 100 : size->value / (double)n_edges;
}

/* The number of edges: int(p·E), as MIB truncates it. */
static size_t edges_of(const struct hap_count_or_percent *size, size_t n_edges)
{
        return size->percent ? (size_t)(share_of(size, n_edges) * (double)n_edges)
                             : (size_t)size->value;
}

static int check_sizes(const struct hap_curves *curves, size_t n_edges, struct hap_error *err)
{
        for (int i = 0; i < curves->n_sizes; i++) {
                const double share = share_of(curves->size + i, n_edges);

                if (share > 1)
                        return hap_fail(err, HAP_EUSAGE, "option '--sizes': size %d is more than "
                                        "the %zu edges of the graph", i + 1, n_edges);
                if (i > 0 && share <= share_of(curves->size + i - 1, n_edges))
                        return hap_fail(err, HAP_EUSAGE, "option '--sizes': size %d is not larger "
                                        "than the one before it", i + 1);
        }
        return HAP_OK;
}

int hap_curves_init(struct hap_curves *curves, const struct hap_curve_options *options,
                    struct hap_error *err)
{
        const char *only = options->sizes ? "--sizes" : options->greedy ? "--greedy" : NULL;

        *curves = (struct hap_curves){.options = options};
        if (options->wanted)
                return parse_sizes(curves, options->sizes ? options->sizes : MIB_SIZES, err);
        return only ? hap_fail(err, HAP_EUSAGE, "%s can only be used with --curve", only)
                    : HAP_OK;
}

void hap_curves_release(struct hap_curves *curves)
{
        for (size_t i = 0; i < curves->n; i++)
                free(curves->items[i].name);
        free(curves->items);
        hap_reference_release(&curves->reference);
        *curves = (struct hap_curves){0};
}

int hap_curves_read_reference(struct hap_curves *curves, const struct hap_graph *graph,
                              struct hap_error *err)
{
        const char *path = curves->options->reference;

        return path ? hap_reference_read(&curves->reference, path, graph, err) : HAP_OK;
}

/* --- circuits --- */

/* Whether the circuit's z differ. */
static bool is_ranked(const struct hap_edges *circuit)
{
        float first = 0;

        for (size_t e = 0; e < circuit->graph.n_edges; e++) {
                if (circuit->z[e] > 0 && first > 0 && circuit->z[e] != first)
                        return true;
                if (circuit->z[e] > 0)
                        first = circuit->z[e];
        }
        return false;
}

/* The n best edges; z: [n_edges]. */
static int select_best(const struct hap_edges *scores, bool by_sign, bool greedy, size_t n,
                       float *z, size_t *selected, struct hap_error *err)
{
        const struct hap_selection_options options = {
                .keep = {.given = true, .value = (double)n},
                .threshold = -INFINITY,
                .by_sign = by_sign,
                .greedy = greedy,
        };

        memset(z, 0, scores->graph.n_edges * sizeof *z);
        *selected = 0;
        return n == 0 ? HAP_OK : hap_select_edges(scores, &options, z, selected, err);
}

/* The first circuit of the evaluation with the masks of the last, which is removed if it is
 * another one. */
static size_t share_last(struct hap_evaluation *evaluation)
{
        const size_t last = evaluation->n_circuits - 1;
        struct hap_evaluated *circuits = evaluation->circuits;

        for (size_t i = 0; i < last; i++) {
                if (memcmp(circuits[i].z, circuits[last].z,
                           evaluation->n_edges * sizeof(float)) != 0)
                        continue;
                free(circuits[last].name);
                free(circuits[last].z);
                evaluation->n_circuits--;
                return i;
        }
        return last;
}

static int add_point(struct hap_curves *curves, struct hap_evaluation *evaluation,
                     const struct hap_graph *graph, const struct hap_edges *scores, int size,
                     float *z, struct hap_error *err)
{
        struct hap_curve *curve = curves->items + curves->n - 1;
        struct hap_curve_point *point = curve->points + size;
        struct hap_evaluated *added;
        char name[256];
        int rc = select_best(scores, curve->by_sign, curves->options->greedy,
                             edges_of(curves->size + size, graph->n_edges), z, &point->selected,
                             err);

        if (rc < 0)
                return rc;
        snprintf(name, sizeof name, "%.180s, %s, %zu edges", curve->name,
                 curve->by_sign ? "signed" : "magnitude", point->selected);
        rc = hap_evaluation_add(evaluation, graph, HAP_ON_A_CURVE, name, z, false, &added, err);
        if (rc < 0)
                return rc;
        added->quiet = true;
        point->circuit = share_last(evaluation);
        return HAP_OK;
}

static int add_curve(struct hap_curves *curves, struct hap_evaluation *evaluation,
                     const struct hap_graph *graph, const struct hap_edges *edges,
                     const struct hap_edges *scores, const char *name, bool by_sign,
                     struct hap_error *err)
{
        struct hap_curve *grown = reallocarray(curves->items, curves->n + 1, sizeof *grown);
        float *z = calloc(graph->n_edges, sizeof *z);
        int rc = HAP_OK;

        if (grown)
                curves->items = grown;
        if (!grown || !z) {
                free(z);
                return hap_fail_memory(err, "a curve");
        }
        grown[curves->n++] = (struct hap_curve){.name = strdup(name), .edges = edges,
                                                .by_sign = by_sign};
        if (!grown[curves->n - 1].name)
                rc = hap_fail_memory(err, "a curve");
        for (int i = 0; i < curves->n_sizes && rc == 0; i++)
                rc = add_point(curves, evaluation, graph, scores, i, z, err);
        free(z);
        return rc;
}

static const char *name_of(const struct hap_curves *curves, const struct hap_edges *edges,
                           char number[32])
{
        const char *name = json_string_value(json_object_get(edges->header, "name"));
        size_t n = 1;

        if (!name)
                name = hap_header_name(edges->header, "method");
        for (size_t i = 0; i < curves->n; i++)
                n += !curves->items[i].by_sign;
        snprintf(number, 32, "scores %zu", n);
        return *name ? name : number;
}

/* The curves of one section, in one or both orders. */
static int add_curves(struct hap_curves *curves, struct hap_evaluation *evaluation,
                      const struct hap_edges *edges, const struct hap_edges *scores,
                      const char *name, struct hap_error *err)
{
        const struct hap_graph *graph = &edges->graph;
        char number[32];
        int rc = check_sizes(curves, graph->n_edges, err);

        if (rc < 0)
                return rc;
        name = name ? name : name_of(curves, edges, number);
        for (size_t i = 0; i < curves->n; i++)
                if (strcmp(curves->items[i].name, name) == 0)
                        return hap_fail(err, HAP_EUSAGE, "two curves would be called '%s': give "
                                        "each its own --name", name);
        if (edges->score)
                rc = add_curve(curves, evaluation, graph, edges, scores, name, true, err);
        return rc < 0 ? rc : add_curve(curves, evaluation, graph, edges, scores, name, false, err);
}

int hap_curves_add_scores(struct hap_curves *curves, struct hap_evaluation *evaluation,
                          const struct hap_edges_list *scores, const struct hap_texts *names,
                          struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < scores->n && rc == 0; i++)
                rc = add_curves(curves, evaluation, scores->items + i, scores->items + i,
                                i < names->n ? names->items[i] : NULL, err);
        return rc;
}

int hap_curves_add_circuit(struct hap_curves *curves, struct hap_evaluation *evaluation,
                           const struct hap_edges *circuit, const char *name,
                           struct hap_error *err)
{
        const size_t n_edges = circuit->graph.n_edges;
        struct hap_edges ranked = *circuit;
        int rc;

        if (!curves->options->wanted || !is_ranked(circuit))
                return 0;
        ranked.score = calloc(n_edges, sizeof *ranked.score);
        if (!ranked.score)
                return hap_fail_memory(err, "a curve");
        for (size_t e = 0; e < n_edges; e++)
                ranked.score[e] = (double)circuit->z[e];
        rc = add_curves(curves, evaluation, circuit, &ranked, name, err);
        free(ranked.score);
        return rc < 0 ? rc : 1;
}

/* --- the report --- */

int hap_curves_describe(const struct hap_curves *curves, const struct hap_evaluation *evaluation,
                        json_t *header, struct hap_error *err)
{
        json_t *sizes;
        int bad = 0;

        if (curves->n == 0)
                return HAP_OK;
        sizes = json_array();
        for (int i = 0; i < curves->n_sizes; i++)
                bad |= json_array_append_new(sizes, json_integer((json_int_t)edges_of(
                        curves->size + i, evaluation->n_edges)));
        bad |= json_object_set_new(header, "sizes", sizes);
        return bad ? hap_fail_memory(err, "a header") : HAP_OK;
}

static double mean_of(const struct hap_evaluation *evaluation,
                      const struct hap_evaluated *circuit, const struct hap_metric *metric)
{
        double mean, sd;

        hap_evaluation_mean(evaluation, circuit, metric, &mean, &sd);
        return mean;
}

static const char *order_of(const struct hap_curve *curve)
{
        return curve->by_sign ? "signed" : "magnitude";
}

/* The values of a point's examples, under the name of its curve. */
static int write_each(const struct hap_curve *curve, const struct hap_evaluation *evaluation,
                      const struct hap_evaluated *circuit, const struct hap_metric *metric,
                      struct hap_stream_out *out, struct hap_error *err)
{
        struct hap_evaluated point = *circuit;

        point.name = curve->name;
        return hap_evaluation_write_each(evaluation, &point, metric, out, err);
}

static int write_curve(const struct hap_curve *curve, const struct hap_curves *curves,
                       const struct hap_evaluation *evaluation, const struct hap_metric *metric,
                       bool each, struct hap_stream_out *out, struct hap_error *err)
{
        struct hap_curve_areas areas = {
                .full = mean_of(evaluation, hap_evaluation_find(evaluation, HAP_FULL_MODEL), metric),
                .empty = mean_of(evaluation, hap_evaluation_find(evaluation, HAP_EMPTY_CIRCUIT),
                                 metric)};
        struct hap_curve_record record = {.circuit = curve->name, .metric = metric->name,
                                          .order = order_of(curve), .all = evaluation->n_edges,
                                          .examples = evaluation->n};
        int rc = HAP_OK;

        for (int i = 0; i < curves->n_sizes && rc == 0; i++) {
                const struct hap_evaluated *circuit =
                        evaluation->circuits + curve->points[i].circuit;

                record.size = share_of(curves->size + i, evaluation->n_edges);
                record.selected = curve->points[i].selected;
                record.edges = circuit->edges;
                record.value = mean_of(evaluation, circuit, metric);
                rc = hap_curve_write_point(&record, &areas, out, err);
                if (rc == 0 && each)
                        rc = write_each(curve, evaluation, circuit, metric, out, err);
        }
        return rc < 0 ? rc : hap_curve_write_areas(&record, &areas, out, err);
}

static int write_roc(const struct hap_curve *curve, const struct hap_curves *curves,
                     struct hap_stream_out *out, struct hap_error *err)
{
        double share[HAP_MAX_SIZES];

        for (int i = 0; i < curves->n_sizes; i++)
                share[i] = share_of(curves->size + i, curve->edges->graph.n_edges);
        return hap_roc_write(&(struct hap_roc_input){
                .name = curve->name, .edges = curve->edges, .by_sign = curve->by_sign,
                .share = share, .n_shares = curves->n_sizes}, &curves->reference, out, err);
}

int hap_curves_write(const struct hap_curves *curves, const struct hap_evaluation *evaluation,
                     const struct hap_graph *graph, const struct hap_metric_list *metrics,
                     bool each, struct hap_stream_out *out, struct hap_error *err)
{
        const bool compare = curves->reference.name != NULL;
        int rc = HAP_OK;

        for (size_t i = 0; i < curves->n && rc == 0; i++) {
                for (int m = 0; m < metrics->n && rc == 0; m++)
                        if (metrics->items[m]->value)
                                rc = write_curve(curves->items + i, curves, evaluation,
                                                 metrics->items[m], each, out, err);
                if (rc == 0 && compare)
                        rc = write_roc(curves->items + i, curves, out, err);
        }
        return rc < 0 || !compare ? rc
                                  : hap_reference_write(&curves->reference, graph, evaluation, out,
                                                        err);
}
