/* Ablations: what an ablated edge carries instead of its writer's output.
 *
 * Everything that depends on the kind of ablation is in its row of the table;
 * other files ask the row's flags. To add one, write its row in ablation.c. */
#ifndef HAP_FORWARD_ABLATION_H
#define HAP_FORWARD_ABLATION_H

#include <stdbool.h>
#include <stddef.h>

struct hap_counterfactual;

/* The prompts that a mean is taken over. */
enum hap_averaged { HAP_OVER_CLEAN = 1, HAP_OVER_CORRUPTED = 2 };

struct hap_ablation {
        const char *name, *help;
        bool per_prompt;   /* from a run of the prompt's own counterfactual */
        bool per_position; /* one vector per position; otherwise one for all of them */
        unsigned averaged; /* a mean, taken first, over these: enum hap_averaged, or'ed; 0: none */
        bool learned;      /* constants of the input, which hap-ablate learned */
        /* out[i] = a' of the writer at position first + i: [n][d]. The prompt has
         * n_tokens positions. NULL: a' is zero, and there are no data. */
        void (*read)(const struct hap_counterfactual *from, size_t d, int n_tokens, int writer,
                     int first, int n, float *out);
};

extern const struct hap_ablation hap_interchange, hap_zero, hap_mean, hap_mean_position,
        hap_mean_corrupted, hap_mean_corrupted_position, hap_mean_both, hap_mean_both_position,
        hap_optimal;
extern const struct hap_ablation *const hap_ablations[]; /* NULL-terminated */

/* The choices of an option --ablation (see struct hap_option). */
const char *hap_ablation_choice(int i, const char **help);

#endif
