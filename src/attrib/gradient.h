/* Methods by gradient: EAP and its relatives. They differ in the runs over which the
 * gradient is averaged (see attrib.h for the formula). */
#ifndef HAP_ATTRIB_GRADIENT_H
#define HAP_ATTRIB_GRADIENT_H

#include "attrib/attrib.h"

/* A batch that is being scored, by one thread. */
struct hap_gradient_batch;

/* Makes the runs of one batch, by the functions below. */
typedef int hap_gradient_runs(struct hap_gradient_batch *batch);

/* Adds to attrib->sum the scores of the prompts, summed over them:
 * Σ_t (a'_w[t] − a_w[t]) · ḡ_r[t], with ḡ the mean gradient of the runs. For the `run` of a
 * method. HAP_EINPUT: an example's scores are not finite. */
int hap_gradient_scores(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                        hap_gradient_runs *runs, struct hap_error *err);

/* The clean run. It must come first: the other runs are made from its outputs a. With
 * `counted` its gradient is one of those in the mean. */
int hap_gradient_clean_run(struct hap_gradient_batch *batch, bool counted);

/* A run in which the input's writers have outputs α a + (1 − α) a', counted. */
int hap_gradient_input_run(struct hap_gradient_batch *batch, double alpha);

/* Syed, Rager and Conmy 2023 (arXiv:2310.10348): the clean run. */
int hap_method_eap(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err);
/* Hanna, Pezzelle and Belinkov 2024 (arXiv:2403.17806): input = a' + k/K (a − a'),
 * k = 0 … K − 1. */
int hap_method_eap_ig_inputs(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                             struct hap_error *err);
/* The clean run and the one with input = a'. */
int hap_method_clean_corrupted(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                               struct hap_error *err);
/* For the input, each layer's heads, each MLP, and k = 1 … K: its output is
 * a' + k/K (a − a'). */
int hap_method_eap_ig_activations(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                                  struct hap_error *err);

#endif
