/* The attention patterns of a layer when the input of its queries or keys is another one than in
 * the full run. */
#ifndef HAP_FORWARD_CHANGED_PATTERN_H
#define HAP_FORWARD_CHANGED_PATTERN_H

#include "forward/full_state.h"

struct hap_changed_pattern {
        const struct hap_full_layer *layer;
        struct hap_heads heads; /* of the changed run; heads.p in the layout of the layer's */
        float *xq;              /* [out_rows][d_model] */
        float *mean, *rstd;     /* [rows] */
};

/* Memory for the patterns of one layer of a run that was made with gradients, of prompts that are
 * not long (attention.h); it is from the scratch, which also keeps the message of an error. */
int hap_changed_pattern_init(struct hap_changed_pattern *changed, struct hap_scratch *scratch,
                             const struct hap_batch *batch, const struct hap_full_layer *layer);
/* heads.p = the patterns of all heads if their queries (which = 0) or keys (which = 1) read x,
 * [rows][d_model], before the norm. Everything else is as in the full run. */
void hap_changed_pattern_run(struct hap_changed_pattern *changed, struct hap_scratch *scratch,
                             const struct hap_batch *batch, int which, const float *x);

#endif
