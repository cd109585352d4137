#include "prune/input.h"

#include "prune/precision.h"

/* Each prompt of a step, or of a round, has its own masks. */
static struct hap_memory_estimate needs_of(const struct hap_prune_options *options)
{
        struct hap_memory_estimate needs = hap_memory_within(&hap_memory_prune, options->max_memory,
                                                  options->threads);
        const bool refines = options->refine_on > 0 &&
                             (options->rounds != 0 || options->steps == 0);

        needs.bf16 = hap_prune_wants_bf16(options);
        needs.group = (size_t)options->batch;
        if (refines)
                needs.group = hap_max(needs.group, (size_t)options->refine_on);
        return needs;
}

int hap_prune_read(struct hap_inputs *inputs, const struct hap_prompts **prompts,
                   struct hap_stream_in *in, const char *model_path,
                   const struct hap_prune_options *options, struct hap_error *err)
{
        const struct hap_inputs_want want = {
                .circuits = 1,
                .scores = 1,
                .model_path = model_path,
                .weights = (enum hap_weights)options->weights,
                .must_differ = true,
                .prompts = {.ablation = hap_ablations[options->ablation], .want_q = true,
                            .want_log_p = true, .dtype = (enum hap_dtype)options->cache_dtype},
                .memory = needs_of(options),
        };
        int rc = hap_inputs_read(in, &want, inputs, err);

        if (rc < 0)
                return rc;
        if (options->recipe->needs_subgraph && !inputs->circuits.n)
                rc = hap_fail(err, HAP_EUSAGE, "recipe '%s' prunes within a subgraph: give a "
                                               "circuit too (hap-select)", options->recipe->name);
        else
                rc = hap_inputs_next(inputs, prompts, err);
        if (rc < 0)
                hap_inputs_release(inputs);
        return rc;
}
