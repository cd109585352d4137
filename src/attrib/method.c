#include "attrib/method.h"

#include "attrib/gradient.h"
#include "attrib/mask.h"

static const struct hap_method eap = {
        .name = "eap",
        .help = "gradient at the clean run",
        .needs = HAP_NEEDS_SLOPE_AT_FULL_MODEL,
        .runs = HAP_MEMORY_GRADIENTS,
        .run = hap_method_eap,
};

static const struct hap_method eap_ig_inputs = {
        .name = "eap-ig-inputs",
        .help = "mean gradient over K runs with inputs between corrupted and clean",
        .needs = HAP_NEEDS_STEPS,
        .runs = HAP_MEMORY_GRADIENTS,
        .run = hap_method_eap_ig_inputs,
};

static const struct hap_method clean_corrupted = {
        .name = "clean-corrupted",
        .help = "mean gradient at the clean and at the corrupted input",
        .runs = HAP_MEMORY_GRADIENTS,
        .run = hap_method_clean_corrupted,
};

static const struct hap_method eap_ig_activations = {
        .name = "eap-ig-activations",
        .help = "mean gradient over K runs for each group of writers",
        .needs = HAP_NEEDS_STEPS,
        .runs = HAP_MEMORY_GRADIENTS,
        .run = hap_method_eap_ig_activations,
};

static const struct hap_method exact = {
        .name = "exact",
        .help = "the loss without the edge minus the loss, one run per edge",
        .runs = HAP_MEMORY_MASKED,
        .run = hap_method_exact,
};

static const struct hap_method mask_gradient = {
        .name = "mask-gradient",
        .help = "gradient by the edge's mask, at a circuit",
        .needs = HAP_NEEDS_CIRCUIT | HAP_NEEDS_SLOPE_AT_FULL_MODEL,
        .runs = HAP_MEMORY_TRAINING,
        .run = hap_method_mask_gradient,
};

const struct hap_method *const hap_methods[] = {
        &eap, &eap_ig_inputs, &clean_corrupted, &eap_ig_activations, &exact, &mask_gradient, NULL,
};

const char *hap_method_choice(int i, const char **help)
{
        if (!hap_methods[i])
                return NULL;
        *help = hap_methods[i]->help;
        return hap_methods[i]->name;
}
