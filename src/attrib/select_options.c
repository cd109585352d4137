#include "attrib/select_options.h"

#include <math.h>

bool hap_selects_scores(const struct select_options *opt)
{
        return opt->settings.keep.given || opt->settings.threshold > -INFINITY;
}

void hap_select_check_options(struct hap_program *p, struct select_options *opt)
{
        const char *only = opt->tolerance >= 0 ? "--tolerance" : opt->prompts > 0 ? "--prompts" :
                           opt->ablation >= 0 ? "--ablation" : p->model ? "-m" : NULL;

        hap_must(p, hap_algebra_check(&opt->sets, hap_selects_scores(opt) || opt->search, &p->error));
        if (!opt->search && only)
                hap_die(p, HAP_EUSAGE, "%s can only be used with --auto", only);
        if (opt->search && opt->settings.keep.given)
                hap_die(p, HAP_EUSAGE, "--keep cannot be combined with --auto");
        if (opt->search && opt->sets.together)
                hap_die(p, HAP_EUSAGE, "--auto cannot be combined with --union");
        if (!opt->search && !hap_selects_scores(opt) && !hap_algebra_asked(&opt->sets))
                hap_die(p, HAP_EUSAGE, "one of --keep, --threshold and --auto is needed");
        opt->tolerance = opt->tolerance < 0 ? 0.1 : opt->tolerance;
        opt->prompts = opt->prompts ? opt->prompts : 32;
        opt->ablation = opt->ablation < 0 ? 0 : opt->ablation;
}
