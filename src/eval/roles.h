/* Roles of attention heads, as in the circuit of indirect object identification (Wang et al. 2022,
 * arXiv:2211.00593), found for any model and task by what the heads attend to and what they do to
 * the logits.
 *
 * A head has a role if its attention score is at least HAP_ROLE_ATTENTION and its effect at least
 * HAP_ROLE_EFFECT of the model's mean logit difference, each where the role has such a score. */
#ifndef HAP_EVAL_ROLES_H
#define HAP_EVAL_ROLES_H

#include "eval/head_values.h"

#define HAP_ROLE_ATTENTION 0.3
#define HAP_ROLE_EFFECT 0.05

enum hap_role_effect {
        HAP_NO_EFFECT,
        HAP_DIRECT_EFFECT,     /* the head's direct effect */
        HAP_AGAINST_EFFECT,    /* minus its direct effect */
        /* The fall of the logit difference when the edges from the head into the movers' queries
         * are cut. */
        HAP_QUERY_EFFECT,
        HAP_GROWTH_EFFECT,     /* what the direct effect gains when all movers are cut */
};

struct hap_head_role {
        const char *name;
        bool attends; /* the role has an attention score: */
        enum hap_attention_kind attention;
        enum hap_role_effect effect;
};

/* Rows that others build on, and the number of rows. */
enum { HAP_MOVERS, HAP_NEGATIVE_MOVERS, HAP_ROLES = 7 };
extern const struct hap_head_role hap_roles[HAP_ROLES];

struct hap_roles {
        struct hap_head_values values;
        double effect_threshold;
        double *effect[HAP_ROLES]; /* [n_heads]: NaN: not measured */
        bool *found[HAP_ROLES];    /* [n_heads] */
};

/* Finds the roles. The prompts must have been read with want_q. Effects on the movers' queries are
 * measured only for heads whose attention reaches the threshold, one masked run of the prompts
 * each. HAP_EINPUT: an example has no right answers. On failure nothing is to be released. */
int hap_roles_find(struct hap_roles *roles, const struct hap_engine *engine,
                   const struct hap_prompts *prompts, struct hap_error *err);
void hap_roles_release(struct hap_roles *roles);

/* The attention score of a head in a role; NaN if it has none. */
double hap_role_attention(const struct hap_roles *roles, int role, int head);

#endif
