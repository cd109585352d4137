/* Rules of a run's backward.
 *
 * The derivative is the usual one. Other rules put a constant or a ratio in the place of parts of
 * it. The forward run is the same for all. */
#ifndef HAP_FORWARD_RULES_H
#define HAP_FORWARD_RULES_H

#include <stdbool.h>

struct hap_rules {
        /* The scale of every norm, 1/σ, is a constant: y = (x − mean x)/σ is linear in x. */
        bool constant_scale;
        /* The pattern of attention is a constant: no gradient reaches queries and keys. So are the
         * weights of a mixture of experts. */
        bool constant_pattern;
        /* An activation has the slope act(x)/x (at 0 its limit) instead of act'(x). */
        bool activation_ratio;
        /* Of a gated product each factor gets half of the gradient. */
        bool gate_halves;
};

extern const struct hap_rules hap_rules_derivative;
/* Layer-wise relevance propagation as in RelP (Rezaei Jafari et al. 2025, arXiv:2508.21258):
 * all of the above. */
extern const struct hap_rules hap_rules_relevance;

#endif
