/* The plan of a masked run: which nodes can matter.
 *
 * With open edges (z > 0 for some prompt of the batch) and wanted edges (those
 * whose gradient is asked for; with counterfactual_gradients the gradient of the
 * counterfactual values is also asked for, which needs the gradient at every reader
 * of a needed node):
 *
 *   needed   a writer with a path of open edges to the logits
 *   varies   a writer whose output can differ from the counterfactual's:
 *            under interchange one with a path of open edges from an input, and
 *            every expert (its weights are those of the clean run, not of the
 *            corrupted one); under other ablations every one
 *   flows    a needed node through which a gradient passes: a wanted edge leads
 *            into it or into a node before it on an open path
 *   active   a node that is computed: it flows, or it varies and an open path
 *            leads to the logits or to a writer of a wanted edge. Only active
 *            writers have a slot
 *
 * The plan is made per node, not per position. An edge that is open at one named
 * position counts as open, and an active node is computed at all rows of the
 * batch. The batch chooses the rows (engine.h): with causal attention and
 * interchange ablation those from the first token that differs between the
 * prompts on, otherwise all; in the last layer queries and MLP have answer rows
 * only.
 * With a post-norm after attention, or a norm of q and k over all heads, the heads of a layer
 * share its statistics and are active together. */
#ifndef HAP_FORWARD_PLAN_H
#define HAP_FORWARD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "forward/ablation.h"
#include "forward/scratch.h"

struct hap_plan {
        uint8_t *open;     /* [edges_per_position]: at some position */
        const bool *wanted; /* [n_edges] or NULL */
        bool *needed, *varies, *active, *flows; /* [n_writers] */
        bool *mixed;    /* [n_readers]: has an open edge from an active writer */
        bool *gradient; /* [n_readers]: d loss / d x_r is needed */
        int *slot;      /* [n_writers]: number among the active ones, or -1 */
        int *slots_before; /* [n_writers + 1]: active ones among the first w */
        int n_slots;
};

/* z: masks per prompt (see hap_masked); memory is from the scratch. */
int hap_plan_make(struct hap_plan *plan, struct hap_scratch *scratch, int n_prompts,
                  const float *const *z, const bool *wanted, bool counterfactual_gradients,
                  const struct hap_ablation *ablation);

#endif
