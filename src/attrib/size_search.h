/* How much to keep, found by trying: hap-select --auto. */
#ifndef HAP_ATTRIB_SIZE_SEARCH_H
#define HAP_ATTRIB_SIZE_SEARCH_H

#include <jansson.h>

#include "attrib/select.h"
#include "metric/evaluate.h"

struct hap_size_search {
        double tolerance;  /* largest mean KL(full ‖ subgraph) allowed, nats */
        const struct hap_ablation *ablation; /* under which the prompts were read */
        bool keep_dead;
        const char *const *always;
        size_t n_always;
        /* Result. */
        size_t n;          /* edges selected, before dead ones were dropped */
        double kl;         /* at n */
        bool less;         /* a smaller n was tried, which will not do */
        size_t n_less;     /* the largest of these; 0: none */
        double kl_less;    /* at n_less; may be below 0 by rounding */
        bool dead_less;    /* of these no edge lives */
        size_t most;       /* edges that could be selected */
        size_t tried;      /* masked evaluations */
};

/* The smallest number of edges, in the order of `how` (its `keep` is not read), whose
 * subgraph without dead edges stays within the tolerance on the prompts and is not all
 * dead: n shrinks by a third from the whole graph until the KL exceeds it, then the
 * interval is halved down to a hundredth of n. KL need not fall with n everywhere, so a
 * smaller subgraph within the tolerance may exist. */
int hap_size_search_keep(struct hap_size_search *search, const struct hap_engine *engine,
                  const struct hap_prompts *prompts, const struct hap_edges *scores,
                  const struct hap_selection_options *how, struct hap_error *err);

/* A line on what was chosen and why, for the user. */
void hap_size_search_tell(const struct hap_size_search *search, size_t examples, char *text, size_t size);

/* The header's selection.auto: tolerance, ablation, kl, how many sizes were tried on how
 * many examples, and where a smaller size was, the next smaller one. New reference. */
json_t *hap_size_search_describe(const struct hap_size_search *search, size_t examples);

#endif
