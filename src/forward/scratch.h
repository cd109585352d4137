/* Scratch memory of one thread: reserved once, handed out in order. */
#ifndef HAP_FORWARD_SCRATCH_H
#define HAP_FORWARD_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "forward/engine.h"

/* To give memory back, set `used` to an earlier value. */
struct hap_scratch {
        const struct hap_engine *engine;
        char *base;
        size_t size, used, peak; /* bytes */
        /* Runs make their plan and their allocations, but touch no tensor, weight or
         * value of a prompt: `peak` is what the run would need. */
        bool counting;
        struct hap_error error;
};
int hap_scratch_init(struct hap_scratch *scratch, const struct hap_engine *engine,
                     size_t bytes, struct hap_error *err);
/* For counting. The engine's model may be without weights. HAP_ESYSTEM: the address space
 * is limited. */
int hap_scratch_init_counting(struct hap_scratch *scratch, const struct hap_engine *engine,
                              struct hap_error *err);
void hap_scratch_release(struct hap_scratch *scratch);
/* 64-byte aligned, not zeroed; NULL when the reservation is used up (then
 * scratch->error is set). */
void *hap_scratch_alloc(struct hap_scratch *scratch, size_t count, size_t size);

/* An upper bound of the scratch bytes that runs of a batch with `rows` rows of
 * at most `longest` tokens need; `gradients`: with backward. */
size_t hap_scratch_bytes(const struct hap_engine *engine, size_t rows, size_t longest,
                      size_t answers, bool masked, bool gradients);

#endif
