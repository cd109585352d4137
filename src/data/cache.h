/* Cache streams: the outputs and logits of each example's clean and corrupted run.
 *
 * Header: "model", "graph" (its writers give the order of the outputs),
 * "dtype" of the outputs, "examples", and the fields of the task's header. A record
 * is one example:
 *
 *      "id"                text
 *      "clean", "corrupted" token ids, of the same length
 *      "answers", "wrongs" token ids, or lists of them
 *      "at"                answer positions, ascending without a gap
 *      "positions"         if the graph has positions: where they are
 *      "clean_outputs", "corrupted_outputs"
 *                          tensors [writers][tokens][d_model] of the header's dtype
 *      "clean_logits", "corrupted_logits"
 *                          tensors [answer positions][logits], always f32 */
#ifndef HAP_DATA_CACHE_H
#define HAP_DATA_CACHE_H

#include "common/stream.h"
#include "forward/engine.h"
#include "task/example.h"

/* The tensors of a run, clean or corrupted. */
struct hap_cached_run {
        struct hap_tensor outputs, logits;
};

struct hap_cache_record {
        struct hap_example example;
        struct hap_cached_run clean, corrupted; /* point into the record */
};

/* Adds "model", "graph", "dtype", "examples", and "tokens" of the longest and of the
 * "shortest" prompt to the header. */
int hap_cache_describe(json_t *header, const struct hap_engine *engine,
                       enum hap_dtype dtype, size_t n_examples, size_t shortest,
                       size_t longest, struct hap_error *err);
/* Removes the fields that describe the cache itself: the header of a stream made from it must
 * not have them. */
void hap_cache_undescribe(json_t *header);
/* HAP_EINPUT unless the section is a cache of this engine's model and graph. */
int hap_cache_check(struct hap_stream_in *in, const json_t *header,
                    const struct hap_engine *engine, struct hap_error *err);

/* Reads only the example of a cache's record; its memory belongs to the arena. */
int hap_cache_example(struct hap_stream_in *in, const msgpack_object *object,
                      const struct hap_model *model, struct hap_arena *arena,
                      struct hap_example *example, struct hap_error *err);
/* Reads the whole record and checks the shapes of its tensors. HAP_EINPUT: a field is missing
 * or does not fit the model or the graph. */
int hap_cache_read(struct hap_stream_in *in, const msgpack_object *object,
                   const struct hap_engine *engine, struct hap_arena *arena,
                   struct hap_cache_record *record, struct hap_error *err);

/* The results of a run, in f32 (see above for the shapes). */
struct hap_run_values {
        const float *outputs, *logits;
};
int hap_cache_write(struct hap_stream_out *out, const struct hap_engine *engine,
                    enum hap_dtype dtype, const struct hap_example *example,
                    const struct hap_run_values *clean,
                    const struct hap_run_values *corrupted, struct hap_error *err);

#endif
