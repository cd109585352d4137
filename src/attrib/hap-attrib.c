/* hap-attrib: reads the examples of a task or a cache and writes a score for every edge. */
#include <string.h>

#include "attrib/attrib_out.h"
#include "attrib/example_scores.h"
#include "attrib/merge.h"
#include "attrib/request.h"
#include "common/mpi_layers.h"
#include "common/program.h"
#include "data/inputs.h"
#include "data/shard.h"
#include "forward/bf16.h"
#include "forward/parallel.h"

static const char *const dtypes[] = {"f32", "f16", NULL};
static const char *const precision_names[] = {"f32", "bf16", NULL}; /* as enum hap_precision */

static const struct hap_option options[] = {
        {0, "method", "NAME", HAP_CHOICE, offsetof(struct hap_attrib_request, method),
         .help = "score the edges by this method [eap]", .choice = hap_method_choice},
        {0, "metric", "NAME", HAP_CHOICE, offsetof(struct hap_attrib_request, metric),
         .help = "measure the effect by this metric [logit-diff]",
         .choice = hap_metric_gradient_choice},
        {0, "steps", "K", HAP_INT, offsetof(struct hap_attrib_request, steps),
         .help = "take K steps from corrupted to clean [5], or K samples of masks [20]", .min = 1,
         .max = 10000},
        {0, "ablation", "NAME", HAP_CHOICE, offsetof(struct hap_attrib_request, ablation),
         .help = "replace the outputs of ablated edges by this [interchange]",
         .choice = hap_ablation_choice},
        {0, "precision", "NAME", HAP_CHOICE, offsetof(struct hap_attrib_request, precision),
         .choices = precision_names,
         .help = "multiply by weights in this precision; scores of bf16 are rounded [f32]"},
        {0, "open", "P%", HAP_PERCENT, offsetof(struct hap_attrib_request, open),
         .help = "ugs: an edge is open with this probability [50%]"},
        {0, "seed", "N", HAP_INT, offsetof(struct hap_attrib_request, seed),
         .help = "ugs: draw the masks with this seed [0]", .min = 0, .max = 9007199254740991},
        {0, "prompts", "N", HAP_INT, offsetof(struct hap_attrib_request, prompts), .min = 1,
         .max = 1e9, .help = "score the first N examples [all]"},
        {0, "nodes", NULL, HAP_FLAG, offsetof(struct hap_attrib_request, nodes),
         .help = "score heads, MLPs and the input instead of edges"},
        {0, "per-example", NULL, HAP_FLAG, offsetof(struct hap_attrib_request, per_example),
         .help = "also write the scores of every single example"},
        {0, "dtype", "NAME", HAP_CHOICE, offsetof(struct hap_attrib_request, dtype),
         .help = "store the scores of single examples in this format [f32]", .choices = dtypes},
        {0, "merge", "HOW", HAP_CHOICE, offsetof(struct hap_attrib_request, merge),
         .choice = hap_merge_choice,
         .help = "read scores instead of examples, and write one set of scores from all"},
        {0, "split-input", NULL, HAP_FLAG, offsetof(struct hap_attrib_request, split_input),
         .help = "with a task: make token and position embeddings two writers"},
        {0, "experts", NULL, HAP_FLAG, offsetof(struct hap_attrib_request, experts),
         .help = "with a task: make each expert of a mixture a node instead of the MLP"},
        {0, "positions", "NAMES", HAP_TEXT, offsetof(struct hap_attrib_request, positions),
         .help = "with a task: split every edge by these named positions, or all"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-attrib",
        .summary = "score every edge of a model",
        .operands = "[FILE ...]",
        .uses = HAP_USES_MODEL | HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM |
                HAP_USES_THREADS | HAP_USES_MEMORY | HAP_USES_LAYERS,
        .options = options,
        .notes = "The input contains one task or cache; for a task the model is run first.\n"
                 "mask-gradient also reads a circuit; without one every mask is 1.\n"
                 "growth reads a circuit to cut.\n"
                 "With --merge the input contains scores, and no model is needed.",
};

struct attribution {
        struct hap_program *p;
        const struct hap_attrib_request *opt;
        struct hap_inputs inputs;
        struct hap_attrib attrib;
        struct hap_example_scores_out each;
};

static void show_removals(void *context, size_t done, size_t total)
{
        hap_progress(context, done, total, "edges removed");
}

static int keep_example(void *context, const struct hap_example *example, const double *scores,
                        struct hap_error *err)
{
        return hap_example_scores_add(context, example->id, scores, err);
}

static void score_examples(struct attribution *a)
{
        const struct hap_attrib_options settings =
                hap_attrib_request_options(a->opt, hap_inputs_z(&a->inputs));
        const size_t total = hap_inputs_total(&a->inputs);
        const struct hap_prompts *prompts;
        struct hap_shard shard;

        hap_must(a->p, hap_shard_of_header(a->inputs.header, &shard, &a->p->error));
        hap_must(a->p, hap_attrib_init(&a->attrib, &a->inputs.engine, &settings, &a->p->error));
        a->attrib.first = shard.first;
        a->attrib.progress = show_removals;
        a->attrib.context = a->p;
        if (a->opt->per_example) {
                hap_must(a->p, hap_example_scores_begin(&a->each, a->attrib.n_scores,
                                                        &a->p->error));
                a->attrib.each = keep_example;
                a->attrib.each_context = &a->each;
        }
        while (hap_must(a->p, hap_inputs_next(&a->inputs, &prompts, &a->p->error))) {
                hap_must(a->p, hap_attrib_add(&a->attrib, prompts, &a->p->error));
                hap_progress(a->p, a->attrib.n, total, NULL);
        }
}

static json_t *scores_header(struct attribution *a, const char *kind)
{
        json_t *header = hap_program_header(a->p, kind, a->inputs.header);

        hap_must(a->p, hap_inputs_describe(&a->inputs, header, &a->p->error));
        if (json_object_set_new(header, "method", hap_attrib_describe(&a->attrib.options)) < 0)
                hap_die(a->p, HAP_ESYSTEM, "out of memory for scores");
        return header;
}

static void write_scores(struct attribution *a)
{
        json_t *header = scores_header(a, hap_attrib_kind(&a->attrib.options));

        hap_must(a->p, hap_attrib_write(&a->attrib, a->p->out, header, &a->p->error));
        json_decref(header);
        if (!a->opt->per_example)
                return;
        header = scores_header(a, "example-scores");
        hap_must(a->p, hap_example_scores_write(&a->each, a->p->out, header,
                                                &a->inputs.engine.graph,
                                                a->opt->dtype > 0 ? HAP_F16 : HAP_F32,
                                                &a->p->error));
        json_decref(header);
        hap_example_scores_end(&a->each);
}

/* --merge: the number of sections. */
static size_t merge_sections(struct hap_program *p, int how)
{
        struct hap_merged merged = {.how = hap_merges[how]};
        json_t *header;
        size_t n;

        hap_must(p, hap_merged_read(p->in, &merged, &p->error));
        header = hap_program_header(p, "scores", merged.scores.header);
        hap_must(p, hap_scores_write(p->out, header, &merged.scores.graph, merged.scores.score,
                                     merged.scores.given, &p->error));
        json_decref(header);
        n = merged.n;
        hap_merged_release(&merged);
        return n;
}

/* The number of examples. */
static size_t attribute(struct hap_program *p, const struct hap_attrib_request *opt)
{
        struct attribution a = {.p = p, .opt = opt};
        const struct hap_attrib_options settings = hap_attrib_request_options(opt, NULL);
        size_t done;

        if (hap_mpi_layers_divided() && settings.method->whole_model)
                hap_die(p, HAP_EUSAGE, "--method %s does not run with --layers-over-ranks",
                        settings.method->name);
        hap_must(p, hap_inputs_read(p->in, &(struct hap_inputs_want){
                .circuits = settings.method->needs & (HAP_NEEDS_CIRCUIT | HAP_NEEDS_CUT_CIRCUIT)
                                    ? 1 : 0,
                .need_circuits = settings.method->needs & HAP_NEEDS_CUT_CIRCUIT,
                .model_path = p->model, .weights = (enum hap_weights)p->weights,
                .split_input = opt->split_input, .experts = opt->experts, .positions = opt->positions,
                .must_differ = !(settings.method->needs & HAP_NEEDS_NO_LOSS),
                .batches = hap_parallel_width(), /* memory does not grow */
                .prompts = hap_attrib_prompts(&settings),
                .memory = hap_attrib_memory(&settings, p->max_memory, (size_t)p->threads),
        }, &a.inputs, &p->error));
        if (settings.bf16)
                hap_must(p, hap_engine_use_bf16(&a.inputs.engine, &p->error));
        score_examples(&a);
        write_scores(&a);
        done = a.attrib.n;
        hap_attrib_release(&a.attrib);
        hap_inputs_release(&a.inputs);
        return done;
}

int main(int argc, char **argv)
{
        struct hap_attrib_request opt = hap_attrib_request_none;
        struct hap_program p;

        hap_program_begin(&p, &info, argc, argv, &opt);
        hap_must(&p, hap_attrib_request_check(&opt, &p.error));
        if (opt.merge >= 0)
                return hap_program_end(&p, merge_sections(&p, opt.merge), "sections of scores");
        return hap_program_end(&p, attribute(&p, &opt), "examples");
}
