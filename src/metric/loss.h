/* Losses at the answer positions, and their gradients. */
#ifndef HAP_METRIC_LOSS_H
#define HAP_METRIC_LOSS_H

#include "forward/engine.h"
#include "forward/distribution.h"
#include "task/example.h"

enum hap_metric {
        HAP_LOGIT_DIFF, /* mean wrong logit − mean answer logit */
        HAP_KL,         /* KL(full model ‖ this run), nats; see hap_log_softmax */
        HAP_PROB_DIFF,  /* Σ p(wrongs) − Σ p(answers) */
};
extern const char *const hap_metric_names[]; /* NULL-terminated */

/* The loss of one prompt (lower is better), averaged over its answer positions.
 * logits: [n_answers][n_out]. Writes d loss / d logits to `gradient` (same
 * shape) unless NULL. KL needs prompt->log_p. Sums in double. */
double hap_loss(enum hap_metric metric, const struct hap_prompt *prompt,
                const struct hap_example *example, int n_out,
                const float *logits, float *gradient);

#endif
