/* hap-prune: reads examples, and optionally a subgraph and scores, and finds the circuit of the
 * wanted size that is closest to the full model. */
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "common/atomic_file.h"
#include "common/mpi.h"
#include "common/program.h"
#include "prune/arguments.h"
#include "prune/avoid.h"
#include "prune/input.h"
#include "prune/log.h"
#include "prune/output.h"
#include "prune/precision.h"
#include "prune/recipes.h"
#include "prune/removal.h"
#include "prune/seeds.h"

static const struct hap_program_info info = {
        .name = "hap-prune",
        .summary = "find the few edges that do what the whole model does",
        .operands = "[FILE ...]",
        .uses = HAP_USES_MODEL | HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM |
                HAP_USES_THREADS | HAP_USES_MEMORY | HAP_USES_LAYERS,
        .options = hap_prune_arguments,
        .print = hap_prune_print,
        .replaced = hap_prune_replaced,
};

#define SECOND INT64_C(1000000000) /* in nanoseconds */

static volatile sig_atomic_t signalled;

/* timeout(1) signals the process and then its group, so a second signal within a second counts
 * as the same one. A later signal ends the process at once. */
static void stop_by(int number)
{
        static _Atomic int64_t first; /* in nanoseconds; 0: none yet */
        struct timespec t;
        int64_t now, before = 0;

        clock_gettime(CLOCK_MONOTONIC, &t);
        now = t.tv_sec * SECOND + t.tv_nsec;
        if (atomic_compare_exchange_strong(&first, &before, now))
                signalled = number;
        else if (now - before >= SECOND)
                hap_die_by_signal(number);
}

/* From now on a signal stops the program after the current step. */
static void catch_signals(void)
{
        static const int stopping[] = {SIGINT, SIGTERM};
        struct sigaction action = {.sa_handler = stop_by, .sa_flags = SA_RESTART}, before;

        sigfillset(&action.sa_mask);
        for (int i = 0; i < 2; i++) {
                sigaction(stopping[i], NULL, &before);
                if (before.sa_handler != SIG_IGN)
                        sigaction(stopping[i], &action, NULL);
        }
}

static void die_by_signal(struct hap_program *p, const struct hap_pruning *pruning)
{
        const char *checkpoint = pruning->options->checkpoint;

        hap_progress_clear(p);
        hap_say(p, checkpoint ? "stopped after step %lld; '%s' contains the state"
                              : "stopped after step %lld", (long long)pruning->steps, checkpoint);
        hap_mpi_wait(); /* for the rank that writes the checkpoint */
        hap_die_by_signal(signalled ? signalled : SIGTERM);
}

static void show_step(void *context, const struct hap_prune_step *step)
{
        char note[80];

        snprintf(note, sizeof note, "KL %.3f, sparsity %.1f%% for %.1f%%, %zu edges alive",
                 step->kl, 100 * step->sparsity, 100 * step->target, step->alive);
        hap_progress(context, (size_t)step->step, (size_t)step->steps, note);
}

/* The file of --threshold-circuit, or NULL. Opened before the training, so that an error
 * shows at once. */
static struct hap_stream_out *open_threshold_circuit(struct hap_program *p, const char *path)
{
        struct hap_stream_out *out;

        if (!path)
                return NULL;
        hap_must(p, hap_stream_out_open(&out, path, p->gzip, &p->error));
        if (hap_stream_out_same(out, p->out))
                hap_die(p, HAP_EUSAGE, "--threshold-circuit and -o both write to '%s'", path);
        return out;
}

static void refuse_same_file(struct hap_program *p, const struct hap_prune_options *opt,
                             const struct hap_stream_out *out, const char *option)
{
        if (opt->log && hap_stream_out_writes(out, opt->log))
                hap_die(p, HAP_EUSAGE, "--log and %s both write to '%s'", option, opt->log);
        if (opt->checkpoint && hap_stream_out_writes(out, opt->checkpoint))
                hap_die(p, HAP_EUSAGE, "--checkpoint and %s both write to '%s'", option,
                        opt->checkpoint);
}

/* The log is written while the input is in use; the checkpoint is removed at the end. */
static void check_files(struct hap_program *p, const struct hap_prune_options *opt,
                        const struct hap_stream_out *threshold_out)
{
        refuse_same_file(p, opt, p->out, "-o");
        if (threshold_out)
                refuse_same_file(p, opt, threshold_out, "--threshold-circuit");
        if (opt->log && opt->checkpoint && hap_same_target(opt->log, opt->checkpoint))
                hap_die(p, HAP_EUSAGE, "--log and --checkpoint both write to '%s'", opt->log);
        for (int i = 0; opt->log && i < p->n_operands; i++)
                if (hap_same_target(opt->log, p->operands[i]))
                        hap_die(p, HAP_EUSAGE, "--log would write over the input '%s'", opt->log);
}

/* Runs the recipe with one seed and writes its circuit. Returns the steps taken. */
static size_t prune(struct hap_program *p, const struct hap_prune_options *opt,
                    struct hap_inputs *inputs, const struct hap_prompts *prompts,
                    struct hap_stream_out *threshold_out, struct hap_seeds *seeds)
{
        struct hap_pruning pruning;
        size_t n;

        hap_must(p, hap_pruning_init(&pruning, opt, &inputs->engine, prompts,
                                     hap_inputs_z(inputs), hap_inputs_score(inputs), &p->error));
        hap_must(p, hap_prune_avoid_read(&pruning, inputs->name, &p->error));
        hap_must(p, hap_prune_set_precision(&pruning, &inputs->engine, &p->error));
        pruning.report = show_step, pruning.context = p;
        pruning.stop = &signalled;
        if (hap_must(p, hap_pruning_run(&pruning, &p->error)) == HAP_PRUNE_STOPPED)
                die_by_signal(p, &pruning);
        hap_prune_avoid_end(&pruning);
        if (hap_must(p, hap_prune_removals(&pruning, &p->error)) == HAP_PRUNE_STOPPED)
                die_by_signal(p, &pruning);
        hap_prune_write(p, inputs, &pruning, &pruning.result, p->out);
        if (threshold_out) {
                hap_prune_write(p, inputs, &pruning, &pruning.threshold_circuit, threshold_out);
                hap_must(p, hap_stream_out_finish(threshold_out, &p->error));
        }
        hap_prune_say(p, &pruning);
        hap_must(p, hap_seeds_add(seeds, pruning.result.z, pruning.graph->n_edges, &p->error));
        n = (size_t)pruning.taken;
        hap_pruning_release(&pruning);
        return n;
}

int main(int argc, char **argv)
{
        struct hap_prune_options opt;
        struct hap_seeds seeds = {0};
        struct hap_inputs inputs;
        const struct hap_prompts *prompts;
        struct hap_program p;
        struct hap_stream_out *threshold_out;
        size_t n = 0;

        hap_prune_options_init(&opt);
        hap_program_begin(&p, &info, argc, argv, &opt);
        opt.max_memory = p.max_memory, opt.weights = p.weights;
        opt.threads = (size_t)p.threads;
        hap_must(&p, hap_prune_options_settle(&opt, &hap_recipes[opt.recipe_row], &p.error));
        threshold_out = open_threshold_circuit(&p, opt.threshold_circuit);
        check_files(&p, &opt, threshold_out);
        hap_must(&p, hap_prune_read(&inputs, &prompts, p.in, p.model, &opt, &p.error));
        hap_must(&p, hap_prune_options_fit(&opt, inputs.engine.graph.n_edges, &p.error));
        catch_signals();
        for (int64_t i = 0; i < opt.seeds; i++, opt.seed++)
                n += prune(&p, &opt, &inputs, prompts, threshold_out, &seeds);
        hap_seeds_say(&p, &seeds);
        hap_seeds_release(&seeds);
        hap_inputs_release(&inputs);
        hap_program_end(&p, n, "steps");
        if (threshold_out) /* both files appear, or neither */
                hap_must(&p, hap_stream_out_close(threshold_out, &p.error));
        if (opt.checkpoint)
                hap_target_remove(opt.checkpoint);
        return 0;
}
