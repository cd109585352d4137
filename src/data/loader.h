/* The prompts of one section, a task or a cache, a few batches at a time, so that memory
 * does not grow with their number. Programs use data/inputs.h. */
#ifndef HAP_DATA_LOADER_H
#define HAP_DATA_LOADER_H

#include "data/memory_estimate.h"
#include "data/prompts.h"

struct hap_loader;

/* Opens the stream's current section. A task is read at once (its examples are only
 * tokens), and so is a cache unless the ablation is interchange. Under interchange a cache
 * is read by hap_loader_next, and no other section can be read before that returns 0.
 * `estimate`: the memory limit, checked for every record of a cache, or NULL. `model` and
 * `estimate` are borrowed until the loader is closed. HAP_EINPUT: another model's section, no
 * examples, an example that does not fit the model. */
int hap_loader_open(struct hap_loader **loader, struct hap_stream_in *in, const json_t *header,
                    const struct hap_model *model, const struct hap_prompts_options *options,
                    const struct hap_memory_estimate *estimate, struct hap_error *err);
void hap_loader_close(struct hap_loader *loader); /* NULL is allowed */

/* The constants of optimal ablation: values, [n_writers][d_model], must outlive the
 * prompts. */
void hap_loader_set_constants(struct hap_loader *loader, const float *values);

/* How hap_loader_next holds the outputs of a task's corrupted runs from now on. */
void hap_loader_set_outputs(struct hap_loader *loader, enum hap_outputs outputs);

/* The next prompts, at most `n_batches` batches of them (0: all that are left): 1, or 0
 * when there are no more (then nothing is to be released), or a negative code. The engine
 * is the same in every call. The prompts must be released before the loader is closed.
 * Under mean ablation the first call runs all examples for their means. With a mapped cache
 * the counterfactuals stay in the file, unless they are stored in another dtype: the stream
 * must outlive the prompts. */
int hap_loader_next(struct hap_loader *loader, const struct hap_engine *engine,
                    size_t n_batches, struct hap_prompts *prompts, struct hap_error *err);

/* The examples that have been read at once; none of a cache that is read in parts. They
 * belong to the loader. */
const struct hap_examples *hap_loader_examples(const struct hap_loader *loader);
/* All examples of the section; 0: unknown before the end. */
size_t hap_loader_total(const struct hap_loader *loader);

#endif
