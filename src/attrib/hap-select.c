/* hap-select: reads scores and writes a circuit of the edges that score best, with z = 1. */
#include "attrib/confidence.h"
#include "attrib/select_request.h"
#include "attrib/size_search.h"
#include "data/inputs.h"

static const struct hap_option options[] = {
        {0, "keep", "N|P%", HAP_COUNT_OR_PERCENT, offsetof(struct hap_select_request, settings.keep),
         .help = "keep the N best edges, or P% of all edges of the graph"},
        {0, "threshold", "X", HAP_REAL, offsetof(struct hap_select_request, settings.threshold),
         .help = "keep only edges that score at least X"},
        {0, "nodes", NULL, HAP_FLAG, offsetof(struct hap_select_request, settings.nodes),
         .help = "select heads and MLPs, N or P% of them, with all edges between them; of circuits: "
                 "compare them"},
        {0, "signed", NULL, HAP_FLAG, offsetof(struct hap_select_request, settings.by_sign),
         .help = "rank edges by their signed scores [by magnitude]"},
        {0, "pnr", "X", HAP_REAL, offsetof(struct hap_select_request, settings.positive_share),
         .help = "take this share by the largest positive scores, the rest by magnitude [0]",
         .min = 0, .max = 1},
        {0, "bootstrap", "N", HAP_INT, offsetof(struct hap_select_request, bootstrap),
         .help = "read scores of single examples; keep edges whose interval over N resamples "
                 "excludes 0", .min = 2, .max = 1e6},
        {0, "confidence", "P%", HAP_PERCENT, offsetof(struct hap_select_request, confidence),
         .help = "--bootstrap: the level of the intervals [95%]"},
        {0, "greedy", NULL, HAP_FLAG, offsetof(struct hap_select_request, settings.greedy),
         .help = "grow from the logits: add the best edge into the selected nodes"},
        {0, "layer-quota", NULL, HAP_FLAG, offsetof(struct hap_select_request, settings.layer_quota),
         .help = "divide the number of edges equally among the layers of readers"},
        {0, "always", "EDGE|NODE", HAP_TEXTS, offsetof(struct hap_select_request, always),
         .help = "also keep this edge, or all edges of this node"},
        {0, "union", NULL, HAP_FLAG, offsetof(struct hap_select_request, sets.together),
         .help = "write one circuit: the union of all selections, or of all circuits"},
        {0, "intersect", NULL, HAP_FLAG, offsetof(struct hap_select_request, sets.intersect),
         .help = "write the edges that all circuits of the input have"},
        {0, "difference", NULL, HAP_FLAG, offsetof(struct hap_select_request, sets.difference),
         .help = "write the edges of the first circuit that no other has"},
        {0, "at-least", "K", HAP_INT, offsetof(struct hap_select_request, sets.at_least),
         .min = 1, .max = 1e6, .help = "write the edges that at least K circuits have"},
        {0, "auto", NULL, HAP_FLAG, offsetof(struct hap_select_request, search),
         .help = "find how many edges to keep; the input must also contain examples"},
        {0, "tolerance", "X", HAP_REAL, offsetof(struct hap_select_request, tolerance),
         .help = "--auto: accept a KL to the full model up to X nats [0.1]", .min = 0, .max = 1e6},
        {0, "prompts", "N", HAP_INT, offsetof(struct hap_select_request, prompts),
         .min = 1, .max = 1e9, .help = "--auto: measure the KL on the first N examples [32]"},
        {0, "ablation", "NAME", HAP_CHOICE, offsetof(struct hap_select_request, ablation),
         .help = "--auto: replace the outputs of cut edges by this [interchange]",
         .choice = hap_ablation_choice},
        {0, "keep-dead", NULL, HAP_FLAG, offsetof(struct hap_select_request, keep_dead),
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
        struct hap_select_request *opt;
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
        if (json_object_set_new(header, "selection",
                                hap_select_request_describe(s->opt, c, s->of_circuits)) < 0)
                hap_die(p, HAP_ESYSTEM, "out of memory for the circuit");
        if (s->opt->search)
                json_object_set_new(json_object_get(header, "selection"), "auto",
                                    hap_size_search_describe(&s->search, s->inputs.prompts.n));
        hap_must(p, hap_selection_write(c, &s->opt->settings, header, p->out, &p->error));
        json_decref(header);
        hap_say(p, "kept %zu of %zu edges: %zu selected, %zu dead ones dropped", c->kept,
                c->graph.n_edges, c->selected, c->selected - c->kept);
        hap_selection_release(c);
}

static void select_from(struct selecting *s, const struct hap_edges *scores,
                        const struct hap_selection_options *settings)
{
        s->sections++;
        hap_must(s->p, hap_selection_add(&s->selection, scores, settings, &s->p->error));
        if (!s->opt->sets.together)
                write_circuit(s);
}

/* --bootstrap: one section of scores of single examples after the other. */
static void select_confident(struct selecting *s)
{
        const struct hap_confidence confidence = {(size_t)s->opt->bootstrap,
                                                  s->opt->confidence.value / 100};
        struct hap_example_scores examples;
        struct hap_program *p = s->p;
        struct hap_edges scores;

        while (hap_must(p, hap_example_scores_next(p->in, &examples, &p->error))) {
                hap_must(p, hap_confident_edges(&examples, &confidence, &scores, &p->error));
                hap_say(p, "%zu of %zu edges have an interval that excludes 0", scores.n_given,
                        scores.graph.n_edges);
                select_from(s, &scores, &s->opt->settings);
                hap_edges_release(&scores);
                hap_example_scores_release(&examples);
        }
        if (s->sections == 0)
                hap_must(p, hap_stream_in_fail_missing(p->in, "example-scores", &p->error));
}

/* Without --auto: one section of scores after the other. */
static void select_from_all(struct selecting *s)
{
        struct hap_program *p = s->p;
        struct hap_edges scores;

        while (hap_must(p, hap_edges_next(p->in, "scores", &scores, &p->error))) {
                select_from(s, &scores, &s->opt->settings);
                hap_edges_release(&scores);
        }
        if (s->sections == 0)
                hap_must(p, hap_stream_in_fail_missing(p->in, "scores", &p->error));
}

/* --auto: selects the number of edges that the search found, as --keep would. */
static void select_found(struct selecting *s)
{
        const struct hap_select_request *opt = s->opt;
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
                            .limit = (size_t)opt->prompts,
                            .outputs = HAP_OUTPUTS_KEPT_IF_THEY_FIT},
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
        hap_inputs_release(inputs);
}

int main(int argc, char **argv)
{
        struct hap_select_request opt = hap_select_request_none;
        struct hap_program p;
        struct selecting s = {.p = &p, .opt = &opt};

        hap_program_begin(&p, &info, argc, argv, &opt);
        hap_must(&p, hap_select_request_check(&opt, p.model, &p.error));
        s.of_circuits = hap_algebra_asked(&opt.sets) && !hap_selects_scores(&opt);
        if (s.of_circuits)
                hap_must(&p, hap_algebra_run(p.in, &opt.sets, &s.selection, &p.error));
        else if (opt.search)
                select_found(&s);
        else if (opt.bootstrap)
                select_confident(&s);
        else
                select_from_all(&s);
        s.sections += s.of_circuits ? s.selection.sections : 0;
        if (opt.sets.together || s.of_circuits)
                write_circuit(&s);
        return hap_program_end(&p, s.sections, s.of_circuits ? "circuits" : "sections of scores");
}
