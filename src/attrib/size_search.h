/* The number of edges to keep, found by trial: hap-select --auto. */
#ifndef HAP_ATTRIB_SIZE_SEARCH_H
#define HAP_ATTRIB_SIZE_SEARCH_H

#include <jansson.h>

#include "attrib/selection.h"
#include "metric/evaluate.h"

struct hap_size_search {
        double tolerance; /* largest mean KL(full model ‖ circuit) allowed, nats */
        const struct hap_ablation *ablation; /* under which the prompts were read */
        bool keep_dead;
        const char *const *always;
        size_t n_always;
        /* Result. */
        size_t n;       /* edges selected, before dead ones were dropped */
        double kl;      /* at n */
        bool less;      /* a smaller n was tried and does not suffice */
        size_t n_less;  /* the largest such n */
        double kl_less; /* at n_less; can be below 0 by rounding */
        bool dead_less; /* all n_less edges are dead */
        size_t max;     /* edges that can be selected */
        size_t tried;   /* masked evaluations */
};

/* Finds a small number n of edges, in the order of `options` (its `keep` is not read), whose
 * circuit without dead edges stays within the tolerance on the prompts and has a live edge.
 * n shrinks by a third, from all edges, until the KL exceeds the tolerance; then the
 * interval is halved down to a hundredth of n. The KL does not always fall with n, so a
 * smaller circuit within the tolerance may exist. HAP_EUSAGE: all edges together exceed the
 * tolerance; HAP_EINPUT: all edges are dead. */
int hap_size_search_run(struct hap_size_search *search, const struct hap_engine *engine,
                        const struct hap_prompts *prompts, const struct hap_edges *scores,
                        const struct hap_selection_options *options, struct hap_error *err);

/* A line for the user: what was selected and why. */
void hap_size_search_summary(const struct hap_size_search *search, size_t examples, char *text,
                             size_t size);

/* The header's selection.auto: tolerance, ablation, kl, the number of sizes tried and of
 * examples, and the next smaller size if one was tried. New reference. */
json_t *hap_size_search_describe(const struct hap_size_search *search, size_t examples);

#endif
