/* Masked runs of a batch, for methods. */
#ifndef HAP_ATTRIB_MASK_RUN_H
#define HAP_ATTRIB_MASK_RUN_H

#include "attrib/attrib.h"
#include "forward/masked.h"

/* A masked run of batch b, with the same z ([n_edges]) for all its prompts. */
int hap_mask_run(const struct hap_attrib *attrib, const struct hap_prompts *prompts,
                 struct hap_scratch *scratch, size_t b, const float *z, const bool *wanted,
                 struct hap_batch *batch, struct hap_masked *run);

/* The loss summed over the batch, and its gradient ([answers][n_out]) unless d_logits is NULL.
 * HAP_EINPUT: the loss of an example is not a number (the message names it). */
int hap_mask_loss(const struct hap_attrib *attrib, const struct hap_example *examples,
                  struct hap_scratch *scratch, const struct hap_batch *batch,
                  const float *logits, float *d_logits, double *loss);

/* d_z = d loss / d z of every edge ([n_edges]) at the masks z, summed over batch b. HAP_EINPUT:
 * it is not finite. */
int hap_mask_slope(const struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_scratch *scratch, size_t b, const float *z, float *d_z);

#endif
