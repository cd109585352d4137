/* hap-prune: examples, and optionally a subgraph and scores, to the circuit of
 * a wanted size that does best what the whole model does. */
#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "common/program.h"
#include "graph/edges.h"
#include "prune/input.h"
#include "prune/pruning.h"

#define FIELD(name) offsetof(struct hap_prune_options, name)

static const struct hap_option options[] = {
        {0, "sparsity", "P%", HAP_AMOUNT, FIELD(sparsity),
         .help = "cut P% of the graph's edges"},
        {0, "edges", "N", HAP_INT, FIELD(edges), .min = 1, .max = INT32_MAX,
         .help = "or keep N edges"},
        {0, "recipe", "NAME", HAP_CHOICE, FIELD(recipe), .choices = hap_recipe_names,
         .help = "how [rank]"},
        {0, "seed", "N", HAP_INT, FIELD(seed), .min = 0, .max = 1e15,
         .help = "of all random numbers [0]"},
        {0, "steps", "N", HAP_INT, FIELD(steps), .min = 0, .max = 1e9,
         .help = "steps, of each restart [rank: 48, or 0 for 1000 edges and more; edge-pruning: 3000]"},
        {0, "batch", "N", HAP_INT, FIELD(batch), .min = 1, .max = 65536,
         .help = "prompts a step [rank: 16; edge-pruning: 32]"},
        {0, "ablation", "KIND", HAP_CHOICE, FIELD(ablation), .choices = hap_ablation_names,
         .help = "what a cut edge carries [interchange]"},
        {0, "exact-sparsity", NULL, HAP_FLAG, FIELD(exact),
         .help = "end with exactly the edges asked for, dead ones not counted [rank: always]"},
        {0, "patience", "N", HAP_INT, FIELD(patience), .min = 0, .max = 1e9,
         .help = "stop early when nothing changed for N steps; 0: never [0]"},
        {0, "log", "FILE", HAP_TEXT, FIELD(log), .unrecorded = true,
         .help = "write a line of JSON after every step"},
        {0, "checkpoint", "FILE", HAP_TEXT, FIELD(checkpoint), .unrecorded = true,
         .help = "go on from FILE if it is there; write it when stopped"},
        {0, "every", "N", HAP_INT, FIELD(every), .min = 1, .max = 1e9, .unrecorded = true,
         .help = "and after every N steps"},
        {0, "sharpness", "X", HAP_REAL, FIELD(sharpness), .min = 0, .max = 1000,
         .help = "rank: how steeply chances fall with rank, at first [2]"},
        {0, "last-sharpness", "X", HAP_REAL, FIELD(last_sharpness), .min = 0, .max = 1000,
         .help = "rank: and at last [6]"},
        {0, "momentum", "X", HAP_REAL, FIELD(momentum), .min = 0, .max = 0.9999,
         .help = "rank: what a step keeps of the running mean [0.9]"},
        {0, "anneal", "X", HAP_REAL, FIELD(anneal), .min = 0, .max = 1,
         .help = "rank: share of the steps until the wanted size [0.6]"},
        {0, "masks", "KIND", HAP_CHOICE, FIELD(masks), .choices = hap_mask_kind_names,
         .help = "rank: of the first restart, the next has the other kind [concrete]"},
        {0, "choose-on", "N", HAP_INT, FIELD(choose_on), .min = 1, .max = 1e9,
         .help = "rank: prompts that judge every candidate [32]"},
        {0, "finalists", "N", HAP_INT, FIELD(finalists), .min = 1, .max = 1e6,
         .help = "rank: candidates that are judged again [4]"},
        {0, "finalists-on", "N", HAP_INT, FIELD(finalists_on), .min = 0, .max = 1e9,
         .help = "rank: on so many more prompts [100]"},
        {0, "restarts", "N", HAP_INT, FIELD(restarts), .min = 1, .max = 1000,
         .help = "rank: how often all is done [1; rank-thorough: 4]"},
        {0, "rounds", "N", HAP_INT, FIELD(rounds), .min = 0, .max = 100000,
         .help = "rank: rounds of refinement [0; for 1000 edges and more 12]"},
        {0, "refine-on", "N", HAP_INT, FIELD(refine_on), .min = 1, .max = 100000,
         .help = "rank: prompts that a round learns from, and that judge it [32]"},
        {0, "share", "X", HAP_REAL, FIELD(share), .min = 0, .max = 1,
         .help = "rank: of the circuit's edges that the first round changes [0.03]"},
        {0, "velocity", "X", HAP_REAL, FIELD(velocity), .min = 0, .max = 1,
         .help = "rank: what a round keeps of the gradients before [0.7]"},
        {0, "swaps", "N", HAP_INT, FIELD(swaps), .min = 0, .max = 1000,
         .help = "rank: rounds of swaps at the end, at most [0; rank-thorough: 3]"},
        /* edge-pruning, hap */
        {0, "rate", "X", HAP_REAL, FIELD(rate), .min = 0, .max = 1e6,
         .help = "edge-pruning: learning rate of edge masks [0.8]"},
        {0, "node-rate", "X", HAP_REAL, FIELD(node_rate), .min = 0, .max = 1e6,
         .help = "edge-pruning: of node masks [0.8]"},
        {0, "lambda-rate", "X", HAP_REAL, FIELD(lambda_rate), .min = 0, .max = 1e6,
         .help = "edge-pruning: of the multipliers of sparsity [0.8]"},
        {0, "weight-decay", "X", HAP_REAL, FIELD(weight_decay), .min = 0, .max = 1,
         .help = "edge-pruning: AdamW's, of masks and multipliers [0.01]"},
        {0, "beta1", "X", HAP_REAL, FIELD(beta1), .min = 0, .max = 0.999999,
         .help = "edge-pruning: AdamW's [0.9]"},
        {0, "beta2", "X", HAP_REAL, FIELD(beta2), .min = 0, .max = 0.999999,
         .help = "edge-pruning: AdamW's [0.999]"},
        {0, "clip", "X", HAP_REAL, FIELD(clip), .min = 0, .max = 1e9,
         .help = "edge-pruning: largest norm of the gradient; 0: no limit [1]"},
        {0, "warmup", "N", HAP_INT, FIELD(warmup), .min = 0, .max = 1e9,
         .help = "edge-pruning: steps until the rates are full [200 of 3000 steps]"},
        {0, "ramp", "N", HAP_INT, FIELD(ramp), .min = 0, .max = 1e9,
         .help = "edge-pruning: steps until the target is [2500 of 3000 steps]"},
        {0, "ramp-kind", "KIND", HAP_CHOICE, FIELD(ramp_kind), .choices = hap_ramp_names,
         .help = "edge-pruning: how the target rises [linear]"},
        {0, "start", "X", HAP_REAL, FIELD(start), .min = -100, .max = 100,
         .help = "edge-pruning: mean of the first log alpha [10]"},
        {0, "start-spread", "X", HAP_REAL, FIELD(start_spread), .min = 0, .max = 100,
         .help = "edge-pruning: and its standard deviation [0.01]"},
        {0, "from-scores", NULL, HAP_FLAG, FIELD(from_scores),
         .help = "edge-pruning: first log alpha by the scores' ranks"},
        {0, "node-masks", "KIND", HAP_CHOICE, FIELD(node_masks), .choices = hap_node_masks_names,
         .help = "edge-pruning: a mask for every writer too; counted: in the sparsity [free]"},
        {0, "node-sparsity", "P%", HAP_AMOUNT, FIELD(node_sparsity),
         .help = "edge-pruning: cut P% of the writers too"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-prune",
        .summary = "find the few edges that do what the whole model does",
        .operands = "[FILE ...]",
        .uses = HAP_USES_MODEL | HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM |
                HAP_USES_THREADS,
        .options = options,
};

static volatile sig_atomic_t signalled;

static void stop_by(int number)
{
        signalled = number;
}

/* From now on a signal ends the step under way first; the second one kills. */
static void catch_signals(void)
{
        struct sigaction action = {.sa_handler = stop_by, .sa_flags = SA_RESETHAND | SA_RESTART};

        sigemptyset(&action.sa_mask);
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
}

static void die_by_signal(struct hap_program *p, const struct hap_pruning *pruning)
{
        const char *checkpoint = pruning->options->checkpoint;
        int number = signalled;

        hap_progress_clear(p);
        if (checkpoint)
                hap_say(p, "stopped after step %lld: '%s' holds the state",
                        (long long)pruning->steps, checkpoint);
        else
                hap_say(p, "stopped after step %lld", (long long)pruning->steps);
        hap_writer_abandon(p->out);
        signal(number, SIG_DFL);
        raise(number);
}

static void show_step(void *context, const struct hap_prune_step *step)
{
        char note[80];

        snprintf(note, sizeof note, "KL %.3f, sparsity %.1f%% for %.1f%%, %zu edges alive",
                 step->kl, 100 * step->sparsity, 100 * step->target, step->alive);
        hap_progress(context, (size_t)step->step, (size_t)step->steps, note);
}

static void write_circuit(struct hap_program *p, const struct hap_prune_input *input,
                          const struct hap_pruning *pruning)
{
        json_t *header = hap_program_header(p, "circuit", input->session.header);
        double n = (double)pruning->graph->n_edges;

        json_object_del(header, "cache");
        json_object_set_new(header, "ablation",
                            json_string(hap_ablation_names[pruning->options->ablation]));
        json_object_set_new(header, "pruning", hap_pruning_describe(pruning));
        hap_must(p, hap_circuit_write(p->out, header, pruning->graph, pruning->z, &p->error));
        json_decref(header);
        hap_progress_clear(p);
        hap_say(p, "sparsity %.2f%% for %.2f%%: %zu of %.0f edges, %zu dead ones dropped; "
                   "%.0f masked runs", 100 * (1 - (double)pruning->kept / n),
                100 * pruning->target, pruning->kept, n, pruning->dead, pruning->measure.runs);
}

int main(int argc, char **argv)
{
        struct hap_prune_options opt;
        struct hap_prune_input input;
        struct hap_pruning pruning;
        struct hap_program p;
        size_t n;

        hap_prune_options_init(&opt);
        hap_program_begin(&p, &info, argc, argv, &opt);
        hap_must(&p, hap_prune_options_settle(&opt, &p.error));
        hap_must(&p, hap_prune_read(&input, p.in, p.model, &opt, &p.error));
        hap_must(&p, hap_prune_options_fit(&opt, input.session.engine.graph.n_edges, &p.error));
        hap_must(&p, hap_pruning_init(&pruning, &opt, &input.session.engine, input.prompts,
                                      input.subgraph.z, input.scores.score, &p.error));
        pruning.report = show_step;
        pruning.context = &p;
        pruning.stop = &signalled;
        catch_signals();
        if (hap_must(&p, hap_pruning_run(&pruning, &p.error)) == HAP_PRUNE_STOPPED)
                die_by_signal(&p, &pruning);
        write_circuit(&p, &input, &pruning);
        n = (size_t)pruning.steps;
        hap_pruning_release(&pruning);
        hap_prune_input_release(&input);
        hap_program_end(&p, n, "steps");
        if (opt.checkpoint)
                unlink(opt.checkpoint);
        return 0;
}
