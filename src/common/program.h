/* What every program shares: the option table, help, input and output, and
 * dying. Only programs use it; the library never exits.
 *
 *      static const struct hap_option options[] = {
 *              {'n', "number", "N", HAP_INT, offsetof(struct task_options, n),
 *               "prompts to write [200]", .min = 1, .max = 40000},
 *              {0},
 *      };
 *
 * The table drives parsing, -h, and the test that compares both with the page.
 * Options that all have: -m MODEL, -j THREADS, -o FILE, -q, -p, -z, -h,
 * --max-memory SIZE, --version; a program says with `uses` which of -m -p -z
 * --max-memory make sense for it, and whether -j has an effect: all take it. */
#ifndef HAP_COMMON_PROGRAM_H
#define HAP_COMMON_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/error.h"
#include "common/number.h"
#include "common/stream.h"

enum hap_option_type {
        HAP_FLAG = 1, /* bool */
        HAP_TEXT,     /* const char * */
        HAP_INT,      /* int64_t, with min and max */
        HAP_REAL,     /* double, with min and max */
        HAP_COUNT_OR_PERCENT,   /* struct hap_count_or_percent: N or P% */
        HAP_PERCENT,    /* struct hap_count_or_percent: P% */
        HAP_SIZE,     /* size_t: bytes, as 900M */
        HAP_CHOICE,   /* int: the index in `choices`, or of the row in `rows` */
        HAP_TEXTS,    /* struct hap_texts: may be given several times */
};

struct hap_texts {
        const char **items;
        size_t n;
};

struct hap_option {
        char letter; /* 0: only a long name */
        const char *name;
        const char *argument; /* what help calls it; NULL for a flag */
        enum hap_option_type type;
        size_t offset; /* of its field in the program's options */
        const char *help;
        double min, max;
        const char *const *choices; /* NULL-terminated */
        /* Or the rows of a table, whose first member is their name, a const char *;
         * NULL in the last row. */
        const void *rows;
        size_t row_size;
        bool unrecorded; /* does not change the output: kept out of history */
};

enum hap_uses {
        HAP_USES_MODEL = 1,   /* -m */
        HAP_USES_INPUT = 2,   /* operands are streams to read */
        HAP_USES_PASS = 4,    /* -p */
        HAP_USES_STREAM = 8,  /* writes a stream: -o, -z, no terminal */
        HAP_USES_THREADS = 16, /* -j has an effect */
        HAP_USES_MEMORY = 32   /* --max-memory */
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
        /* What replaced an option that does not exist any more ("--set NAME=VALUE"),
         * or NULL; text has room for 128 bytes. NULL: nothing was replaced. */
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
        bool quiet, pass, gzip;
        char **operands;
        int n_operands;
        struct hap_stream_in *in;  /* open when HAP_USES_INPUT */
        struct hap_stream_out *out; /* open when HAP_USES_STREAM */
        json_t *history;        /* this program's entry */
        FILE *text;             /* what hap_program_text gave */
        double started;         /* for the closing line */
        double shown;           /* when progress was last drawn; 0: it is not */
        void *options;
};

/* Parses, answers -h and --version, opens input and output. Dies on misuse. */
void hap_program_begin(struct hap_program *program,
                       const struct hap_program_info *info, int argc,
                       char **argv, void *options);

/* Prints "NAME: MESSAGE" and exits with the code's status when rc < 0;
 * returns rc otherwise. Writers that are open leave no file. */
int hap_must(struct hap_program *program, int rc);
_Noreturn void hap_die(struct hap_program *program, int code,
                       const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Removes the files beside of all writers, then dies as by the signal: what a signal
 * does that the program does not catch itself. For signal handlers, too. */
void hap_die_by_signal(int number);

/* A line of talk on standard error, unless -q: "NAME: …". */
void hap_say(const struct hap_program *program, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* A header of `kind` made of what `from` (NULL allowed) says of model, task,
 * graph, method and so on (everything but hap, kind, requires, history), with
 * history: that of `from` and this program's entry. New reference. */
json_t *hap_program_header(const struct hap_program *program, const char *kind,
                           const json_t *from);
/* Adds to a header's history the entries of another input's that it lacks. */
void hap_header_join(json_t *header, const json_t *other);
/* The name of a header's task or method, each of which is a name or an object that has
 * one: it belongs to the header; "" when there is none. */
const char *hap_header_name(const json_t *header, const char *key);

/* Where a program without HAP_USES_STREAM prints: standard output, or the file
 * of -o, which hap_program_end renames into its place. */
FILE *hap_program_text(struct hap_program *program);

/* Reads and checks what is left of the input (with -p it is copied), closes
 * output and input, prints the closing line (`what` things done, a
 * plural, seconds, peak memory) on standard error unless -q; returns the exit status. */
int hap_program_end(struct hap_program *program, size_t done, const char *what);

/* Progress on a terminal's standard error only, at most ten times a second;
 * never for -q. `note` is put behind the count (may be NULL). */
void hap_progress(struct hap_program *program, size_t done, size_t total,
                  const char *note);
/* Takes the progress line away, before other talk. */
void hap_progress_clear(struct hap_program *program);

/* --- the option table's own part, see options.c --- */

/* Fills the fields of `program` and its options from the command line and
 * collects the arguments for the history; *asked is 'h' or 'V' when help or
 * the version is wanted. HAP_EUSAGE: what is wrong. */
int hap_options_parse(struct hap_program *program, int argc, char **argv, int *asked);
/* Prints the help that the table gives. */
void hap_options_help(const struct hap_program_info *info, FILE *out);
/* Parses the text as a value of the option and stores it in its field of the struct at
 * `base`. `what` names it in messages ("option '--steps'"). HAP_EUSAGE: what is wrong. */
int hap_option_set(const struct hap_option *option, void *base, const char *what,
                   const char *text, struct hap_error *err);
/* Prints "; a number from 0 to 1" or the like, as the help does after each option. */
void hap_option_print_type(const struct hap_option *option, FILE *out);
/* The name of choice i of a HAP_CHOICE, or NULL after the last one. */
const char *hap_option_choice(const struct hap_option *option, int i);

#endif
