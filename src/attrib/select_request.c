#include "attrib/select_request.h"

#include <math.h>

const struct hap_select_request hap_select_request_none = {
        .settings.threshold = -INFINITY, .tolerance = -1, .ablation = -1,
};

static int check_bootstrap(const struct hap_select_request *r, struct hap_error *err)
{
        if (r->search && r->bootstrap)
                return hap_fail(err, HAP_EUSAGE, "--auto cannot be combined with --bootstrap");
        if (!r->confidence.given)
                return HAP_OK;
        if (!r->bootstrap)
                return hap_fail(err, HAP_EUSAGE, "--confidence can only be used with --bootstrap");
        return r->confidence.value > 0 && r->confidence.value < 100
                       ? HAP_OK : hap_fail(err, HAP_EUSAGE, "--confidence must be above 0%% and "
                                           "below 100%%");
}

int hap_select_request_check(struct hap_select_request *r, const char *model,
                             struct hap_error *err)
{
        const char *only = r->tolerance >= 0 ? "--tolerance" : r->prompts > 0 ? "--prompts" :
                           r->ablation >= 0  ? "--ablation"  : model          ? "-m" : NULL;

        if (!r->search && only)
                return hap_fail(err, HAP_EUSAGE, "%s can only be used with --auto", only);
        if (r->search && r->settings.keep.given)
                return hap_fail(err, HAP_EUSAGE, "--keep cannot be combined with --auto");
        if (r->settings.nodes && (r->search || r->bootstrap > 0))
                return hap_fail(err, HAP_EUSAGE, "--nodes cannot be combined with --auto or --bootstrap");
        if (r->search && r->together)
                return hap_fail(err, HAP_EUSAGE, "--auto cannot be combined with --union");
        if (check_bootstrap(r, err) < 0)
                return err->code;
        if (!r->search && !r->settings.keep.given && !r->bootstrap &&
            !(r->settings.threshold > -INFINITY))
                return hap_fail(err, HAP_EUSAGE,
                                "one of --keep, --threshold, --auto and --bootstrap is needed");
        r->tolerance = r->tolerance < 0 ? 0.1 : r->tolerance;
        r->prompts = r->prompts ? r->prompts : 32;
        r->ablation = r->ablation < 0 ? 0 : r->ablation;
        r->confidence.value = r->confidence.given ? r->confidence.value : 95;
        return HAP_OK;
}
