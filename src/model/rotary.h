/* The frequencies of rotary positions (RoPE, Su et al. 2021) and their scaling. */
#ifndef HAP_MODEL_ROTARY_H
#define HAP_MODEL_ROTARY_H

#include "model/blueprint.h"

enum hap_rotary_scaling {
        HAP_ROTARY_PLAIN,
        HAP_ROTARY_LINEAR,
        HAP_ROTARY_LLAMA3,
        HAP_ROTARY_YARN,     /* Peng et al. 2023 */
        HAP_ROTARY_LONGROPE, /* Ding et al. 2024, for prompts within the original context */
};
struct hap_rotary {
        double theta;
        double part; /* of a head's dimensions that are rotary, if the scaling has it; else 0 */
        int n; /* rotary dimensions, an even number */
        enum hap_rotary_scaling scaling;
        double factor, low, high, original; /* of the scaling; yarn: beta_slow, beta_fast */
        double attention; /* cos and sin are multiplied with it; 0: 1 */
        bool exact;       /* yarn: the range of dimensions is not rounded to whole ones */
        const json_t *short_factors, *long_factors; /* longrope; borrowed from the settings */
};
/* n / 2 frequencies in the model's arena. LongRoPE has other frequencies for prompts that are
 * longer than the original context: the model's context ends there. */
const float *hap_rotary_make(struct hap_blueprint *blueprint, const struct hap_rotary *rotary);
/* Reads "rope_theta" (`theta` when absent) and "rope_scaling", or
 * "rope_parameters", in which newer folders have both, into *rotary. */
void hap_rotary_read(struct hap_blueprint *blueprint, struct hap_rotary *rotary, double theta);
/* YaRN's attention factor for a scaling by `factor`. */
double hap_yarn_attention(double factor, double mscale);
/* Only the object `key`, if present; with `member`, its object for one kind of layers. */
void hap_rotary_read_object(struct hap_blueprint *blueprint, const char *key,
                            const char *member, struct hap_rotary *rotary);

#endif
