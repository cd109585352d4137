#include "common/program.h"

#include <errno.h>
#include <fcntl.h>
#include <omp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic_file.h"
#include "common/clock.h"
#include "common/memory.h"
#include "common/mpi.h"
#include "common/mpi_layers.h"
#include "common/printable.h"

static const char *(*find_warning)(void);

void hap_program_warn_by(const char *(*find)(void))
{
        __atomic_store_n(&find_warning, find, __ATOMIC_RELAXED);
}

/* Signals that arrive while files are removed are blocked until the default action
 * ends the program. */
void hap_die_by_signal(int number)
{
        static const char shrunk[] = "an input file was truncated while it was being read\n";
        struct sigaction usual = {.sa_handler = SIG_DFL};
        sigset_t all, this;

        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, NULL);
        hap_atomic_file_remove_all();
        if (number == SIGBUS && write(STDERR_FILENO, shrunk, sizeof(shrunk) - 1) < 0)
                _exit(1);
        sigemptyset(&usual.sa_mask);
        sigaction(number, &usual, NULL);
        raise(number);
        sigemptyset(&this);
        sigaddset(&this, number);
        pthread_sigmask(SIG_UNBLOCK, &this, NULL);
}

static void catch_signals(void)
{
        static const int fatal[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGBUS, SIGXCPU};
        struct sigaction action = {.sa_handler = hap_die_by_signal};
        struct sigaction before;

        sigfillset(&action.sa_mask);
        for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
                sigaction(fatal[i], NULL, &before);
                /* signals that nohup ignores stay ignored, except SIGPIPE */
                if (before.sa_handler != SIG_IGN || fatal[i] == SIGPIPE)
                        sigaction(fatal[i], &action, NULL);
        }
        /* a file beyond ulimit -f is an error of write(), which names the file */
        signal(SIGXFSZ, SIG_IGN);
}

_Noreturn static void die(struct hap_program *program, int code, const char *message)
{
        char printable[4 * HAP_MESSAGE];

        if (hap_memory_was_short() && code != HAP_ESYSTEM) { /* the cause of what seems wrong */
                code = HAP_ESYSTEM;
                message = "out of memory";
        }
        hap_progress_clear(program);
        hap_printable(message, printable, sizeof printable);
        if (hap_mpi_fail(&code, message))
                fprintf(stderr, "%s: %s\n", program->info->name, printable);
        hap_stream_out_abandon(program->out);
        hap_atomic_file_remove_all();
        program->out = NULL; /* exit() flushes `text` into `out`: drop those bytes */
        exit(hap_exit_status(code));
}

int hap_must(struct hap_program *program, int rc)
{
        if (rc < 0)
                die(program, program->error.code, program->error.message);
        return rc;
}

void hap_die(struct hap_program *program, int code, const char *format, ...)
{
        char message[HAP_MESSAGE];
        va_list args;

        va_start(args, format);
        vsnprintf(message, sizeof(message), format, args);
        va_end(args);
        die(program, code, message);
}

/* In one write: the programs of a pipeline print at the same time. */
static void say(const struct hap_program *program, const char *format, va_list args)
{
        char message[HAP_MESSAGE], printable[4 * HAP_MESSAGE];

        if (!hap_mpi_writes())
                return;
        vsnprintf(message, sizeof(message), format, args);
        hap_printable(message, printable, sizeof printable);
        fprintf(stderr, "%s%s: %s\n", program->shown > 0 ? "\r\033[K" : "",
                program->info->name, printable);
}

void hap_say(const struct hap_program *program, const char *format, ...)
{
        va_list args;

        if (program->quiet)
                return;
        va_start(args, format);
        say(program, format, args);
        va_end(args);
}

void hap_complain(const struct hap_program *program, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        say(program, format, args);
        va_end(args);
}

/* Checks that everything printed reached standard output. */
static void flush_stdout(struct hap_program *program)
{
        if (fflush(stdout) != 0 || ferror(stdout))
                hap_die(program, HAP_ESYSTEM, "cannot write 'standard output': %s",
                        strerror(errno));
}

static void answer_and_exit(struct hap_program *program, int asked)
{
        if (asked == 'h')
                hap_options_help(program->info, stdout);
        else
                printf("%s %s\n", program->info->name, HAP_VERSION);
        flush_stdout(program);
        exit(0);
}

/* Regular files only: pipes and devices are not replaced. */
static bool is_output(const struct hap_program *program, const struct stat *st)
{
        struct stat output;

        return program->output && S_ISREG(st->st_mode) && stat(program->output, &output) == 0 &&
               st->st_dev == output.st_dev && st->st_ino == output.st_ino;
}

void hap_program_reads(struct hap_program *program, const char *path)
{
        const bool standard = strcmp(path, "-") == 0;
        struct stat st;

        if ((standard ? fstat(STDIN_FILENO, &st) : stat(path, &st)) == 0 &&
            is_output(program, &st))
                hap_die(program, HAP_EUSAGE, "the output '%s' is also an input (%s); give -o another "
                        "name", program->output, standard ? "standard input" : path);
}

static void check_inputs(struct hap_program *program)
{
        if (program->n_operands == 0)
                hap_program_reads(program, "-");
        for (int i = 0; i < program->n_operands; i++)
                hap_program_reads(program, program->operands[i]);
}

static void open_streams(struct hap_program *program)
{
        unsigned uses = program->info->uses;

        if (uses & HAP_USES_INPUT)
                check_inputs(program);
        if (program->model)
                hap_program_reads(program, program->model);
        if (uses & HAP_USES_STREAM)
                hap_must(program, hap_stream_out_open(&program->out, program->output, program->gzip,
                                                  &program->error));
        if (uses & HAP_USES_INPUT)
                hap_must(program,
                         hap_stream_in_open(&program->in, (const char *const *)program->operands,
                                         (size_t)program->n_operands, &program->error));
        if (program->pass)
                hap_stream_in_pass_to(program->in, program->out);
}

/* OMP_NUM_THREADS, or all processors that this process may use. */
static int default_threads(void)
{
        int threads = omp_get_max_threads();

        if (!getenv("OMP_NUM_THREADS"))
                threads = hap_mpi_processors(threads);
        return threads < HAP_MAX_THREADS ? threads : HAP_MAX_THREADS;
}

/* A file that is opened later must not become standard output or error, or messages would be
 * written into it. What is opened instead of a closed input or output fails when it is used. */
static void open_closed_descriptors(void)
{
        static const int flags[] = {O_WRONLY, O_RDONLY, O_RDWR};

        for (int fd = 0; fd < 3; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags[fd]) != fd)
                        _exit(1);
}

/* The command line after the program's name, as one text; NULL: memory is short. */
static char *joined(int argc, char **argv)
{
        size_t size = 1;
        char *line, *end;

        for (int i = 1; i < argc; i++)
                size += strlen(argv[i]) + 1;
        line = end = calloc(1, size);
        for (int i = 1; i < argc && line; i++)
                end += sprintf(end, "%s%s", i > 1 ? " " : "", argv[i]);
        return line;
}

/* Threads get as much as the main program. */
static void check_stack(struct hap_program *program)
{
        enum { LEAST = 128 << 10 };
        struct rlimit stack;

        if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur < LEAST)
                hap_die(program, HAP_ESYSTEM, "the stack may have %ju KiB, %d are needed; raise "
                        "ulimit -s", (uintmax_t)stack.rlim_cur >> 10, LEAST >> 10);
}

/* All ranks must do the same, with equally many threads: the number of threads decides how many
 * prompts are read at a time. */
static void join_ranks(struct hap_program *program, int argc, char **argv)
{
        const unsigned parallel = HAP_USES_INPUT | HAP_USES_THREADS;
        int64_t threads = program->threads;
        char text[40], *line = joined(argc, argv);

        if (!line)
                hap_die(program, HAP_ESYSTEM, "out of memory for the command line");
        snprintf(text, sizeof text, "%s %s", program->info->name, HAP_VERSION);
        hap_must(program, hap_mpi_same("program", text, &program->error));
        hap_must(program, hap_mpi_same("command line", line, &program->error));
        free(line);
        if (hap_mpi_ranks() > 1 && (program->info->uses & parallel) != parallel)
                hap_die(program, HAP_EUSAGE, "it has nothing to share among %zu processes: start "
                        "it without mpirun", hap_mpi_ranks());
        hap_must(program, hap_mpi_least(&threads, &program->error));
        if (program->layers_over_ranks)
                hap_must(program, hap_mpi_divide_layers(&program->error));
        /* most of the jobs under way wait for another rank */
        if (hap_mpi_layers_divided())
                threads *= (int64_t)hap_mpi_ranks();
        program->threads = (int)hap_min(threads, HAP_MAX_THREADS);
}

void hap_program_begin(struct hap_program *program, const struct hap_program_info *info,
                       int argc, char **argv, void *options)
{
        int asked;

        hap_mpi_begin();
        *program = (struct hap_program){.info = info, .options = options, .started = hap_seconds(),
                                        .threads = default_threads()};
        open_closed_descriptors();
        catch_signals();
        atexit(hap_atomic_file_remove_all); /* libraries may call exit() */
        hap_memory_watch_json();
        check_stack(program);
        hap_must(program, hap_options_parse(program, argc, argv, &asked));
        if (asked)
                answer_and_exit(program, asked);
        if (info->print && info->print(options, stdout)) {
                flush_stdout(program);
                exit(0);
        }
        join_ranks(program, argc, argv);
        omp_set_num_threads(program->threads);
        open_streams(program);
}

json_t *hap_program_header(const struct hap_program *program, const char *kind, const json_t *from)
{
        static const char *const not_copied[] = {"hap", "kind", "requires"};
        json_t *header = json_pack("{s:i, s:s}", "hap", HAP_STREAM_VERSION, "kind", kind);
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)from, key, value) {
                bool copied = !hap_provenance_is_key(key);

                for (size_t i = 0; i < sizeof(not_copied) / sizeof(not_copied[0]); i++)
                        copied = copied && strcmp(key, not_copied[i]) != 0;
                if (copied)
                        json_object_set(header, key, value);
        }
        json_object_set_new(header, "history",
                            hap_provenance_history(from, program->history, program->in));
        return header;
}

/* --- text --- */

static ssize_t text_write(void *cookie, const char *data, size_t n)
{
        struct hap_program *program = cookie;

        if (!program->out || hap_stream_out_bytes(program->out, data, n, &program->error) < 0)
                return 0;
        return (ssize_t)n;
}

FILE *hap_program_text(struct hap_program *program)
{
        if (program->text)
                return program->text;
        hap_must(program, hap_stream_out_open_text(&program->out, program->output, program->gzip,
                                               &program->error));
        program->text = fopencookie(program, "w", (cookie_io_functions_t){.write = text_write});
        if (!program->text)
                hap_die(program, HAP_ESYSTEM, "out of memory for the output");
        return program->text;
}

/* --- the end --- */

/* Reads to the end, so that a stream that is truncated after the sections that were
 * needed is refused too. */
static void read_rest(struct hap_program *program)
{
        json_t *header;

        while (program->in && hap_must(program, hap_stream_in_section(program->in, &header,
                                                                   &program->error)))
                ;
        hap_stream_in_close(program->in);
        program->in = NULL;
}

static void close_output(struct hap_program *program)
{
        struct hap_stream_out *out = program->out;
        int rc = 0;

        if (hap_memory_was_short()) /* something may be missing in the output */
                die(program, HAP_ESYSTEM, "out of memory");
        program->error.code = 0;
        if (program->text && fclose(program->text) != 0)
                rc = program->error.code ? program->error.code
                                         : hap_fail_memory(&program->error, "the output");
        hap_must(program, rc);
        program->out = NULL;
        if (out)
                hap_must(program, hap_stream_out_close(out, &program->error));
        flush_stdout(program);
}

static void release_program(struct hap_program *program)
{
        const struct hap_option *o = program->info->options;

        for (; o && (o->letter || o->name); o++)
                if (o->type == HAP_TEXTS)
                        free(((struct hap_texts *)(void *)
                              ((char *)program->options + o->offset))->items);
        json_decref(program->history);
        free(program->operands);
}

int hap_program_end(struct hap_program *program, size_t done, const char *what)
{
        struct rusage usage;
        const char *rest, *warning;
        int word;

        read_rest(program);
        close_output(program);
        hap_progress_clear(program);
        getrusage(RUSAGE_SELF, &usage);
        word = (int)strcspn(what, " ");
        rest = what + word;
        if (done == 1 && rest[-1] == 's')
                word--;
        hap_say(program, "%zu %.*s%s in %.1f s, %ld MB peak", done, word, what, rest,
                hap_seconds() - program->started, (usage.ru_maxrss * 1024 + 500000) / 1000000);
        warning = find_warning && !program->quiet ? find_warning() : NULL;
        if (warning)
                hap_say(program, "warning: %s", warning);
        release_program(program);
        return 0;
}
