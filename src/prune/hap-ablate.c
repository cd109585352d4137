/* hap-ablate: examples, and a circuit, to the constants that cut edges are best
 * given. */
#include <string.h>

#include "common/program.h"
#include "data/session.h"
#include "graph/edges.h"
#include "prune/ablate.h"

struct options {
        struct hap_ablate_options how;
        bool split_input;
};

#define FIELD(name) offsetof(struct options, name)
static const struct hap_option options[] = {
        {0, "steps", "N", HAP_INT, FIELD(how.steps), .min = 0, .max = 1e7,
         .help = "take N steps of gradient descent; 0: keep the means [200]"},
        {0, "batch", "N", HAP_INT, FIELD(how.batch), .min = 1, .max = 65536,
         .help = "use N prompts for each step [16]"},
        {0, "rate", "X", HAP_REAL, FIELD(how.rate), .min = 0, .max = 100,
         .help = "set the initial learning rate, relative to the mean's size [0.1]"},
        {0, "seed", "N", HAP_INT, FIELD(how.seed), .min = 0, .max = 1e15,
         .help = "shuffle the prompts with this seed [0]"},
        {0, "split-input", NULL, HAP_FLAG, FIELD(split_input),
         .help = "with a task: make token and position embeddings two writers"},
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
        struct hap_session session;
        struct hap_edges circuit; /* header NULL: none */
        size_t edges;             /* of it, dead ones removed */
        struct hap_ablate ablate;
};

static void read_circuit(struct ablating *a, const json_t *header)
{
        if (a->circuit.header)
                hap_die(a->p, HAP_EINPUT, "cannot use '%s': there is a circuit in '%s' already",
                        hap_stream_in_name(a->p->in), a->circuit.name);
        hap_must(a->p, hap_edges_read(a->p->in, header, &a->circuit, &a->p->error));
        hap_graph_form_join(&a->session.form, &a->circuit.graph);
}

static void read_all(struct ablating *a)
{
        struct hap_program *p = a->p;
        const struct hap_prompts *prompts;
        json_t *header;

        while (hap_must(p, hap_stream_in_section(p->in, &header, &p->error))) {
                if (hap_session_wants(header))
                        hap_must(p, hap_session_take(&a->session, p->in, header, &p->error));
                else if (strcmp(json_string_value(json_object_get(header, "kind")), "circuit") == 0)
                        read_circuit(a, header);
        }
        if (!a->session.header)
                hap_die(p, HAP_EINPUT, "there is neither a task nor a cache in the "
                        "input: it holds %s", hap_stream_in_held(p->in));
        hap_must(p, hap_session_next(&a->session, 0, &prompts, &p->error));
}

/* The circuit's masks, as hap-eval runs it. */
static void take_circuit(struct ablating *a)
{
        const struct hap_graph *graph = &a->session.engine.graph;

        if (!a->circuit.header)
                return;
        hap_must(a->p, hap_session_join(&a->session, a->circuit.header, &a->circuit.graph,
                                        a->circuit.name, &a->p->error));
        hap_graph_drop_dead(graph, a->circuit.z);
        a->edges = hap_graph_count_kept(graph, a->circuit.z);
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
        const bool alone = !a->circuit.header;
        json_t *header = hap_program_header(p, "constants", a->session.header);
        json_t *how = json_pack("{s:s, s:I, s:I, s:I, s:f, s:I, s:f, s:f}", "for",
                                alone ? "nodes" : "circuit", "examples",
                                (json_int_t)b->prompts->n, "steps", (json_int_t)a->opt->how.steps,
                                "batch", (json_int_t)a->opt->how.batch, "rate", a->opt->how.rate,
                                "seed", (json_int_t)a->opt->how.seed, "kl_mean", before, "kl",
                                after);

        if (!header || !how)
                hap_die(p, HAP_ESYSTEM, "out of memory for constants");
        if (!alone)
                json_object_set_new(how, "edges", json_integer((json_int_t)a->edges));
        hap_must(p, hap_session_describe(&a->session, header, &p->error));
        json_object_set_new(header, "constants", how);
        hap_must(p, hap_constants_write(p->out, header, &b->engine->graph,
                                        b->engine->model->config.d_model, b->values,
                                        alone ? b->kl : NULL, &p->error));
        json_decref(header);
        hap_progress_clear(p);
        hap_say(p, "KL %.4f with the means, %.4f with what was learned (%s; %.0f masked runs)",
                before, after, alone ? "the mean over nodes cut off alone" : "the circuit's",
                b->measure.runs);
}

static void release(struct ablating *a)
{
        hap_ablate_release(&a->ablate);
        hap_edges_release(&a->circuit);
        hap_session_release(&a->session);
}

int main(int argc, char **argv)
{
        struct options opt = {.how = {.steps = 200, .batch = 16, .rate = 0.1}};
        struct hap_program p;
        struct ablating a = {.p = &p, .opt = &opt};
        size_t n;

        hap_program_begin(&p, &info, argc, argv, &opt);
        a.session = (struct hap_session){
                .model_path = p.model,
                .split_input = opt.split_input,
                .hold = true, /* a circuit may follow */
                .options = {HAP_MEAN, .want_q = true, .want_log_p = true},
                .needs = hap_memory_within(&hap_memory_ablate, p.max_memory, (size_t)p.threads),
        };
        read_all(&a);
        take_circuit(&a);
        hap_must(&p, hap_ablate_init(&a.ablate, &opt.how, &a.session.engine, &a.session.prompts,
                                     a.circuit.z, &p.error));
        a.ablate.progress = show_step;
        a.ablate.context = &p;
        hap_must(&p, hap_ablate_run(&a.ablate, &p.error));
        write_constants(&a);
        n = (size_t)opt.how.steps;
        release(&a);
        return hap_program_end(&p, n, "steps");
}
