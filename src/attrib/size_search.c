#include "attrib/size_search.h"

#include "forward/engine.h"

struct size_search {
        struct hap_size_search *result;
        const struct hap_engine *engine;
        const struct hap_prompts *prompts;
        const struct hap_edges *scores;
        const struct hap_selection_options *options;
};

/* Measures the KL of the n best edges and records it: within the tolerance, or above it. */
static int try_size(const struct size_search *s, size_t n, struct hap_error *err)
{
        struct hap_size_search *r = s->result;
        struct hap_selection_options these = *s->options;
        struct hap_selection selection = {0};
        double kl = 0;
        bool dead;
        int rc;

        these.keep = (struct hap_count_or_percent){.given = true, .value = (double)n};
        rc = hap_selection_add(&selection, s->scores, &these, err);
        if (rc == 0)
                rc = hap_selection_finish(&selection, r->always, r->n_always, r->keep_dead, err);
        /* A selection without live edges has a KL too, but it is not a circuit. */
        if (rc == 0)
                rc = hap_evaluate_mean(s->engine, s->prompts, selection.z, &hap_metric_kl, &kl,
                                       err);
        dead = hap_selection_is_dead(&selection);
        if (r->tried++ == 0)
                r->max = selection.selected;
        hap_selection_release(&selection);
        if (kl <= r->tolerance && !dead) {
                r->n = n;
                r->kl = kl;
        } else {
                r->less = true;
                r->n_less = n;
                r->kl_less = kl;
                r->dead_less = dead;
        }
        return rc;
}

int hap_size_search_run(struct hap_size_search *search, const struct hap_engine *engine,
                        const struct hap_prompts *prompts, const struct hap_edges *scores,
                        const struct hap_selection_options *options, struct hap_error *err)
{
        const struct size_search s = {search, engine, prompts, scores, options};
        size_t next = scores->n_given;
        int rc;

        search->less = false;
        search->n_less = 0;
        do {
                rc = try_size(&s, next, err);
                next = next * 2 / 3;
        } while (rc == 0 && next >= 1 && !search->less);
        if (rc == 0 && search->n_less == scores->n_given) /* not even all edges suffice */
                return search->dead_less
                               ? hap_fail(err, HAP_EINPUT, "all %zu edges that may be selected are "
                                          "dead", search->max)
                               : hap_fail(err, HAP_EUSAGE, "cannot stay within a KL of %g: all %zu "
                                          "edges that may be selected give %.4g",
                                          search->tolerance, search->max, search->kl_less);
        while (rc == 0 && search->less && search->n - search->n_less > 1 + search->n / 100)
                rc = try_size(&s, (search->n + search->n_less) / 2, err);
        return rc;
}

void hap_size_search_summary(const struct hap_size_search *search, size_t examples, char *text,
                             size_t size)
{
        char smaller[80] = "";

        if (search->dead_less)
                snprintf(smaller, sizeof smaller, "; with %zu edges all are dead", search->n_less);
        else if (search->less)
                snprintf(smaller, sizeof smaller, "; %zu edges have %.4f", search->n_less,
                         search->kl_less);
        snprintf(text, size, "chose %zu edges: KL %.4f on %zu examples, within %g%s (%zu sizes "
                 "tried)", search->n, search->kl, examples, search->tolerance, smaller,
                 search->tried);
}

json_t *hap_size_search_describe(const struct hap_size_search *search, size_t examples)
{
        json_t *object = json_pack("{s:f, s:s, s:f, s:I, s:I}", "tolerance", search->tolerance,
                                 "ablation", search->ablation->name, "kl",
                                 search->kl, "evaluations", (json_int_t)search->tried, "examples",
                                 (json_int_t)examples);

        if (object && search->less)
                json_object_update_new(object, json_pack("{s:{s:I, s:f, s:b}}", "less", "selected",
                                                       (json_int_t)search->n_less, "kl",
                                                       search->kl_less, "dead",
                                                       search->dead_less));
        return object;
}
