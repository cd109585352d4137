#include "attrib/size_search.h"

struct search {
        struct hap_size_search *result;
        const struct hap_engine *engine;
        const struct hap_prompts *prompts;
        const struct hap_edges *scores;
        const struct hap_selection_options *how;
};

/* Files the KL of the n best edges: within the tolerance, or beyond it. */
static int try(const struct search *s, size_t n, struct hap_error *err)
{
        struct hap_size_search *r = s->result;
        struct hap_selection_options these = *s->how;
        struct hap_selection choice = {0};
        struct hap_metric_values outcome = {0};
        bool dead = false;
        int rc;

        these.keep = (struct hap_count_or_percent){.given = true, .value = (double)n};
        rc = hap_selection_add(&choice, s->scores, &these, err);
        if (rc == 0) {
                rc = hap_selection_finish(&choice, r->always, r->n_always, r->keep_dead, err);
                dead = rc == HAP_EINPUT;
        }
        /* A choice of which everything is dead has a KL too, but is none. */
        if (rc == 0 || dead)
                rc = hap_evaluate(s->engine, s->prompts, choice.z, &outcome, NULL, err);
        if (r->tried++ == 0)
                r->most = choice.selected;
        hap_selection_release(&choice);
        if (outcome.kl <= r->tolerance && !dead) {
                r->n = n;
                r->kl = outcome.kl;
        } else {
                r->less = true;
                r->n_less = n;
                r->kl_less = outcome.kl;
                r->dead_less = dead;
        }
        return rc;
}

int hap_size_search_keep(struct hap_size_search *search, const struct hap_engine *engine,
                  const struct hap_prompts *prompts, const struct hap_edges *scores,
                  const struct hap_selection_options *how, struct hap_error *err)
{
        const struct search s = {search, engine, prompts, scores, how};
        size_t next = scores->n_given;
        int rc;

        search->less = false;
        search->n_less = 0;
        do {
                rc = try(&s, next, err);
                next = next * 2 / 3;
        } while (rc == 0 && next >= 1 && !search->less);
        if (rc == 0 && search->n_less == scores->n_given) /* none will do */
                return search->dead_less
                               ? hap_fail(err, HAP_EINPUT, "all %zu edges that may be selected are "
                                          "dead", search->most)
                               : hap_fail(err, HAP_EUSAGE, "cannot stay within a KL of %g: all %zu "
                                          "edges that may be selected have %.4g",
                                          search->tolerance, search->most, search->kl_less);
        while (rc == 0 && search->less && search->n - search->n_less > 1 + search->n / 100)
                rc = try(&s, (search->n + search->n_less) / 2, err);
        return rc;
}

void hap_size_search_tell(const struct hap_size_search *search, size_t examples, char *text, size_t size)
{
        char less[80] = "";

        if (search->dead_less)
                snprintf(less, sizeof less, "; of %zu edges none lives", search->n_less);
        else if (search->less)
                snprintf(less, sizeof less, "; %zu edges have %.4f", search->n_less,
                         search->kl_less);
        snprintf(text, size, "chose %zu edges: KL %.4f on %zu examples, within %g%s (%zu sizes "
                 "tried)", search->n, search->kl, examples, search->tolerance, less,
                 search->tried);
}

json_t *hap_size_search_describe(const struct hap_size_search *search, size_t examples)
{
        json_t *said = json_pack("{s:f, s:s, s:f, s:I, s:I}", "tolerance", search->tolerance,
                                 "ablation", search->ablation->name, "kl",
                                 search->kl, "evaluations", (json_int_t)search->tried, "examples",
                                 (json_int_t)examples);

        if (said && search->less)
                json_object_update_new(said, json_pack("{s:{s:I, s:f, s:b}}", "less", "selected",
                                                       (json_int_t)search->n_less, "kl",
                                                       search->kl_less, "dead",
                                                       search->dead_less));
        return said;
}
