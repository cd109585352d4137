/* Whether a pipeline fits the memory of its machines, and how long its stages take. For hap-model
 * --plan. */
#ifndef HAP_DATA_STAGE_PLAN_H
#define HAP_DATA_STAGE_PLAN_H

#include "data/model_needs.h"

/* The share of the rate of sgemm that runs reach (docs/engine.md measures three quarters). */
#define HAP_PLAN_EFFICIENCY .75

struct hap_stage_plan {
        size_t ranks;  /* processes with needs->threads threads and processors of their own */
        size_t memory; /* bytes of a rank; 0: not given */
        double rate;   /* 1e9 operations a second that sgemm makes on the threads of a rank */
};

/* Prints the operations of a run, and for each stage the memory of a rank, whether it fits, and
 * the seconds; for several ranks also the bytes that a pruning step exchanges. A stage of N prompts
 * is split into jobs as the programs split it; ranks · threads work on them in turns, so that ranks
 * without a job do not help. Returns whether all stages fit. */
bool hap_stage_plan_print(const struct hap_stage_plan *plan, const struct hap_model_needs *needs,
                          const struct hap_model *model, FILE *out);

#endif
