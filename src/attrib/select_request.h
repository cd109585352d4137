/* The options of hap-select's command line. */
#ifndef HAP_ATTRIB_SELECT_REQUEST_H
#define HAP_ATTRIB_SELECT_REQUEST_H

#include "attrib/algebra.h"
#include "common/options.h"

struct hap_select_request {
        struct hap_selection_options settings;
        struct hap_algebra_options sets;
        bool keep_dead, search;
        double tolerance;  /* -1: not given */
        int64_t prompts;   /* 0: not given */
        int64_t bootstrap; /* resamples; 0: not given */
        struct hap_count_or_percent confidence;
        int ablation;      /* -1: not given */
        struct hap_texts always;
};

/* Nothing is given. */
extern const struct hap_select_request hap_select_request_none;

/* Whether a selection of scores is asked for, without --auto. */
bool hap_selects_scores(const struct hap_select_request *request);

/* Checks the options and replaces what is not given by its default. model: option -m, or NULL.
 * HAP_EUSAGE: options do not fit each other, or none says how much to select. */
int hap_select_request_check(struct hap_select_request *request, const char *model,
                             struct hap_error *err);

/* The header's "selection", of scores or of a set of circuits. New reference, or NULL. */
json_t *hap_select_request_describe(const struct hap_select_request *request,
                                    const struct hap_selection *selection, bool of_circuits);

#endif
