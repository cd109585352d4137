/* hap-select: reads scores and writes a circuit of the edges that score best, with z = 1. */
#include <math.h>

#include "attrib/select_options.h"
#include "attrib/size_search.h"
#include "data/inputs.h"

static const struct hap_option options[] = {
        {0, "keep", "N|P%", HAP_COUNT_OR_PERCENT, offsetof(struct select_options, settings.keep),
         .help = "keep the N best edges, or P% of all edges of the graph"},
        {0, "threshold", "X", HAP_REAL, offsetof(struct select_options, settings.threshold),
         .help = "keep only edges that score at least X"},
        {0, "signed", NULL, HAP_FLAG, offsetof(struct select_options, settings.by_sign),
         .help = "rank edges by their signed scores [by magnitude]"},
        {0, "greedy", NULL, HAP_FLAG, offsetof(struct select_options, settings.greedy),
         .help = "grow from the logits: add the best edge into the selected nodes"},
        {0, "layer-quota", NULL, HAP_FLAG, offsetof(struct select_options, settings.layer_quota),
         .help = "divide the number of edges equally among the layers of readers"},
        {0, "always", "EDGE|NODE", HAP_TEXTS, offsetof(struct select_options, always),
         .help = "also keep this edge, or all edges of this node"},
        {0, "union", NULL, HAP_FLAG, offsetof(struct select_options, sets.together),
         .help = "write one circuit: the union of all selections, or of all circuits"},
        {0, "intersect", NULL, HAP_FLAG, offsetof(struct select_options, sets.intersect),
         .help = "write the edges that all circuits of the input have"},
        {0, "difference", NULL, HAP_FLAG, offsetof(struct select_options, sets.difference),
         .help = "write the edges of the first circuit that no other has"},
        {0, "at-least", "K", HAP_INT, offsetof(struct select_options, sets.at_least),
         .min = 1, .max = 1e6, .help = "write the edges that at least K circuits have"},
        {0, "nodes", NULL, HAP_FLAG, offsetof(struct select_options, sets.nodes),
         .help = "sets of circuits: compare nodes, and write the edges between those"},
        {0, "auto", NULL, HAP_FLAG, offsetof(struct select_options, search),
         .help = "find how many edges to keep; the input must also contain examples"},
        {0, "tolerance", "X", HAP_REAL, offsetof(struct select_options, tolerance),
         .help = "--auto: accept a KL to the full model up to X nats [0.1]", .min = 0, .max = 1e6},
        {0, "prompts", "N", HAP_INT, offsetof(struct select_options, prompts),
         .min = 1, .max = 1e9, .help = "--auto: measure the KL on the first N examples [32]"},
        {0, "ablation", "NAME", HAP_CHOICE, offsetof(struct select_options, ablation),
         .help = "--auto: replace the outputs of cut edges by this [interchange]",
         .choice = hap_ablation_choice},
        {0, "keep-dead", NULL, HAP_FLAG, offsetof(struct select_options, keep_dead),
         .help = "keep edges that are on no path from the input to the logits"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-select",
        .summary = "select the edges with the best scores",
        .operands = "[FILE ...]",
        .uses = HAP_USES_MODEL | HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM |
                HAP_USES_THREADS | HAP_USES_MEMORY,
        .options = options,
};

struct selecting {
        struct hap_program *p;
        struct select_options *opt;
        struct hap_inputs inputs; /* --auto */
        struct hap_selection selection;
        struct hap_size_search search;
        size_t sections;
        bool of_circuits;
};

/* Completes the circuit and writes it. */
static void write_circuit(struct selecting *s)
{
        struct hap_program *p = s->p;
        struct hap_selection *c = &s->selection;
        json_t *header;

        hap_must(p, hap_selection_finish(c, s->opt->always.items, s->opt->always.n,
                                         s->opt->keep_dead, &p->error));
        hap_must(p, hap_selection_check(c, &p->error));
        header = hap_program_header(p, "circuit", c->header);
        json_object_set_new(header, "selection",
                            s->of_circuits ? hap_algebra_describe(&s->opt->sets, c)
                                           : hap_selection_describe(c, &s->opt->settings));
        if (s->opt->search)
                json_object_set_new(json_object_get(header, "selection"), "auto",
                                    hap_size_search_describe(&s->search, s->inputs.prompts.n));
        hap_must(p, hap_circuit_write(p->out, header, &c->graph, c->z, &p->error));
        json_decref(header);
        hap_say(p, "kept %zu of %zu edges: %zu selected, %zu dead ones dropped", c->kept,
                c->graph.n_edges, c->selected, c->selected - c->kept);
        hap_selection_release(c);
}

static void select_from(struct selecting *s, const struct hap_edges *scores,
                        const struct hap_selection_options *settings)
{
        hap_must(s->p, hap_selection_add(&s->selection, scores, settings, &s->p->error));
        if (!s->opt->sets.together)
                write_circuit(s);
}

/* Without --auto: one section of scores after the other. */
static void select_from_all(struct selecting *s)
{
        struct hap_program *p = s->p;
        struct hap_edges scores;

        for (; hap_must(p, hap_edges_next(p->in, "scores", &scores, &p->error)); s->sections++) {
                select_from(s, &scores, &s->opt->settings);
                hap_edges_release(&scores);
        }
        if (s->sections == 0)
                hap_must(p, hap_stream_in_fail_missing(p->in, "scores", &p->error));
}

/* --auto: selects the number of edges that the search found, as --keep would. */
static void select_found(struct selecting *s)
{
        const struct select_options *opt = s->opt;
        struct hap_selection_options settings = opt->settings;
        struct hap_size_search *search = &s->search;
        struct hap_inputs *inputs = &s->inputs;
        const struct hap_prompts *prompts;
        struct hap_program *p = s->p;
        struct hap_edges *scores;
        char result[256];

        hap_must(p, hap_inputs_read(p->in, &(struct hap_inputs_want){
                .scores = 1, .need_scores = true, .model_path = p->model,
                .weights = (enum hap_weights)p->weights, .must_differ = true,
                .prompts = {hap_ablations[opt->ablation], .want_q = true, .want_log_p = true,
                            .limit = (size_t)opt->prompts},
                .memory = hap_memory_within(&hap_memory_select, p->max_memory, (size_t)p->threads),
        }, inputs, &p->error));
        hap_must(p, hap_inputs_next(inputs, &prompts, &p->error));
        scores = inputs->scores.items;
        hap_header_join(scores->header, inputs->header);
        *search = (struct hap_size_search){
                .tolerance = opt->tolerance, .ablation = hap_ablations[opt->ablation],
                .keep_dead = opt->keep_dead, .always = opt->always.items,
                .n_always = opt->always.n};
        hap_must(p, hap_size_search_run(search, &inputs->engine, prompts, scores, &settings,
                                         &p->error));
        hap_size_search_summary(search, prompts->n, result, sizeof result);
        hap_say(p, "%s", result);
        settings.keep = (struct hap_count_or_percent){.given = true, .value = (double)search->n};
        select_from(s, scores, &settings);
        s->sections = 1;
        hap_inputs_release(inputs);
}

static void select_set(struct selecting *s)
{
        hap_must(s->p, hap_algebra_run(s->p->in, &s->opt->sets, &s->selection, &s->p->error));
        s->sections = s->selection.sections;
}

int main(int argc, char **argv)
{
        struct select_options opt = {.settings.threshold = -INFINITY, .tolerance = -1, .ablation = -1};
        struct hap_program p;
        struct selecting s = {.p = &p, .opt = &opt};

        hap_program_begin(&p, &info, argc, argv, &opt);
        hap_select_check_options(&p, &opt);
        s.of_circuits = hap_algebra_asked(&opt.sets) && !hap_selects_scores(&opt);
        if (s.of_circuits)
                select_set(&s);
        else if (opt.search)
                select_found(&s);
        else
                select_from_all(&s);
        if (opt.sets.together || s.of_circuits)
                write_circuit(&s);
        return hap_program_end(&p, s.sections, s.of_circuits ? "circuits" : "sections of scores");
}
