/* Learning what cut edges carry (optimal ablation: Li and Janson, arXiv
 * 2409.09951): for every writer w the vector a'_w, the same at all positions
 * and in all prompts, with which the circuit is closest to the full model,
 *
 *      min over a' of the mean over prompts of KL(full ‖ circuit with a'),
 *
 * by Adam from the writers' mean outputs. Without a circuit each node is cut
 * off alone, all else being whole, so that a'_w is best for w by itself. */
#ifndef HAP_PRUNE_ABLATE_H
#define HAP_PRUNE_ABLATE_H

#include "data/prompts.h"
#include "prune/masked_kl.h"

struct hap_ablate_options {
        int64_t steps, batch, seed;
        double rate; /* of a step, in units of the mean output's root mean square */
};

struct hap_ablate {
        const struct hap_ablate_options *options;
        const struct hap_engine *engine;
        struct hap_prompts *prompts;
        /* What is learned for: masks [n_cases][n_edges], owned. One case, the
         * circuit, or each writer's. */
        size_t n_cases;
        float *z;
        float *values, *start; /* [n_writers][d_model]: the constants, the means */
        double *kl, *kl_start; /* [n_cases]: mean over the prompts */
        struct hap_measure measure;
        void (*progress)(void *context, size_t step, size_t steps, double kl);
        void *context;
};

/* z: the circuit, [n_edges], or NULL: each node alone. The prompts were read with
 * mean ablation, want_q and want_log_p; from now on their sources are `values`.
 * Options must outlive it. */
int hap_ablate_init(struct hap_ablate *ablate, const struct hap_ablate_options *options,
                    const struct hap_engine *engine, struct hap_prompts *prompts,
                    const float *z, struct hap_error *err);

/* Learns. Where the means do no worse on these prompts they stay, so that kl is
 * never above kl_start. */
int hap_ablate_run(struct hap_ablate *ablate, struct hap_error *err);
void hap_ablate_release(struct hap_ablate *ablate);

#endif
