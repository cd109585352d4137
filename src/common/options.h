/* The option table of a program: parsing, help and history.
 *
 *      static const struct hap_option options[] = {
 *              {'n', "number", "N", HAP_INT, offsetof(struct task_options, n),
 *               "prompts to write [200]", .min = 1, .max = 40000},
 *              {0},
 *      };
 *
 * The table drives parsing, -h, the history, and the test that compares the help with
 * the manual page. */
#ifndef HAP_COMMON_OPTIONS_H
#define HAP_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/error.h"

struct hap_program;
struct hap_program_info;

enum hap_option_type {
        HAP_FLAG = 1, /* bool */
        HAP_TEXT,     /* const char * */
        HAP_INT,      /* int64_t, with min and max */
        HAP_REAL,     /* double, with min and max */
        HAP_COUNT_OR_PERCENT,   /* struct hap_count_or_percent: N or P% */
        HAP_PERCENT,    /* struct hap_count_or_percent: P% */
        HAP_SIZE,     /* size_t: bytes, as 900M */
        HAP_CHOICE,   /* int: the index in `choices` or of the table's row */
        HAP_TEXTS,    /* struct hap_texts: may be given several times */
};

struct hap_texts {
        const char **items;
        size_t n;
};

struct hap_option {
        char letter; /* 0: only a long name */
        const char *name;
        const char *argument; /* its name in the help; NULL for a flag */
        enum hap_option_type type;
        size_t offset; /* of its field in the program's options */
        const char *help;
        double min, max;
        const char *const *choices; /* HAP_CHOICE: the names, NULL-terminated */
        /* HAP_CHOICE from a table: the name of row i, and its help; NULL after the last
         * row. With HAP_TEXT only the help lists them. */
        const char *(*choice)(int i, const char **help);
        bool unrecorded; /* does not change the output: left out of the history */
};

/* Fills the fields of `program` and its options from the command line and collects the
 * arguments for the history. *asked: 'h' for the help, 'V' for the version, or 0.
 * HAP_EUSAGE: the command line is wrong. */
int hap_options_parse(struct hap_program *program, int argc, char **argv, int *asked);
/* Prints the help: usage, summary, options, notes. */
void hap_options_help(const struct hap_program_info *info, FILE *out);
/* Parses the text as a value of the option and stores it in its field of the struct at
 * `base`. `what` names it in messages ("option '--steps'"). HAP_EUSAGE: the
 * text is not such a value. */
int hap_option_set(const struct hap_option *option, void *base, const char *what,
                   const char *text, struct hap_error *err);
/* Prints "; a number from 0 to 1" or the like, as the help does after each option. */
void hap_option_print_type(const struct hap_option *option, FILE *out);
/* The name of choice i of a HAP_CHOICE, or NULL after the last one. */
const char *hap_option_choice(const struct hap_option *option, int i);

#endif
