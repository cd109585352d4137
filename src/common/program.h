/* What every program shares: command line, input and output, error exits. Only
 * programs use it; the library never exits.
 *
 * Options that all programs have: -m MODEL, -j THREADS, -o FILE, -q, -p, -z, -h,
 * --max-memory SIZE, --layers-over-ranks, --version. `uses` of a program says which of -m, -p,
 * -z, --max-memory and --layers-over-ranks it takes, and whether -j has an effect; every program
 * accepts -j. */
#ifndef HAP_COMMON_PROGRAM_H
#define HAP_COMMON_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/error.h"
#include "common/header.h"
#include "common/number.h"
#include "common/options.h"
#include "common/progress.h"
#include "common/stream.h"

enum hap_uses {
        HAP_USES_MODEL = 1,   /* -m */
        HAP_USES_INPUT = 2,   /* operands are streams to read */
        HAP_USES_PASS = 4,    /* -p */
        HAP_USES_STREAM = 8,  /* writes a stream: -o, -z, no terminal */
        HAP_USES_THREADS = 16, /* -j has an effect */
        HAP_USES_MEMORY = 32,  /* --max-memory */
        HAP_USES_LAYERS = 64   /* --layers-over-ranks */
};

struct hap_program_info {
        const char *name;    /* hap-select */
        const char *summary; /* one line */
        const char *operands; /* "[FILE ...]", "NAME" … */
        unsigned uses;
        const struct hap_option *options;
        const char *notes; /* further lines of -h, or NULL */
        /* Prints what the options ask to be printed instead of a run, and returns
         * whether they do; called before any stream is opened. NULL: there is no such
         * option. */
        bool (*print)(const void *options, FILE *out);
        /* What replaced an option that does not exist any more ("--set NAME=VALUE"), or NULL;
         * text has space for 128 bytes. NULL: nothing was replaced. */
        const char *(*replaced)(const char *name, size_t length, char *text);
};

#define HAP_MAX_THREADS 4096

struct hap_program {
        const struct hap_program_info *info;
        struct hap_error error;
        const char *model; /* -m, or NULL */
        const char *output; /* -o, or NULL */
        int threads; /* -j; default: OMP_NUM_THREADS, or all processors this process may use */
        size_t max_memory;  /* --max-memory; 0: no limit */
        int weights;        /* --weights: 0 auto, 1 stored, 2 f32, as enum hap_weights */
        bool quiet, pass, gzip;
        bool layers_over_ranks; /* --layers-over-ranks */
        char **operands;
        int n_operands;
        struct hap_stream_in *in;  /* open when HAP_USES_INPUT */
        struct hap_stream_out *out; /* open when HAP_USES_STREAM */
        json_t *history;        /* this program's entry */
        FILE *text;             /* from hap_program_text */
        double started;         /* for the summary line */
        double shown;           /* when progress was last drawn; 0: nothing is drawn */
        void *options;
};

/* Parses the command line, answers -h and --version, opens input and output. Exits with
 * a message on wrong usage. */
void hap_program_begin(struct hap_program *program,
                       const struct hap_program_info *info, int argc,
                       char **argv, void *options);

/* Prints "NAME: MESSAGE" and exits with the code's status when rc < 0;
 * returns rc otherwise. Outputs that are open leave no file. */
int hap_must(struct hap_program *program, int rc);
_Noreturn void hap_die(struct hap_program *program, int code,
                       const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Refuses (HAP_EUSAGE) a file to read, "-" for standard input, that is the file of -o. Operands
 * that are streams and the model are checked by hap_program_begin. */
void hap_program_reads(struct hap_program *program, const char *path);

/* Removes all temporary files, then ends the program by the signal's default action.
 * The handler of signals that a program does not catch itself; may be called from
 * other handlers. */
void hap_die_by_signal(int number);

/* Prints a line "NAME: …" on standard error, unless -q. */
void hap_say(const struct hap_program *program, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* The same for an error that does not end the program at once: -q does not silence it. */
void hap_complain(const struct hap_program *program, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* A new header of `kind`: a copy of `from` (may be NULL) without its hap, kind, requires
 * and history, and with a history of `from`'s entries and this program's, which names the
 * sections read (provenance.h). New reference. */
json_t *hap_program_header(const struct hap_program *program, const char *kind,
                           const json_t *from);

/* The output of a program without HAP_USES_STREAM: standard output, or the temporary
 * file of -o, which hap_program_end renames. */
FILE *hap_program_text(struct hap_program *program);

/* A function that returns a warning to print after the summary line, or NULL. May be called
 * by any thread. */
void hap_program_warn_by(const char *(*find)(void));

/* Reads and checks the rest of the input (-p copies it), closes input and output, and
 * prints the summary line on standard error unless -q: the number done, `what` (a
 * plural), seconds, peak memory. Returns the exit status. */
int hap_program_end(struct hap_program *program, size_t done, const char *what);

#endif
