/* The options of hap-select's command line. */
#ifndef HAP_ATTRIB_SELECT_REQUEST_H
#define HAP_ATTRIB_SELECT_REQUEST_H

#include "attrib/select.h"
#include "common/options.h"

struct hap_select_request {
        struct hap_selection_options settings;
        bool keep_dead, together, search;
        double tolerance;  /* -1: not given */
        int64_t prompts;   /* 0: not given */
        int64_t bootstrap; /* resamples; 0: not given */
        struct hap_count_or_percent confidence;
        int ablation;      /* -1: not given */
        struct hap_texts always;
};

/* Nothing is given. */
extern const struct hap_select_request hap_select_request_none;

/* Checks the options and replaces what is not given by its default. model: option -m, or NULL.
 * HAP_EUSAGE: options do not fit each other, or none says how much to select. */
int hap_select_request_check(struct hap_select_request *request, const char *model,
                             struct hap_error *err);

#endif
