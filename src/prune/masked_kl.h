/* The KL divergence between the full model and masked runs of prompts, and its gradient by
 * the masks. Every recipe uses the engine through this. */
#ifndef HAP_PRUNE_MASKED_KL_H
#define HAP_PRUNE_MASKED_KL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forward/engine.h"
#include "data/prompts.h"
#include "metric/metric.h"

struct hap_masked_kl {
        const struct hap_engine *engine;
        const struct hap_prompts *prompts;
        const struct hap_metric *metric; /* whose loss takes the place of KL; NULL: KL */
        /* With avoid ([n_edges]: 0 or 1) each loss is KL + cost Σ avoid[e] z[e]; NULL: KL. */
        const float *avoid;
        double cost;
        bool bf16; /* runs with gradients multiply in BF16; needs hap_engine_use_bf16 */
        double runs;    /* masked runs so far; one without gradient counts ½ */
        float *partial; /* [n_partial]: gradients of jobs */
        size_t n_partial;
};

/* The prompts must have log_p. Engine and prompts must outlive masked_kl. */
void hap_masked_kl_init(struct hap_masked_kl *masked_kl, const struct hap_engine *engine,
                        const struct hap_prompts *prompts);
void hap_masked_kl_release(struct hap_masked_kl *masked_kl);

/* n masked runs: run i is prompt which[i] with the masks z[i] ([n_edges]). */
struct hap_runs {
        size_t n;
        const uint32_t *which;
        const float *const *z;
        const bool *wanted; /* [n_edges]: edges whose gradient is wanted, or NULL */
        /* [n][n_edges]: what each run's gradient is multiplied by, or NULL. Every run then has a
         * batch of its own. */
        const float *const *slope;
        bool want_counterfactual; /* instead, the gradient by the constants of cut edges */
        size_t group; /* how many consecutive runs may share a batch; 0: all */
};

/* Sets kl[i], the loss, for each run. With `wanted` also
 * gradient[e] = Σ_i slope[i][e] d kl[i] / d m[e] ([n_edges], 0 for edges that are not wanted);
 * with `want_counterfactual` gradient[w][j] = Σ_i d kl[i] / d a'_w[j] ([n_writers][d_model]).
 * HAP_EINPUT: a KL is not finite. The results do not depend on the number of threads. */
int hap_masked_kl_run(struct hap_masked_kl *masked_kl, const struct hap_runs *runs, double *kl,
                      float *gradient, struct hap_error *err);

/* Sets mean[i] to the mean loss of circuit i over the prompts which[0 … on-1], for n circuits with
 * the masks z, [n][n_edges]. Errors are those of hap_masked_kl_run. */
int hap_masked_kl_means(struct hap_masked_kl *masked_kl, size_t n, const float *z,
                        const uint32_t *which, size_t on, double *mean, struct hap_error *err);

#endif
