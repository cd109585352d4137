/* hap-select: scores to a circuit of the edges that score best, with z = 1. */
#include <math.h>

#include "attrib/select.h"
#include "common/program.h"

struct select_options {
        struct hap_selection how;
        bool keep_dead, together;
        struct hap_texts always;
};

static const struct hap_option options[] = {
        {0, "keep", "N|P%", HAP_AMOUNT, offsetof(struct select_options, how.keep),
         .help = "keep the N best edges, or P% of the graph's"},
        {0, "threshold", "X", HAP_REAL, offsetof(struct select_options, how.threshold),
         .help = "keep only edges that score at least X"},
        {0, "signed", NULL, HAP_FLAG, offsetof(struct select_options, how.by_sign),
         .help = "order by the score itself [by its magnitude]"},
        {0, "greedy", NULL, HAP_FLAG, offsetof(struct select_options, how.greedy),
         .help = "grow from the logits, always by the best edge into what is there"},
        {0, "layer-quota", NULL, HAP_FLAG, offsetof(struct select_options, how.layer_quota),
         .help = "share --keep out equally over the layers of readers"},
        {0, "always", "EDGE|NODE", HAP_TEXTS, offsetof(struct select_options, always),
         .help = "keep this edge, or all of this node's, besides"},
        {0, "union", NULL, HAP_FLAG, offsetof(struct select_options, together),
         .help = "one circuit: the union of what is selected from each scores section"},
        {0, "keep-dead", NULL, HAP_FLAG, offsetof(struct select_options, keep_dead),
         .help = "leave edges in that no path from input to logits goes through"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-select",
        .summary = "select the edges that score best",
        .operands = "[FILE ...]",
        .uses = HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM,
        .options = options,
};

/* Ends the circuit that was being made and writes it. */
static void write_circuit(struct hap_program *p, struct hap_choice *c,
                          const struct select_options *opt)
{
        json_t *header;

        hap_must(p, hap_choice_finish(c, opt->always.items, opt->always.n,
                                      opt->keep_dead, &p->error));
        header = hap_program_header(p, "circuit", c->header);
        json_object_set_new(header, "selection",
                            json_pack("{s:s, s:I, s:I}", "order",
                                      opt->how.by_sign ? "signed" : "magnitude",
                                      "selected", (json_int_t)c->selected,
                                      "sections", (json_int_t)c->sections));
        hap_must(p, hap_circuit_write(p->out, header, &c->graph, c->z, &p->error));
        json_decref(header);
        hap_say(p, "kept %zu of %zu edges: %zu selected, %zu dead ones dropped", c->kept,
                c->graph.n_edges, c->selected, c->selected - c->kept);
        hap_choice_release(c);
}

int main(int argc, char **argv)
{
        struct select_options opt = {.how.threshold = -INFINITY};
        struct hap_program p;
        struct hap_edges scores;
        struct hap_choice choice = {0};
        size_t sections = 0;

        hap_program_begin(&p, &info, argc, argv, &opt);
        if (!opt.how.keep.given && !(opt.how.threshold > -INFINITY))
                hap_die(&p, HAP_EUSAGE, "nothing says how much to keep: --keep or --threshold");
        while (hap_must(&p, hap_edges_next(p.in, "scores", &scores, &p.error))) {
                hap_must(&p, hap_choice_add(&choice, &scores, &opt.how, &p.error));
                hap_edges_release(&scores);
                sections++;
                if (!opt.together)
                        write_circuit(&p, &choice, &opt);
        }
        if (sections == 0)
                hap_die(&p, HAP_EINPUT, "there are no scores in the input");
        if (opt.together)
                write_circuit(&p, &choice, &opt);
        return hap_program_end(&p, sections, "sections of scores");
}
