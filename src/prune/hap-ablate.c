/* hap-ablate: reads examples, and optionally a circuit, and learns the constants that best
 * replace the values of cut edges. */
#include <string.h>

#include "common/program.h"
#include "data/inputs.h"
#include "prune/ablate.h"

struct options {
        struct hap_ablate_options settings;
        bool split_input, experts;
};

#define FIELD(name) offsetof(struct options, name)
static const struct hap_option options[] = {
        {0, "steps", "N", HAP_INT, FIELD(settings.steps), .min = 0, .max = 1e7,
         .help = "take N steps of gradient descent; 0: keep the means [200]"},
        {0, "batch", "N", HAP_INT, FIELD(settings.batch), .min = 1, .max = 65536,
         .help = "use N prompts for each step [16]"},
        {0, "rate", "X", HAP_REAL, FIELD(settings.rate), .min = 0, .max = 100,
         .help = "set the initial learning rate, relative to the mean's size [0.1]"},
        {0, "seed", "N", HAP_INT, FIELD(settings.seed), .min = 0, .max = 1e15,
         .help = "shuffle the prompts with this seed [0]"},
        {0, "split-input", NULL, HAP_FLAG, FIELD(split_input),
         .help = "with a task: make token and position embeddings two writers"},
        {0, "experts", NULL, HAP_FLAG, FIELD(experts),
         .help = "with a task: make each expert of a mixture a node instead of the MLP"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-ablate",
        .summary = "learn the best constants to replace cut edges",
        .operands = "[FILE ...]",
        .uses = HAP_USES_MODEL | HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM |
                HAP_USES_THREADS | HAP_USES_MEMORY,
        .options = options,
        .notes = "The input contains one task or cache, and optionally a circuit, whose cut edges\n"
                 "are then replaced; without one, each node is cut off separately.",
};

struct ablating {
        struct hap_program *p;
        const struct options *opt;
        struct hap_inputs inputs;
        float *z;     /* the circuit's, or NULL */
        size_t edges; /* of the circuit, dead ones removed */
        struct hap_ablate ablate;
};

/* The examples, and the circuit's masks as hap-eval runs it. */
static void read_inputs(struct ablating *a)
{
        struct hap_program *p = a->p;
        const struct hap_inputs_want want = {
                .circuits = 1,
                .model_path = p->model, .weights = (enum hap_weights)p->weights,
                .split_input = a->opt->split_input,
                .experts = a->opt->experts,
                .prompts = {&hap_mean, .want_q = true, .want_log_p = true},
                .memory = hap_memory_within(&hap_memory_ablate, p->max_memory,
                                            (size_t)p->threads),
        };
        const struct hap_graph *graph = &a->inputs.engine.graph;
        const struct hap_prompts *prompts;

        hap_must(p, hap_inputs_read(p->in, &want, &a->inputs, &p->error));
        hap_must(p, hap_inputs_next(&a->inputs, &prompts, &p->error));
        a->z = hap_inputs_z(&a->inputs);
        if (!a->z)
                return;
        hap_graph_drop_dead(graph, a->z);
        a->edges = hap_graph_count_kept(graph, a->z);
}

static void show_step(void *context, size_t step, size_t steps, double kl)
{
        char note[32];

        snprintf(note, sizeof note, "KL %.4f", kl);
        hap_progress(context, step, steps, note);
}

static double mean_of(size_t n, const double *values)
{
        double sum = 0;

        for (size_t i = 0; i < n; i++)
                sum += values[i] / (double)n;
        return sum;
}

static void write_constants(struct ablating *a)
{
        struct hap_program *p = a->p;
        const struct hap_ablate *b = &a->ablate;
        const double before = mean_of(b->n_cases, b->kl_start), after = mean_of(b->n_cases, b->kl);
        const bool alone = !a->z;
        json_t *header = hap_program_header(p, "constants", a->inputs.header);
        json_t *settings = json_pack("{s:s, s:I, s:I, s:I, s:f, s:I, s:f, s:f}", "for",
                                alone ? "nodes" : "circuit", "examples",
                                (json_int_t)b->prompts->n, "steps", (json_int_t)a->opt->settings.steps,
                                "batch", (json_int_t)a->opt->settings.batch, "rate", a->opt->settings.rate,
                                "seed", (json_int_t)a->opt->settings.seed, "kl_mean", before, "kl",
                                after);

        if (!header || !settings)
                hap_die(p, HAP_ESYSTEM, "out of memory for constants");
        if (!alone)
                json_object_set_new(settings, "edges", json_integer((json_int_t)a->edges));
        hap_must(p, hap_inputs_describe(&a->inputs, header, &p->error));
        json_object_set_new(header, "constants", settings);
        hap_must(p, hap_constants_write(p->out, header, &b->engine->graph,
                                        b->engine->model->config.d_model, b->values,
                                        alone ? b->kl : NULL, &p->error));
        json_decref(header);
        hap_progress_clear(p);
        hap_say(p, "KL %.4f with the means, %.4f with the learned constants (%s; %.0f masked runs)",
                before, after, alone ? "the mean over nodes cut off separately" : "the circuit's",
                b->masked_kl.runs);
}

static void release_ablating(struct ablating *a)
{
        hap_ablate_release(&a->ablate);
        hap_inputs_release(&a->inputs);
}

int main(int argc, char **argv)
{
        struct options opt = {.settings = {.steps = 200, .batch = 16, .rate = 0.1}};
        struct hap_program p;
        struct ablating a = {.p = &p, .opt = &opt};
        size_t n;

        hap_program_begin(&p, &info, argc, argv, &opt);
        read_inputs(&a);
        hap_must(&p, hap_ablate_init(&a.ablate, &opt.settings, &a.inputs.engine,
                                     &a.inputs.prompts, a.z, &p.error));
        a.ablate.progress = show_step;
        a.ablate.context = &p;
        hap_must(&p, hap_ablate_run(&a.ablate, &p.error));
        write_constants(&a);
        n = (size_t)opt.settings.steps;
        release_ablating(&a);
        return hap_program_end(&p, n, "steps");
}
