/* Learns what cut edges carry (optimal ablation: Li and Janson 2024, arXiv 2409.09951): for
 * every writer w a vector a'_w, the same at all positions and in all prompts, that makes the
 * circuit as close as possible to the full model,
 *
 *      min over a' of the mean over prompts of KL(full ‖ circuit with a'),
 *
 * by Adam, starting from the writers' mean outputs. Without a circuit each writer is cut off
 * separately in the otherwise full graph, so that a'_w is best for w alone. */
#ifndef HAP_PRUNE_ABLATE_H
#define HAP_PRUNE_ABLATE_H

#include "data/prompts.h"
#include "prune/masked_kl.h"

struct hap_ablate_options {
        int64_t steps, batch, seed;
        double rate; /* the initial learning rate, in units of the mean output's root mean square */
};

struct hap_ablate {
        const struct hap_ablate_options *options;
        const struct hap_engine *engine;
        struct hap_prompts *prompts;
        /* The masks that constants are learned for, owned. Either one case, the circuit, or
         * a case for each writer. */
        size_t n_cases;
        float *z;              /* [n_cases][n_edges] */
        float *values, *start; /* [n_writers][d_model]: the constants, the means */
        double *kl, *kl_start; /* [n_cases]: mean over the prompts */
        struct hap_masked_kl masked_kl;
        void (*progress)(void *context, size_t step, size_t steps, double kl);
        void *context;
};

/* z: the circuit ([n_edges]), or NULL: each writer is cut off separately. The prompts must have
 * been read with mean ablation, want_q and want_log_p; from now on `values` is their
 * counterfactual. Options, engine and prompts must outlive `ablate`. */
int hap_ablate_init(struct hap_ablate *ablate, const struct hap_ablate_options *options,
                    const struct hap_engine *engine, struct hap_prompts *prompts,
                    const float *z, struct hap_error *err);

/* Learns the constants. If the means are at least as good on these prompts, they stay; kl is
 * therefore never above kl_start. HAP_EINPUT: a KL is not finite. */
int hap_ablate_run(struct hap_ablate *ablate, struct hap_error *err);
void hap_ablate_release(struct hap_ablate *ablate);

#endif
