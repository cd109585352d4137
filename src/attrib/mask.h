/* Methods by masked runs: the gradient by the masks, and the removal of one edge at a
 * time. */
#ifndef HAP_ATTRIB_MASK_H
#define HAP_ATTRIB_MASK_H

#include "attrib/attrib.h"

/* −d loss / d z at the masks of options.z, or at 1 without them. */
int hap_method_mask_gradient(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                             struct hap_error *err);
/* The loss without the edge − the loss of the full model. */
int hap_method_exact(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                     struct hap_error *err);

#endif
