/* The KL divergence from the full model, and its gradient, of prompts under
 * masks: what every recipe asks the engine. */
#ifndef HAP_PRUNE_MASKED_KL_H
#define HAP_PRUNE_MASKED_KL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forward/engine.h"
#include "data/prompts.h"

struct hap_measure {
        const struct hap_engine *engine;
        const struct hap_prompts *prompts;
        size_t most_answers; /* answer positions of any prompt */
        double runs;         /* masked runs so far: 1 with gradient, ½ without */
        float *partial;      /* [n_partial]: gradients of jobs */
        size_t n_partial;
};

/* The prompts must have log_p. Nothing is copied. */
void hap_measure_init(struct hap_measure *measure, const struct hap_engine *engine,
                      const struct hap_prompts *prompts);
void hap_measure_release(struct hap_measure *measure);

/* n masked runs: of prompt which[i] under the masks z[i] ([n_edges]). */
struct hap_runs {
        size_t n;
        const uint32_t *which;
        const float *const *z;
        const bool *wanted; /* [n_edges]: whose gradient is wanted, or NULL */
        bool sources;       /* instead: that by what cut edges carry is wanted */
        size_t group; /* runs of different groups of so many never share a batch;
                       * 0: all may */
};

/* kl[i] of each run; with `wanted`, gradient[e] = Σ_i d kl[i] / d m[e] (0 for
 * edges that are not wanted); with `sources`, gradient[w][j] = Σ_i d kl[i] / d a'_w[j]
 * ([n_writers][d_model]). Fails when a KL is not finite. The result does
 * not depend on the number of threads. */
int hap_measure(struct hap_measure *measure, const struct hap_runs *runs,
                double *kl, float *gradient, struct hap_error *err);

#endif
