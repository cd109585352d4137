/* Losses at the answer positions, and their gradients. */
#ifndef HAP_METRIC_LOSS_H
#define HAP_METRIC_LOSS_H

#include "forward/engine.h"
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

/* out[i] = log softmax(logits)[i], for each of `rows` rows of n. A model with one
 * output (n = 1) answers with a number y, not with a distribution over tokens:
 * its out is y itself, and KL that of two normal distributions of variance 1
 * about the two numbers, (y − y_full)² / 2. */
void hap_log_softmax(int rows, int n, const float *logits, float *out);

/* KL of one row of n logits, whose log Σ exp is log_all, from a row of
 * hap_log_softmax: Σ p (ln p − ln q); a token that p rules out counts nothing.
 * Writes `weight` times its gradient to gradient ([n]) unless NULL. */
double hap_kl(int n, const float *log_p, const float *row, double log_all, double weight,
              float *gradient);

#endif
