#include "data/inputs_memory.h"

#include "common/mpi.h"
#include "common/mpi_layers.h"

bool hap_inputs_count_prompts(struct hap_inputs *inputs)
{
        struct hap_memory_estimate *memory = &inputs->memory;
        const json_t *header = inputs->header;

        if (inputs->loader) {
                hap_memory_examples(memory, hap_loader_examples(inputs->loader), &inputs->model);
        } else {
                const json_int_t n = json_integer_value(json_object_get(header, "examples"));
                const json_int_t longest = json_integer_value(json_object_get(header, "tokens"));
                const json_int_t shortest =
                        json_integer_value(json_object_get(header, "shortest"));
                const char *dtype = json_string_value(json_object_get(header, "dtype"));

                memory->prompts = n > 0 ? (size_t)n : 0;
                memory->tokens = longest > 0 && longest < INT32_MAX ? (size_t)longest : 0;
                if (shortest > 0 && shortest <= longest)
                        memory->tokens = (size_t)shortest;
                memory->rows = 1;
                memory->at_least = true;
                memory->source = HAP_COUNTERFACTUALS_MAPPED;
                if (!dtype || hap_dtype_of(dtype, &memory->dtype) < 0)
                        memory->dtype = HAP_F32;
        }
        return memory->prompts > 0 && memory->tokens > 0;
}

/* Ranks that hold different layers must do the same. */
static int all_fit(bool *fit, struct hap_error *err)
{
        int64_t least = *fit;
        const int rc = hap_mpi_least(&least, err);

        *fit = least != 0;
        return rc;
}

/* Whether all that is needed with the outputs kept fits. */
static int outputs_fit(const struct hap_inputs *inputs, bool *fit, struct hap_error *err)
{
        struct hap_memory_estimate memory = inputs->memory;
        struct hap_graph graph;
        int rc;

        memory.options.outputs = HAP_OUTPUTS_KEPT;
        hap_memory_examples(&memory, hap_loader_examples(inputs->loader), &inputs->model);
        rc = hap_graph_of_model(&graph, &inputs->model.config, &inputs->form, err);
        if (rc == 0)
                *fit = hap_memory_bytes(&memory, &inputs->model, &graph) <=
                       (memory.max_bytes ? memory.max_bytes : hap_mpi_memory() / 2);
        hap_graph_release(&graph);
        return rc < 0 || !hap_mpi_layers_divided() ? rc : all_fit(fit, err);
}

int hap_inputs_settle_outputs(struct hap_inputs *inputs, struct hap_error *err)
{
        struct hap_prompts_options *options = &inputs->want.prompts;
        const bool task = inputs->loader && hap_loader_examples(inputs->loader)->n > 0;
        const bool per_prompt = options->ablation->per_prompt;
        bool fit = true;

        if (options->outputs == HAP_OUTPUTS_KEPT)
                return HAP_OK;
        if (options->outputs == HAP_OUTPUTS_REMADE && per_prompt && !task)
                return hap_fail(err, HAP_EUSAGE, "cannot make outputs of corrupted runs again: "
                                "'%s' is a cache, which contains them; give the task instead",
                                inputs->name);
        if (options->outputs == HAP_OUTPUTS_KEPT_IF_THEY_FIT && per_prompt && task &&
            inputs->memory.batches == 0 && outputs_fit(inputs, &fit, err) < 0)
                return err->code;
        if (options->outputs == HAP_OUTPUTS_KEPT_IF_THEY_FIT)
                options->outputs = fit ? HAP_OUTPUTS_KEPT : HAP_OUTPUTS_REMADE;
        inputs->memory.options.outputs = options->outputs;
        if (inputs->loader)
                hap_loader_set_outputs(inputs->loader, options->outputs);
        return HAP_OK;
}

int hap_inputs_check_memory(const struct hap_inputs *inputs, struct hap_error *err)
{
        const struct hap_examples *examples = hap_loader_examples(inputs->loader);
        struct hap_memory_estimate memory = inputs->memory;

        memory.at_least = false;
        if (examples->n)
                hap_memory_examples(&memory, examples, &inputs->model);
        else
                hap_memory_prompts(&memory, &inputs->prompts, &inputs->model);
        if (memory.prompts == 0)
                return HAP_OK;
        return hap_memory_check(&memory, &inputs->model, &inputs->engine.graph, err);
}
