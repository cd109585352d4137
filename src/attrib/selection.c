#include "attrib/selection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attrib/same_scores.h"

/* Starts a selection with the section's header and graph. */
static int begin_selection(struct hap_selection *selection, const struct hap_edges *scores,
                           struct hap_error *err)
{
        const struct hap_graph *g = &scores->graph;

        selection->header = json_deep_copy(scores->header);
        selection->name = strdup(scores->name);
        selection->z = calloc(g->n_edges, sizeof *selection->z);
        if (!selection->header || !selection->name || !selection->z)
                return hap_fail_memory(err, "the circuit");
        return hap_graph_copy(&selection->graph, g, err);
}

void hap_selection_release(struct hap_selection *selection)
{
        json_decref(selection->header);
        free(selection->name);
        free(selection->z);
        free(selection->score);
        hap_graph_release(&selection->graph);
        *selection = (struct hap_selection){0};
}

/* If the methods (or tasks: `key`) differ, the key's value becomes {"name": "A + B",
 * "united": [A, B]}. */
static void unite(json_t *header, const json_t *other, const char *key)
{
        json_t *own = json_object_get(header, key), *more = json_object_get(other, key);
        json_t *united = json_object_get(own, "united"), *had;
        const char *name = hap_header_name(header, key), *next = hap_header_name(other, key);
        size_t i;

        if (!*name || !*next || json_equal(own, more))
                return;
        json_array_foreach(united, i, had) {
                if (json_equal(had, more))
                        return;
        }
        if (united)
                json_incref(united);
        else
                united = json_pack("[O]", own);
        json_array_append(united, more);
        json_object_set_new(header, key,
                            json_pack("{s:o, s:o}", "name", json_sprintf("%s + %s", name, next),
                                      "united", united));
}

/* Sections that are united must be about the same edges of the same model. */
static int check_union(struct hap_selection *selection, const struct hap_edges *scores,
                       struct hap_error *err)
{
        const struct hap_scores_place first = {selection->header, selection->name,
                                               &selection->graph};

        if (hap_scores_check_same(&first, scores, err) < 0)
                return err->code;
        hap_header_join(selection->header, scores->header);
        unite(selection->header, scores->header, "method");
        unite(selection->header, scores->header, "task");
        return HAP_OK;
}

/* The edges of one section of scores are ranked by these. */
static int keep_scores(struct hap_selection *selection, const struct hap_edges *scores,
                       struct hap_error *err)
{
        const size_t n = scores->graph.n_edges;

        if (selection->sections > 1 || !scores->score) {
                free(selection->score);
                selection->score = NULL;
                return HAP_OK;
        }
        selection->score = calloc(n, sizeof *selection->score);
        if (!selection->score)
                return hap_fail_memory(err, "the circuit");
        memcpy(selection->score, scores->score, n * sizeof *selection->score);
        return HAP_OK;
}

int hap_selection_join(struct hap_selection *selection, const struct hap_edges *edges,
                       struct hap_error *err)
{
        const int rc = selection->sections++ == 0 ? begin_selection(selection, edges, err)
                                                  : check_union(selection, edges, err);

        return rc < 0 ? rc : keep_scores(selection, edges, err);
}

int hap_selection_add(struct hap_selection *selection, const struct hap_edges *scores,
                      const struct hap_selection_options *options, struct hap_error *err)
{
        size_t n;
        int rc = hap_selection_join(selection, scores, err);

        return rc < 0 ? rc : hap_select_edges(scores, options, selection->z, &n, err);
}

static int add_named_edges(struct hap_selection *selection, const char *const *always,
                           size_t n_always, struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < n_always && rc == 0; i++)
                rc = hap_select_named(&selection->graph, always[i], selection->z, err);
        return rc;
}

int hap_selection_finish(struct hap_selection *selection, const char *const *always,
                         size_t n_always, bool keep_dead, struct hap_error *err)
{
        int rc = add_named_edges(selection, always, n_always, err);

        if (rc < 0)
                return rc;
        selection->selected = hap_graph_count_kept(&selection->graph, selection->z);
        if (!keep_dead)
                hap_graph_drop_dead(&selection->graph, selection->z);
        rc = add_named_edges(selection, always, n_always, err);
        selection->kept = hap_graph_count_kept(&selection->graph, selection->z);
        return rc;
}

bool hap_selection_is_dead(const struct hap_selection *selection)
{
        return selection->kept == 0 && selection->selected > 0;
}

int hap_selection_check(const struct hap_selection *selection, struct hap_error *err)
{
        if (selection->selected == 0)
                return hap_fail(err, HAP_EUSAGE,
                                "cannot select from '%s': that keeps none of its graph's %zu "
                                "edges", selection->name, selection->graph.n_edges);
        if (!hap_selection_is_dead(selection))
                return HAP_OK;
        return hap_fail(err, HAP_EINPUT,
                        "cannot select from '%s': all %zu edges selected are dead, keep more or "
                        "use --greedy; --keep-dead keeps them", selection->name,
                        selection->selected);
}

json_t *hap_selection_describe(const struct hap_selection *selection,
                               const struct hap_selection_options *options)
{
        json_t *object =
                json_pack("{s:s, s:I, s:I}", "order", options->by_sign ? "signed" : "magnitude",
                          "selected", (json_int_t)selection->selected, "sections",
                          (json_int_t)selection->sections);

        if (options->keep.given)
                json_object_set_new(object, "keep",
                                    json_integer((json_int_t)hap_count_or_percent_of(
                                            &options->keep,
                                            options->nodes ? hap_graph_n_cuttable(&selection->graph)
                                                           : selection->graph.n_edges)));
        if (options->threshold > -INFINITY)
                json_object_set_new(object, "threshold", json_real(options->threshold));
        if (options->nodes)
                json_object_set_new(object, "nodes", json_true());
        if (options->greedy)
                json_object_set_new(object, "greedy", json_true());
        if (options->layer_quota)
                json_object_set_new(object, "layer_quota", json_true());
        if (options->positive_share > 0)
                json_object_set_new(object, "pnr", json_real(options->positive_share));
        return object;
}

int hap_selection_write(const struct hap_selection *selection,
                        const struct hap_selection_options *options, json_t *header,
                        struct hap_stream_out *out, struct hap_error *err)
{
        json_object_del(header, "ranking"); /* of circuits in the input */
        if (selection->score &&
            json_object_set_new(header, "ranking", json_pack("{s:s}", "by", options->by_sign
                                                             ? "sign" : "magnitude")) < 0)
                return hap_fail_memory(err, "a header");
        return hap_circuit_write_ranked(out, header, &selection->graph, selection->z,
                                        selection->score, NULL, err);
}
