#include "attrib/auto.h"

/* KL of the n best edges. */
static int measure(struct hap_auto *search, const struct hap_engine *engine,
                   const struct hap_prompts *prompts, const struct hap_edges *scores,
                   const struct hap_selection *how, size_t n, double *kl,
                   struct hap_error *err)
{
        struct hap_selection these = *how;
        struct hap_choice choice = {0};
        struct hap_outcome outcome;
        struct hap_error dead = {0};
        int rc;

        these.keep = (struct hap_amount){.given = true, .value = (double)n};
        rc = hap_choice_add(&choice, scores, &these, err);
        /* A choice of which everything is dead still has a KL. */
        if (rc == 0)
                hap_choice_finish(&choice, search->always, search->n_always,
                                  search->keep_dead, &dead);
        if (rc == 0)
                rc = hap_evaluate(engine, prompts, choice.z, &outcome, NULL, err);
        *kl = outcome.kl;
        search->tried++;
        hap_choice_release(&choice);
        return rc;
}

static void within(struct hap_auto *search, size_t n, double kl)
{
        search->n = n;
        search->kl = kl;
}

static void beyond(struct hap_auto *search, size_t n, double kl)
{
        search->n_less = n;
        search->kl_less = kl;
}

int hap_auto_keep(struct hap_auto *search, const struct hap_engine *engine,
                  const struct hap_prompts *prompts, const struct hap_edges *scores,
                  const struct hap_selection *how, struct hap_error *err)
{
        size_t next = scores->n_given * 2 / 3;
        double kl;
        int rc = measure(search, engine, prompts, scores, how, scores->n_given, &kl, err);

        if (rc < 0)
                return rc;
        within(search, scores->n_given, kl);
        search->kl_less = -1;
        search->n_less = 0;
        if (kl > search->tolerance)
                return hap_fail(err, HAP_EUSAGE,
                                "cannot stay within a KL of %g: all %zu edges scored have %.4g",
                                search->tolerance, scores->n_given, kl);
        while (next >= 1 && search->kl_less < 0) {
                rc = measure(search, engine, prompts, scores, how, next, &kl, err);
                if (rc < 0)
                        return rc;
                if (kl <= search->tolerance)
                        within(search, next, kl);
                else
                        beyond(search, next, kl);
                next = next * 2 / 3;
        }
        while (search->kl_less >= 0 && search->n - search->n_less > 1 + search->n / 100) {
                const size_t middle = (search->n + search->n_less) / 2;

                rc = measure(search, engine, prompts, scores, how, middle, &kl, err);
                if (rc < 0)
                        return rc;
                if (kl <= search->tolerance)
                        within(search, middle, kl);
                else
                        beyond(search, middle, kl);
        }
        return HAP_OK;
}
