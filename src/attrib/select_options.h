/* The options of hap-select. Only hap-select uses them. */
#ifndef HAP_ATTRIB_SELECT_OPTIONS_H
#define HAP_ATTRIB_SELECT_OPTIONS_H

#include "attrib/algebra.h"
#include "common/program.h"

struct select_options {
        struct hap_selection_options settings;
        struct hap_algebra_options sets;
        bool keep_dead, search;
        double tolerance;
        int64_t prompts;
        int ablation;
        struct hap_texts always;
};

/* Whether a selection of scores is asked for, without --auto. */
bool hap_selects_scores(const struct select_options *opt);

/* Ends the program if options do not fit each other, and sets the defaults of --auto. */
void hap_select_check_options(struct hap_program *p, struct select_options *opt);

#endif
