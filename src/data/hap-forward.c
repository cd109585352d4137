/* hap-forward: runs the clean and the corrupted prompt of every example of a task, and writes
 * their outputs and logits to a cache. */

#include "common/program.h"
#include "data/chunk.h"
#include "data/inputs.h"
#include "forward/engine.h"
#include "forward/parallel.h"

struct forward_options {
        int dtype;
        bool split_input, experts;
        const char *positions;
};

static const char *const dtypes[] = {"f32", "f16", "bf16", NULL};

static const struct hap_option options[] = {
        {0, "dtype", "NAME", HAP_CHOICE, offsetof(struct forward_options, dtype),
         .help = "store the writers' outputs in this format [f32]", .choices = dtypes},
        {0, "split-input", NULL, HAP_FLAG, offsetof(struct forward_options, split_input),
         .help = "make token and position embeddings two writers, tok and pos"},
        {0, "experts", NULL, HAP_FLAG, offsetof(struct forward_options, experts),
         .help = "make each expert of a mixture a node, such as m3.e5, instead of the MLP"},
        {0, "positions", "NAMES", HAP_TEXT, offsetof(struct forward_options, positions),
         .help = "split every edge by these named positions, such as S1,S2,END; "
                 "all: by the names that every example has"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-forward",
        .summary = "run a model on the prompts of a task and store its activations",
        .operands = "[FILE ...]",
        .uses = HAP_USES_MODEL | HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM |
                HAP_USES_THREADS | HAP_USES_MEMORY | HAP_USES_LAYERS,
        .options = options,
};

/* Reads up to the first task. */
static void read_inputs(struct hap_program *p, struct hap_inputs *inputs)
{
        const struct forward_options *opt = p->options;
        const struct hap_inputs_want want = {
                .each_task = true,
                .model_path = p->model, .weights = (enum hap_weights)p->weights,
                .split_input = opt->split_input,
                .experts = opt->experts,
                .positions = opt->positions,
                .batches = hap_parallel_width(), /* memory does not grow */
                .prompts = {.ablation = &hap_zero,
                            .full_runs_only = true, .tokens_only = true},
                .memory = hap_memory_within(&hap_memory_forward, p->max_memory, (size_t)p->threads),
        };

        hap_must(p, hap_inputs_read(p->in, &want, inputs, &p->error));
}

/* One task section to one cache section; the number of its examples. */
static size_t write_cache(struct hap_program *p, struct hap_inputs *inputs)
{
        const struct forward_options *opt = p->options;
        const enum hap_dtype dtype = (enum hap_dtype)opt->dtype;
        const struct hap_engine *engine = &inputs->engine;
        struct hap_memory_estimate lengths = hap_memory_forward;
        const struct hap_prompts *prompts;
        struct hap_chunk chunk = {0};
        json_t *header = hap_program_header(p, "cache", inputs->header);
        size_t done = 0;

        hap_memory_examples(&lengths, hap_loader_examples(inputs->loader), engine->model);
        hap_must(p, hap_cache_describe(header, engine, dtype, lengths.prompts, lengths.shortest,
                                       lengths.tokens, &p->error));
        hap_must(p, hap_stream_out_begin(p->out, header, &p->error));
        while (hap_must(p, hap_inputs_next(inputs, &prompts, &p->error))) {
                hap_must(p, hap_chunk_run(&chunk, engine, prompts, &p->error));
                hap_must(p, hap_chunk_write(&chunk, engine, dtype, p->out, &p->error));
                done += chunk.n;
                hap_progress(p, done, lengths.prompts, NULL);
        }
        hap_must(p, hap_stream_out_end(p->out, &p->error));
        hap_chunk_release(&chunk);
        json_decref(header);
        return done;
}

int main(int argc, char **argv)
{
        struct forward_options opt = {0};
        struct hap_inputs inputs;
        struct hap_program p;
        size_t done = 0;

        hap_program_begin(&p, &info, argc, argv, &opt);
        read_inputs(&p, &inputs);
        do {
                done += write_cache(&p, &inputs);
        } while (hap_must(&p, hap_inputs_next_task(&inputs, &p.error)));
        hap_inputs_release(&inputs);
        return hap_program_end(&p, done, "examples");
}
