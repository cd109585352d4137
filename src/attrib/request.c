#include "attrib/request.h"

#include "forward/bf16.h"

const struct hap_attrib_request hap_attrib_request_none = {
        .method = -1, .metric = -1, .ablation = -1, .precision = -1, .merge = -1, .dtype = -1,
        .seed = -1,
};

static const struct hap_method *method_of(const struct hap_attrib_request *r)
{
        return hap_methods[r->method < 0 ? 0 : r->method];
}

int hap_attrib_request_check(const struct hap_attrib_request *r, struct hap_error *err)
{
        const unsigned needs = method_of(r)->needs;
        const struct {
                const char *name;
                bool given, used;
        } options[] = {
                {"--steps", r->steps, needs & HAP_NEEDS_STEPS},
                {"--open", r->open.given, needs & HAP_NEEDS_RANDOM},
                {"--seed", r->seed >= 0, needs & HAP_NEEDS_RANDOM},
                {"--metric", r->metric >= 0, !(needs & HAP_NEEDS_NO_LOSS)},
                {"--ablation", r->ablation >= 0, !(needs & HAP_NEEDS_NO_LOSS)},
                {"--method", r->method >= 0, true},
                {"--precision", r->precision >= 0, true},
                {"--nodes", r->nodes, true},
                {"--prompts", r->prompts > 0, true},
                {"--per-example", r->per_example, true},
                {"--split-input", r->split_input, true},
                {"--experts", r->experts, true},
                {"--positions", r->positions, true},
        };

        for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
                if (options[i].given && r->merge >= 0)
                        return hap_fail(err, HAP_EUSAGE, "%s cannot be combined with --merge",
                                        options[i].name);
                if (options[i].given && !options[i].used)
                        return hap_fail(err, HAP_EUSAGE, "%s has no effect with method '%s'",
                                        options[i].name, method_of(r)->name);
        }
        if (r->dtype >= 0 && !r->per_example)
                return hap_fail(err, HAP_EUSAGE, "--dtype can only be used with --per-example");
        if (r->open.given && (r->open.value <= 0 || r->open.value >= 100))
                return hap_fail(err, HAP_EUSAGE, "--open must be above 0%% and below 100%%");
        return HAP_OK;
}

struct hap_attrib_options hap_attrib_request_options(const struct hap_attrib_request *r,
                                                     const float *z)
{
        return (struct hap_attrib_options){
                .method = method_of(r),
                .metric = r->metric < 0 ? &hap_metric_logit_diff
                                        : hap_metric_with_gradient(r->metric),
                .steps = r->steps ? (int)r->steps : method_of(r)->steps,
                .seed = r->seed < 0 ? 0 : (uint64_t)r->seed,
                .open_share = r->open.given ? r->open.value / 100 : 0.5,
                .prompts = (size_t)r->prompts,
                .nodes = r->nodes,
                .single = r->per_example,
                .ablation = method_of(r)->needs & HAP_NEEDS_NO_LOSS ? &hap_zero /* no runs */
                            : hap_ablations[r->ablation < 0 ? 0 : r->ablation],
                .bf16 = r->precision == HAP_PRECISION_BF16,
                .z = z,
        };
}
