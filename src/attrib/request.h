/* The options of hap-attrib's command line. */
#ifndef HAP_ATTRIB_REQUEST_H
#define HAP_ATTRIB_REQUEST_H

#include "attrib/attrib.h"
#include "common/number.h"

struct hap_attrib_request {
        int method, metric, ablation, precision, merge, dtype; /* -1: not given */
        int64_t steps, prompts; /* 0: not given */
        int64_t seed;  /* -1: not given */
        struct hap_count_or_percent open;
        bool nodes, per_example, split_input, experts;
        const char *positions;
};

/* Nothing is given. */
extern const struct hap_attrib_request hap_attrib_request_none;

/* HAP_EUSAGE: an option is given that has no effect with the others. */
int hap_attrib_request_check(const struct hap_attrib_request *request, struct hap_error *err);

/* z: the masks of a circuit in the input, or NULL. */
struct hap_attrib_options hap_attrib_request_options(const struct hap_attrib_request *request,
                                                     const float *z);

#endif
