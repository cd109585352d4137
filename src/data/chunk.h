/* Examples that are run together, clean and corrupted, and the outputs and logits of both
 * runs: what hap-forward has in memory at a time. */
#ifndef HAP_DATA_CHUNK_H
#define HAP_DATA_CHUNK_H

#include "data/prompts.h"

struct hap_chunk {
        const struct hap_example *examples; /* borrowed */
        size_t n;
        float *values; /* all outputs and logits; reused by the next chunk */
        size_t capacity;                   /* numbers in values */
        struct hap_run_values *results[2]; /* clean, corrupted: [n], into values */
};

/* Runs the examples of these prompts, clean and corrupted, in the batches of the prompts, which
 * must outlive the chunk. The chunk is zeros before the first call; each call overwrites the
 * results of the previous one. */
int hap_chunk_run(struct hap_chunk *chunk, const struct hap_engine *engine,
                  const struct hap_prompts *prompts, struct hap_error *err);
/* Writes a record of the cache for each example. */
int hap_chunk_write(const struct hap_chunk *chunk, const struct hap_engine *engine,
                    enum hap_dtype dtype, struct hap_stream_out *out, struct hap_error *err);
void hap_chunk_release(struct hap_chunk *chunk);

#endif
