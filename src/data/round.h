/* Examples that are run together, clean and corrupted, and what their runs leave. */
#ifndef HAP_DATA_ROUND_H
#define HAP_DATA_ROUND_H

#include "data/batches.h"
#include "data/cache.h"

struct hap_round {
        const struct hap_example *examples; /* borrowed */
        size_t n;
        float *values; /* of all outputs and logits; kept from round to round */
        size_t room;   /* numbers in values */
        struct hap_run_values *left[2]; /* clean, corrupted: [n], into values */
};

/* Takes the first examples of the n given, as many as fill a batch for each of the
 * threads, and runs them. Zeros are a round that was not run yet; each call
 * overwrites what the one before left. */
int hap_round_run(struct hap_round *round, const struct hap_engine *engine,
                  const struct hap_example *examples, size_t n, size_t threads,
                  struct hap_error *err);
/* A record of the cache for each example. */
int hap_round_write(const struct hap_round *round, const struct hap_engine *engine,
                    enum hap_dtype dtype, struct hap_stream_out *out, struct hap_error *err);
void hap_round_release(struct hap_round *round);

#endif
