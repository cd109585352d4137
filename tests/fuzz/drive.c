/* Runs fuzz targets on inputs that are made from their seeds, without clang: input number i of a seed
 * is the same everywhere.
 *
 *      build/fuzz/drive [--runs N] [--seed N] [--only I] [TARGET ...]
 *
 * Without targets all are run. Each gets a line `TARGET: N inputs, N accepted, N refused`. A signal, or
 * an input that takes more than 10 seconds, ends the program with a line that names the target, the
 * seed and the input's number; --only runs that one again, and --print writes it to standard output
 * instead. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mutate.h"

enum { SECONDS = 10 };

struct drive {
        uint64_t runs, seed, only;
        bool print, one;
};

/* What runs now, for the handler. */
static const char *running = "";
static uint64_t running_seed;
static volatile uint64_t running_input;

static void tell(int number)
{
        char line[256];
        const int n = snprintf(line, sizeof line,
                               "%s: %s with --seed %" PRIu64 " --only %" PRIu64 "\n", running,
                               number == SIGALRM ? "no end" : "a crash", running_seed, running_input);

        if (write(STDERR_FILENO, line, (size_t)n) < 0)
                _exit(1);
        signal(number, SIG_DFL);
        raise(number);
}

/* A sanitizer reports before it aborts. */
static void watch(void)
{
        static const int fatal[] = {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV};

        for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
                sigaction(fatal[i], &(struct sigaction){.sa_handler = tell, .sa_flags = SA_NODEFER},
                          NULL);
}

static bool run(const struct fuzz_target *target, const struct fuzz_corpus *corpus,
                const struct drive *drive, uint64_t i)
{
        size_t n;
        uint8_t *input = fuzz_input(target, corpus, drive->seed, i, &n);
        bool accepted = true;

        running_input = i;
        if (drive->print) {
                fwrite(input, 1, n, stdout);
        } else {
                alarm(SECONDS);
                accepted = target->accepts(input, n);
                alarm(0);
        }
        free(input);
        return accepted;
}

static void run_all(const struct fuzz_target *target, const struct drive *drive)
{
        struct fuzz_corpus corpus;
        struct rusage usage;
        uint64_t accepted = 0;

        fuzz_corpus_read(&corpus, target);
        running = target->name;
        running_seed = drive->seed;
        if (drive->one) {
                run(target, &corpus, drive, drive->only);
        } else {
                for (uint64_t i = 0; i < drive->runs; i++)
                        accepted += run(target, &corpus, drive, i);
                getrusage(RUSAGE_SELF, &usage);
                printf("%s: %" PRIu64 " inputs, %" PRIu64 " accepted, %" PRIu64 " refused, %ld MB\n",
                       target->name, drive->runs, accepted, drive->runs - accepted,
                       usage.ru_maxrss >> 10);
                fflush(stdout);
        }
        fuzz_corpus_release(&corpus);
}

static _Noreturn void usage(void)
{
        fprintf(stderr, "usage: drive [--runs N] [--seed N] [--only I [--print]] [TARGET ...]\n");
        for (const struct fuzz_target *t = fuzz_targets; t->name; t++)
                fprintf(stderr, "  %-16s %s\n", t->name, t->help);
        exit(2);
}

/* The number after an option. */
static uint64_t number(const char *text)
{
        char *end;
        uint64_t value = text ? strtoull(text, &end, 10) : 0;

        if (!text || !*text || *end)
                usage();
        return value;
}

int main(int argc, char **argv)
{
        struct drive drive = {.runs = 100000, .seed = 1};
        int i;

        for (i = 1; i < argc && *argv[i] == '-'; i++) {
                if (strcmp(argv[i], "--runs") == 0)
                        drive.runs = number(argv[++i]);
                else if (strcmp(argv[i], "--seed") == 0)
                        drive.seed = number(argv[++i]);
                else if (strcmp(argv[i], "--only") == 0)
                        drive.one = true, drive.only = number(argv[++i]);
                else if (strcmp(argv[i], "--print") == 0)
                        drive.print = true;
                else
                        usage();
        }
        for (int t = i; t < argc; t++)
                if (!fuzz_find(argv[t]))
                        usage();
        watch();
        if (i == argc)
                for (const struct fuzz_target *t = fuzz_targets; t->name; t++)
                        run_all(t, &drive);
        for (; i < argc; i++)
                run_all(fuzz_find(argv[i]), &drive);
        fuzz_tokenizers_release();
        return 0;
}
