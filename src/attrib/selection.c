#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attrib/select.h"

/* Starts a choice with what belongs to the section's header and graph. */
static int begin(struct hap_selection *choice, const struct hap_edges *scores, struct hap_error *err)
{
        const struct hap_graph *g = &scores->graph;

        choice->header = json_deep_copy(scores->header);
        choice->name = strdup(scores->name);
        choice->z = calloc(g->n_edges, sizeof *choice->z);
        if (!choice->header || !choice->name || !choice->z)
                return hap_fail_memory(err, "the circuit");
        return hap_graph_copy(&choice->graph, g, err);
}

void hap_selection_release(struct hap_selection *choice)
{
        json_decref(choice->header);
        free(choice->name);
        free(choice->z);
        hap_graph_release(&choice->graph);
        *choice = (struct hap_selection){0};
}

static const char *fingerprint(const json_t *header)
{
        const char *text = json_string_value(
                json_object_get(json_object_get(header, "model"), "fingerprint"));

        return text ? text : "";
}

/* Where the methods differ "method" becomes {"name": "A + B", "united": [A, B]}. */
static void join_method(json_t *header, const json_t *other)
{
        json_t *method = json_object_get(header, "method"), *more = json_object_get(other, "method");
        json_t *united = json_object_get(method, "united"), *had;
        const char *name = hap_header_name(header, "method");
        const char *next = hap_header_name(other, "method");
        size_t i;

        if (!*name || !*next || json_equal(method, more))
                return;
        json_array_foreach(united, i, had) {
                if (json_equal(had, more))
                        return;
        }
        if (united)
                json_incref(united);
        else
                united = json_pack("[O]", method);
        json_array_append(united, more);
        json_object_set_new(header, "method",
                            json_pack("{s:o, s:o}", "name", json_sprintf("%s + %s", name, next),
                                      "united", united));
}

/* Sections that are united must be about the same edges of the same model. */
static int join(struct hap_selection *choice, const struct hap_edges *scores,
                struct hap_error *err)
{
        const char *here = fingerprint(scores->header), *first = fingerprint(choice->header);

        if (!hap_graph_equal(&choice->graph, &scores->graph))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': its graph is not that of '%s'",
                                scores->name, choice->name);
        if (*here && *first && strcmp(here, first) != 0)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': made for model %s, '%s' is from %s",
                                scores->name, here, choice->name, first);
        hap_header_join(choice->header, scores->header);
        join_method(choice->header, scores->header);
        return HAP_OK;
}

int hap_selection_add(struct hap_selection *choice, const struct hap_edges *scores,
                   const struct hap_selection_options *how, struct hap_error *err)
{
        size_t n;
        int rc = choice->sections == 0 ? begin(choice, scores, err)
                                       : join(choice, scores, err);

        if (rc == 0)
                rc = hap_select_edges(scores, how, choice->z, &n, err);
        choice->sections++;
        return rc;
}

static int add_named(struct hap_selection *choice, const char *const *always,
                     size_t n_always, struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < n_always && rc == 0; i++)
                rc = hap_select_named(&choice->graph, always[i], choice->z, err);
        return rc;
}

int hap_selection_finish(struct hap_selection *choice, const char *const *always,
                      size_t n_always, bool keep_dead, struct hap_error *err)
{
        int rc = add_named(choice, always, n_always, err);

        if (rc < 0)
                return rc;
        choice->selected = hap_graph_count_kept(&choice->graph, choice->z);
        if (!keep_dead)
                hap_graph_drop_dead(&choice->graph, choice->z);
        rc = add_named(choice, always, n_always, err);
        choice->kept = hap_graph_count_kept(&choice->graph, choice->z);
        if (rc == 0 && choice->kept == 0 && choice->selected > 0)
                return hap_fail(err, HAP_EINPUT,
                                "cannot select from '%s': all %zu edges selected are dead, "
                                "keep more or use --greedy", choice->name, choice->selected);
        return rc;
}

json_t *hap_selection_describe(const struct hap_selection *choice, const struct hap_selection_options *how)
{
        json_t *said = json_pack("{s:s, s:I, s:I}", "order", how->by_sign ? "signed" : "magnitude",
                                 "selected", (json_int_t)choice->selected, "sections",
                                 (json_int_t)choice->sections);

        if (how->keep.given)
                json_object_set_new(said, "keep", json_integer((json_int_t)hap_count_or_percent_of(
                                                          &how->keep, choice->graph.n_edges)));
        if (how->threshold > -INFINITY)
                json_object_set_new(said, "threshold", json_real(how->threshold));
        if (how->greedy)
                json_object_set_new(said, "greedy", json_true());
        if (how->layer_quota)
                json_object_set_new(said, "layer_quota", json_true());
        return said;
}
