#include "prune/log.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mpi.h"

static int log_failed(const struct hap_pruning *p, struct hap_error *err)
{
        return hap_fail(err, HAP_ESYSTEM, "cannot write log '%s': %s", p->options->log,
                        strerror(errno));
}

/* A log of an earlier process is continued from the newest checkpoint: the lines after it are
 * removed, because their steps are repeated. */
static int open_log(struct hap_pruning *p, struct hap_error *err)
{
        const char *name = p->options->log ? hap_mpi_output(p->options->log) : NULL;
        struct stat status;
        bool exists;

        if (!name)
                return HAP_OK;
        exists = stat(name, &status) == 0;
        if (hap_mpi_writes() && p->log_size > 0 && (!exists || (S_ISREG(status.st_mode) &&
                                           status.st_size < p->log_size)))
                return hap_fail(err, HAP_EINPUT, "log '%s' is missing steps before checkpoint "
                                "'%s': restore it, or omit --log", name,
                                p->options->checkpoint);
        p->log = fopen(name, p->resumed ? "a" : "w");
        if (!p->log || fstat(fileno(p->log), &status) < 0)
                return log_failed(p, err);
        if (p->resumed && S_ISREG(status.st_mode) && status.st_size > p->log_size &&
            ftruncate(fileno(p->log), p->log_size) < 0)
                return log_failed(p, err);
        return HAP_OK;
}

int hap_prune_resume(struct hap_pruning *pruning, int64_t steps, struct hap_error *err)
{
        int rc = 0;

        struct hap_checkpoint *c = &pruning->checkpoint;

        hap_checkpoint_add_integer(c, "steps", &pruning->steps, 0, steps);
        hap_checkpoint_add_integer(c, "taken", &pruning->taken, 0, steps);
        hap_checkpoint_add_integer(c, "size of the log", &pruning->log_size, 0, INT64_MAX);
        hap_checkpoint_add_doubles(c, "masked runs", &pruning->masked_kl.runs, 1);
        if (pruning->options->checkpoint)
                rc = hap_checkpoint_read(&pruning->checkpoint, pruning->options->checkpoint, err);
        if (rc < 0)
                return rc;
        pruning->resumed = rc > 0;
        if (pruning->options->checkpoint &&
            hap_checkpoint_probe(pruning->options->checkpoint, err) < 0)
                return err->code;
        return open_log(pruning, err);
}

static int write_log(struct hap_pruning *p, const struct hap_prune_step *step,
                     struct hap_error *err)
{
        int n;

        if (!p->log)
                return HAP_OK;
        n = fprintf(p->log, "{\"step\": %ld, \"kl\": %.9g, \"sparsity\": %.9g, \"target\": %.9g, "
                    "\"lambda1\": %.9g, \"lambda2\": %.9g, \"alive\": %zu}\n", step->step,
                    step->kl, step->sparsity, step->target, step->lambda[0], step->lambda[1],
                    step->alive);
        if (n < 0 || fflush(p->log) != 0)
                return log_failed(p, err);
        p->log_size += n;
        return HAP_OK;
}

bool hap_prune_stopping(const struct hap_pruning *pruning)
{
        int64_t stop = pruning->stop && *pruning->stop;
        struct hap_error ignored; /* the next exchange returns it again */

        return hap_mpi_largest(&stop, &ignored) == 0 && stop;
}

static int write_checkpoint(struct hap_pruning *p, struct hap_error *err)
{
        return p->options->checkpoint
                       ? hap_checkpoint_write(&p->checkpoint, p->options->checkpoint, err)
                       : HAP_OK;
}

int hap_prune_stop(struct hap_pruning *pruning, struct hap_error *err)
{
        int rc = write_checkpoint(pruning, err);

        return rc < 0 ? rc : HAP_PRUNE_STOPPED;
}

int hap_prune_step_done(struct hap_pruning *pruning, const struct hap_prune_step *step,
                        struct hap_error *err)
{
        const struct hap_prune_options *options = pruning->options;
        int rc;

        pruning->steps = step->step;
        pruning->taken++;
        rc = write_log(pruning, step, err);
        if (rc < 0)
                return rc;
        if (pruning->report)
                pruning->report(pruning->context, step);
        if (hap_prune_stopping(pruning))
                return hap_prune_stop(pruning, err);
        if (options->every > 0 && step->step % options->every == 0)
                return write_checkpoint(pruning, err);
        return HAP_OK;
}

int hap_prune_take_step(struct hap_pruning *pruning, long step, long steps,
                        int (*run)(void *context, long step, struct hap_prune_step *status,
                                   struct hap_error *err),
                        void *context, struct hap_error *err)
{
        struct hap_prune_step status = {.step = step + 1, .steps = steps};
        int rc = run(context, step, &status, err);

        return rc < 0 ? hap_fail_within(err, "step %ld", step + 1)
                      : hap_prune_step_done(pruning, &status, err);
}
