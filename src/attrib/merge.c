#include "attrib/merge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attrib/same_scores.h"

static double add_to_sum(double so_far, double score, bool first)
{
        return first ? score : so_far + score;
}

static double smaller(double so_far, double score, bool first)
{
        return first ? score : fmin(so_far, score);
}

static double larger(double so_far, double score, bool first)
{
        return first ? score : fmax(so_far, score);
}

static const struct hap_merge mean = {
        "mean", "the mean of the scores", add_to_sum, .mean = true,
};
static const struct hap_merge minimum = {"min", "the smallest score", .add = smaller};
static const struct hap_merge maximum = {"max", "the largest score", .add = larger};
static const struct hap_merge rank = {
        "rank", "the mean of the ranks by magnitude, from 0 to 1", add_to_sum,
        .mean = true, .ranks = true,
};

const struct hap_merge *const hap_merges[] = {&mean, &minimum, &maximum, &rank, NULL};

const char *hap_merge_choice(int i, const char **help)
{
        if (!hap_merges[i])
                return NULL;
        *help = hap_merges[i]->help;
        return hap_merges[i]->name;
}

struct sized {
        double size;
        size_t edge;
};

static int compare_sizes(const void *a, const void *b)
{
        const struct sized *x = a, *y = b;

        return (x->size > y->size) - (x->size < y->size);
}

/* Replaces the scores by ranks from 0 to 1. */
static int rank_scores(struct hap_edges *scores, struct hap_error *err)
{
        struct sized *order = malloc((scores->n_given + 1) * sizeof *order);
        size_t n = 0;

        if (!order)
                return hap_fail_memory(err, "merged scores");
        for (size_t e = 0; e < scores->graph.n_edges; e++)
                if (scores->given[e])
                        order[n++] = (struct sized){fabs(scores->score[e]), e};
        qsort(order, n, sizeof *order, compare_sizes);
        for (size_t begin = 0, end; begin < n; begin = end) {
                for (end = begin + 1; end < n && order[end].size == order[begin].size;)
                        end++;
                for (size_t i = begin; i < end; i++)
                        scores->score[order[i].edge] = n < 2 ? 1 : 0.5 * (double)(begin + end - 1) /
                                                                           (double)(n - 1);
        }
        free(order);
        return HAP_OK;
}

/* {"name": "mean", "merged": [A, B]}, with the next method. */
static int describe(struct hap_merged *merged, const json_t *method)
{
        json_t *all = json_object_get(json_object_get(merged->scores.header, "method"), "merged");
        json_t *list = merged->n == 0 ? json_array() : json_deep_copy(all);
        json_t *about;

        if (!list || (method && json_array_append_new(list, json_deep_copy(method)) < 0)) {
                json_decref(list);
                return -1;
        }
        about = json_pack("{s:s, s:o}", "name", merged->how->name, "merged", list);
        return json_object_set_new(merged->scores.header, "method", about);
}

/* Takes the section as the first one. */
static int take_first(struct hap_merged *merged, struct hap_edges *scores, struct hap_error *err)
{
        const json_t *given = json_object_get(scores->header, "method");
        json_t *method = json_deep_copy(given);
        int rc = given && !method ? -1 : 0;

        merged->scores = *scores;
        *scores = (struct hap_edges){0};
        if (rc == 0)
                rc = describe(merged, method);
        json_decref(method);
        return rc < 0 ? hap_fail_memory(err, "a header") : HAP_OK;
}

static int add_section(struct hap_merged *merged, const struct hap_edges *scores,
                       struct hap_error *err)
{
        struct hap_edges *all = &merged->scores;
        int rc = hap_scores_check_same(&(struct hap_scores_place){all->header, all->name,
                                                                  &all->graph}, scores, err);

        if (rc < 0)
                return rc;
        hap_header_join(all->header, scores->header);
        for (size_t e = 0; e < all->graph.n_edges; e++) {
                if (all->given[e] && !scores->given[e]) {
                        all->given[e] = false;
                        all->n_given--;
                }
                all->score[e] = merged->how->add(all->score[e], scores->score[e], false);
        }
        return describe(merged, json_object_get(scores->header, "method")) < 0
                       ? hap_fail_memory(err, "a header") : HAP_OK;
}

static int add_merged(struct hap_merged *merged, struct hap_edges *scores, struct hap_error *err)
{
        int rc = merged->how->ranks ? rank_scores(scores, err) : HAP_OK;

        if (rc == 0)
                rc = merged->n == 0 ? take_first(merged, scores, err)
                                    : add_section(merged, scores, err);
        merged->n++;
        return rc;
}

/* Divides, and makes the name "mean of A, B". */
static int finish(struct hap_merged *merged, struct hap_error *err)
{
        json_t *method = json_object_get(merged->scores.header, "method"), *one;
        json_t *name = json_sprintf("%s of", merged->how->name);
        size_t i;

        json_array_foreach(json_object_get(method, "merged"), i, one) {
                const char *of = json_string_value(json_object_get(one, "name"));
                const char *so_far = json_string_value(name);
                json_t *longer = so_far ? json_sprintf("%s%s %s", so_far, i ? "," : "",
                                                       of ? of : "scores") : NULL;

                json_decref(name);
                name = longer;
        }
        for (size_t e = 0; merged->how->mean && e < merged->scores.graph.n_edges; e++)
                merged->scores.score[e] /= (double)merged->n;
        return json_object_set_new(method, "name", name) < 0 ? hap_fail_memory(err, "a header")
                                                             : HAP_OK;
}

int hap_merged_read(struct hap_stream_in *in, struct hap_merged *merged, struct hap_error *err)
{
        struct hap_edges scores;
        int rc;

        while ((rc = hap_edges_next(in, "scores", &scores, err)) > 0) {
                rc = add_merged(merged, &scores, err);
                hap_edges_release(&scores);
                if (rc < 0)
                        return rc;
        }
        if (rc == 0 && merged->n == 0)
                rc = hap_stream_in_fail_missing(in, "scores", err);
        return rc < 0 ? rc : finish(merged, err);
}

void hap_merged_release(struct hap_merged *merged)
{
        hap_edges_release(&merged->scores);
        *merged = (struct hap_merged){0};
}
