#include "eval/paired.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/distributions.h"
#include "eval/record.h"

/* --- differences --- */

struct pair {
        size_t a, b;
        struct hap_difference difference;
};

/* Every two circuits that are reported. */
static size_t list_pairs(const struct hap_evaluation *evaluation, struct pair *pairs)
{
        size_t n = 0;

        for (size_t a = 0; a < evaluation->n_circuits; a++)
                for (size_t b = a + 1; b < evaluation->n_circuits; b++)
                        if (!evaluation->circuits[a].quiet && !evaluation->circuits[b].quiet)
                                pairs[n++] = (struct pair){.a = a, .b = b};
        return n;
}

static int write_pair(const struct hap_intervals *in, const struct pair *pair,
                      const struct hap_metric *metric, double p_holm, struct hap_stream_out *out,
                      struct hap_error *err)
{
        const struct hap_difference *d = &pair->difference;
        json_t *record = json_pack(
                "{s:s, s:s, s:s, s:f}", "circuit", in->evaluation->circuits[pair->a].name,
                "against", in->evaluation->circuits[pair->b].name, "metric", metric->name,
                "difference", d->value);

        if (record && isfinite(d->interval.low))
                json_object_update_new(record, json_pack(
                        "{s:f, s:f, s:f, s:f}", "se", d->interval.se, "low", d->interval.low,
                        "high", d->interval.high, "level", in->options.level));
        if (record)
                json_object_update_new(record, json_pack("{s:f, s:f}", "p", d->p, "p_holm",
                                                         p_holm));
        return hap_record_write(out, record, err);
}

static int write_metric(const struct hap_intervals *in, const struct hap_metric *metric,
                        struct pair *pairs, size_t n, double *p, struct hap_stream_out *out,
                        struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < n; i++) {
                pairs[i].difference = hap_intervals_difference(in, pairs[i].a, pairs[i].b, metric);
                /* a difference that is not defined has no record and no share in the correction */
                p[i] = isfinite(pairs[i].difference.value) ? pairs[i].difference.p : 1;
        }
        if (hap_holm(p, n, n, p) < 0)
                return hap_fail_memory(err, "differences");
        for (size_t i = 0; i < n && rc == 0; i++)
                if (isfinite(pairs[i].difference.value))
                        rc = write_pair(in, pairs + i, metric, p[i], out, err);
        return rc;
}

int hap_paired_write(const struct hap_intervals *in, const struct hap_metric_list *metrics,
                     struct hap_stream_out *out, struct hap_error *err)
{
        const size_t n = in->evaluation->n_circuits, capacity = n * (n - (n > 0)) / 2;
        struct pair *pairs = calloc(capacity + 1, sizeof *pairs);
        double *p = calloc(capacity + 1, sizeof *p);
        int rc = HAP_OK;
        size_t found;

        if (!pairs || !p)
                rc = hap_fail_memory(err, "differences");
        found = rc == 0 ? list_pairs(in->evaluation, pairs) : 0;
        for (int m = 0; m < metrics->n && rc == 0; m++)
                rc = write_metric(in, metrics->items[m], pairs, found, p, out, err);
        free(pairs);
        free(p);
        return rc;
}

/* --- seeds --- */

/* What a header says about how its circuit was made, without the seed and what came of it.
 * NULL: it has no seed. New reference. */
static json_t *setting_of(const json_t *header)
{
        static const char *const same[] = {"model", "graph", "task", "ablation", "method",
                                           "selection"};
        static const char *const same_pruning[] = {"recipe", "options", "target_edges",
                                                   "subgraph_edges"};
        const json_t *pruning = json_object_get(header, "pruning");
        json_t *setting;

        if (!json_is_integer(json_object_get(pruning, "seed")))
                return NULL;
        setting = json_object();
        for (size_t i = 0; i < sizeof same / sizeof *same; i++)
                if (json_object_get(header, same[i]))
                        json_object_set(setting, same[i], json_object_get(header, same[i]));
        for (size_t i = 0; i < sizeof same_pruning / sizeof *same_pruning; i++)
                if (json_object_get(pruning, same_pruning[i]))
                        json_object_set(setting, same_pruning[i],
                                        json_object_get(pruning, same_pruning[i]));
        return setting;
}

static json_int_t seed_of(const json_t *header)
{
        return json_integer_value(json_object_get(json_object_get(header, "pruning"), "seed"));
}

/* Circuits of one setting. */
struct group {
        json_t *seeds;  /* owned */
        size_t *members; /* numbers among the circuits of that role, [n], owned */
        size_t n;
};

static bool has_seed(const json_t *seeds, json_int_t seed)
{
        size_t i;
        json_t *value;

        json_array_foreach(seeds, i, value)
                if (json_integer_value(value) == seed)
                        return true;
        return false;
}

/* The group that begins with circuit `first`: those of its setting, each seed once. */
static int find_group(json_t *const *settings, const struct hap_edges *circuits, size_t n,
                      size_t first, struct group *group)
{
        *group = (struct group){json_array(), calloc(n, sizeof *group->members), 0};
        if (!group->seeds || !group->members)
                return -1;
        for (size_t i = 0; i < n; i++) {
                const json_int_t seed = seed_of(circuits[i].header);

                if (!settings[i] || !json_equal(settings[i], settings[first]))
                        continue;
                if (i < first) {
                        group->n = 0;
                        break; /* an earlier circuit began it */
                }
                if (!has_seed(group->seeds, seed)) {
                        json_array_append_new(group->seeds, json_integer(seed));
                        group->members[group->n++] = i;
                }
        }
        return 0;
}

/* The circuit with the role HAP_A_CIRCUIT and that number among them. */
static const struct hap_evaluated *circuit_number(const struct hap_evaluation *evaluation,
                                                  size_t number)
{
        const struct hap_evaluated *circuit = evaluation->circuits;

        for (;; circuit++)
                if (circuit->role == HAP_A_CIRCUIT && number-- == 0)
                        return circuit;
}

static int write_group(const struct hap_evaluation *evaluation, const struct group *group,
                       const struct hap_metric_list *metrics, struct hap_stream_out *out,
                       struct hap_error *err)
{
        double *means = calloc(group->n, sizeof *means), mean, sd;
        char name[300];
        int rc = means ? HAP_OK : hap_fail_memory(err, "seeds");

        snprintf(name, sizeof name, "%.200s and %zu other seed%s",
                 circuit_number(evaluation, group->members[0])->name, group->n - 1,
                 group->n == 2 ? "" : "s");
        for (int m = 0; m < metrics->n && rc == 0; m++) {
                for (size_t i = 0; i < group->n && rc == 0; i++)
                        rc = hap_evaluation_value(
                                evaluation, circuit_number(evaluation, group->members[i]),
                                metrics->items[m], means + i, &sd, err);
                if (rc < 0)
                        break;
                hap_metric_mean(means, group->n, 1, &mean, &sd);
                rc = hap_record_write(out, json_pack("{s:s, s:s, s:f, s:f, s:I, s:O}", "circuit", name,
                                                 "metric", metrics->items[m]->name, "value", mean,
                                                 "sd", sd, "circuits", (json_int_t)group->n,
                                                 "seeds", group->seeds), err);
        }
        free(means);
        return rc;
}

int hap_seeds_write(const struct hap_evaluation *evaluation, const struct hap_edges *circuits,
                    size_t n, const struct hap_metric_list *metrics,
                    struct hap_stream_out *out, struct hap_error *err)
{
        json_t **settings = calloc(n + 1, sizeof *settings);
        int rc = settings ? HAP_OK : hap_fail_memory(err, "seeds");

        for (size_t i = 0; i < n && settings; i++)
                settings[i] = setting_of(circuits[i].header);
        for (size_t i = 0; i < n && rc == 0; i++) {
                struct group group = {0};

                if (settings[i] && find_group(settings, circuits, n, i, &group) < 0)
                        rc = hap_fail_memory(err, "seeds");
                if (rc == 0 && group.n > 1)
                        rc = write_group(evaluation, &group, metrics, out, err);
                json_decref(group.seeds);
                free(group.members);
        }
        for (size_t i = 0; i < n && settings; i++)
                json_decref(settings[i]);
        free(settings);
        return rc;
}
