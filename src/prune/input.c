#include "prune/input.h"

#include "prune/precision.h"

/* Each prompt of a step, or of a round, has its own masks. */
static struct hap_memory_estimate needs_of(const struct hap_prune_options *options)
{
        struct hap_memory_estimate needs = hap_memory_within(&hap_memory_prune, options->max_memory,
                                                  options->threads);
        const bool refines = options->refine_on != 0 &&
                             (options->rounds != 0 || options->steps == 0);
        /* negative: open until the number of edges is known */
        const int64_t of_a_round = options->refine_on > 0 ? options->refine_on : HAP_PRUNE_ROUND;

        needs.bf16 = hap_prune_wants_bf16(options);
        needs.group = (size_t)options->batch;
        if (refines)
                needs.group = hap_max(needs.group, (size_t)of_a_round);
        return needs;
}

static enum hap_dtype dtype_of(const struct hap_prune_options *options)
{
        return options->cache_dtype < HAP_CACHE_NONE ? (enum hap_dtype)options->cache_dtype : HAP_F32;
}

static enum hap_outputs outputs_of(const struct hap_prune_options *options)
{
        if (options->cache_dtype == HAP_CACHE_NONE)
                return HAP_OUTPUTS_REMADE;
        return options->cache_dtype == HAP_CACHE_AUTO ? HAP_OUTPUTS_KEPT_IF_THEY_FIT
                                                      : HAP_OUTPUTS_KEPT;
}

int hap_prune_read(struct hap_inputs *inputs, const struct hap_prompts **prompts,
                   struct hap_stream_in *in, const char *model_path,
                   struct hap_prune_options *options, struct hap_error *err)
{
        const struct hap_inputs_want want = {
                .circuits = 1,
                .scores = 1,
                .model_path = model_path,
                .weights = (enum hap_weights)options->weights,
                .must_differ = true,
                .prompts = {.ablation = hap_ablations[options->ablation], .want_q = true,
                            .want_log_p = true, .dtype = dtype_of(options),
                            .outputs = outputs_of(options)},
                .memory = needs_of(options),
        };
        int rc = hap_inputs_read(in, &want, inputs, err);

        if (rc < 0)
                return rc;
        if (options->cache_dtype == HAP_CACHE_AUTO)
                options->cache_dtype = inputs->want.prompts.outputs == HAP_OUTPUTS_REMADE
                                               ? HAP_CACHE_NONE : HAP_F32;
        if (options->recipe->needs_subgraph && !inputs->circuits.n)
                rc = hap_fail(err, HAP_EUSAGE, "recipe '%s' prunes within a subgraph: give a "
                                               "circuit too (hap-select)", options->recipe->name);
        else
                rc = hap_inputs_next(inputs, prompts, err);
        if (rc < 0)
                hap_inputs_release(inputs);
        return rc;
}
