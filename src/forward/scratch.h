/* Scratch memory of one thread, handed out in order. It grows by blocks of its own and keeps
 * them: page faults in every run would cost as much as several layers. */
#ifndef HAP_FORWARD_SCRATCH_H
#define HAP_FORWARD_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "forward/engine.h"
#include "forward/rules.h"

#define HAP_SCRATCH_BLOCKS 40 /* each doubles the total */

/* A mapping that contains the bytes from `start` up to the next block's start. */
struct hap_scratch_block {
        char *base;
        size_t size, start;
};

/* To give memory back, set `used` to an earlier value. */
struct hap_scratch {
        const struct hap_engine *engine;
        size_t used, peak; /* bytes */
        /* Runs make their plan and their allocations, but touch no tensor, weight or
         * value of a prompt: `peak` is what the run would need. The engine's model may be
         * without weights. */
        bool counting;
        bool bf16; /* the run's products with weights are in BF16 */
        size_t job; /* the job that runs, of those of hap_parallel */
        bool interrupted; /* the job failed because another one of this rank did (relay.h) */
        const struct hap_rules *rules; /* of the run's backward */
        struct hap_error error;
        float *panel; /* of hap_panel_bytes; NULL if the weights are F32 */
        /* The rest is private. */
        struct hap_scratch_block blocks[HAP_SCRATCH_BLOCKS];
        int n_blocks, current;
};

/* An empty scratch, which has no memory yet. */
void hap_scratch_init(struct hap_scratch *scratch, const struct hap_engine *engine);
void hap_scratch_release(struct hap_scratch *scratch);

/* 64-byte aligned, not zeroed; NULL when no memory can be mapped (then scratch->error is set,
 * HAP_ESYSTEM). */
void *hap_scratch_alloc(struct hap_scratch *scratch, size_t count, size_t size);

#endif
