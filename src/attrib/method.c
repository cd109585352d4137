#include "attrib/method.h"

#include "attrib/flow.h"
#include "attrib/grad_drop.h"
#include "attrib/gradient.h"
#include "attrib/mask.h"
#include "attrib/path.h"

static const struct hap_method eap = {
        .name = "eap",
        .help = "gradient at the clean run",
        .needs = HAP_NEEDS_SLOPE_AT_FULL_MODEL,
        .runs = HAP_MEMORY_GRADIENTS,
        .run = hap_method_eap,
};

static const struct hap_method relp = {
        .name = "relp",
        .help = "as eap, with relevance propagation instead of the gradient (RelP)",
        .needs = HAP_NEEDS_SLOPE_AT_FULL_MODEL,
        .runs = HAP_MEMORY_GRADIENTS,
        .rules = &hap_rules_relevance,
        .run = hap_method_eap,
};

static const struct hap_method eap_ig_inputs = {
        .name = "eap-ig-inputs",
        .help = "mean gradient over K runs with inputs between corrupted and clean",
        .needs = HAP_NEEDS_STEPS,
        .steps = 5,
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
        .steps = 5,
        .runs = HAP_MEMORY_GRADIENTS,
        .run = hap_method_eap_ig_activations,
};

static const struct hap_method conductance = {
        .name = "conductance",
        .help = "gradient times the writer's change, over K steps of the input (CEAP)",
        .needs = HAP_NEEDS_STEPS,
        .steps = 5,
        .runs = HAP_MEMORY_GRADIENTS,
        .memory = {.outputs = 2},
        .run = hap_method_conductance,
};

static const struct hap_method eap_gp = {
        .name = "eap-gp",
        .help = "mean gradient over K inputs that approach the corrupted logits (EAP-GP)",
        .needs = HAP_NEEDS_STEPS,
        .steps = 5,
        .whole_model = true,
        .runs = HAP_MEMORY_GRADIENTS,
        .whole_prompts = true,
        .memory = {.outputs = 1},
        .run = hap_method_eap_gp,
};

static const struct hap_method eap_qk = {
        .name = "eap-qk",
        .help = "as eap, but q and k by the exact change of attention (AtP*)",
        .needs = HAP_NEEDS_SLOPE_AT_FULL_MODEL,
        .whole_model = true,
        .runs = HAP_MEMORY_GRADIENTS,
        .exact_patterns = true,
        .memory = {.layers = true},
        .run = hap_method_grad_drop,
};

static const struct hap_method grad_drop = {
        .name = "grad-drop",
        .help = "mean magnitude of eap's score without the gradient of each layer (AtP*)",
        .sign = "a magnitude: corrupting the edge matters",
        .needs = HAP_NEEDS_SLOPE_AT_FULL_MODEL,
        .whole_model = true,
        .runs = HAP_MEMORY_GRADIENTS,
        .single = true,
        .drops_layers = true,
        .by_node = true,
        .memory = {.layers = true},
        .run = hap_method_grad_drop,
};

static const struct hap_method atp_star = {
        .name = "atp-star",
        .help = "grad-drop with q and k as in eap-qk: AtP*",
        .sign = "a magnitude: corrupting the edge matters",
        .needs = HAP_NEEDS_SLOPE_AT_FULL_MODEL,
        .whole_model = true,
        .runs = HAP_MEMORY_GRADIENTS,
        .single = true,
        .drops_layers = true,
        .exact_patterns = true,
        .by_node = true,
        .memory = {.layers = true},
        .run = hap_method_grad_drop,
};

static const struct hap_method ifr = {
        .name = "ifr",
        .help = "the writer's share in the reader's input (information flow routes)",
        .sign = "a share of the reader's input",
        .needs = HAP_NEEDS_NO_LOSS,
        .whole_model = true,
        .runs = HAP_MEMORY_GRADIENTS,
        .whole_prompts = true,
        .run = hap_method_ifr,
};

static const struct hap_method exact = {
        .name = "exact",
        .help = "the loss without the edge minus the loss, one run per edge",
        .by_node = true,
        .runs = HAP_MEMORY_MASKED,
        .run = hap_method_exact,
};

static const struct hap_method growth = {
        .name = "growth",
        .help = "exact score once a circuit is cut, minus the exact score: its backups",
        .sign = "positive: corrupting hurts more once the circuit is cut",
        .needs = HAP_NEEDS_CUT_CIRCUIT,
        .by_node = true,
        .runs = HAP_MEMORY_MASKED,
        .run = hap_method_growth,
};

static const struct hap_method mask_gradient = {
        .name = "mask-gradient",
        .help = "gradient by the edge's mask, at a circuit",
        .needs = HAP_NEEDS_CIRCUIT | HAP_NEEDS_SLOPE_AT_FULL_MODEL,
        .runs = HAP_MEMORY_TRAINING,
        .run = hap_method_mask_gradient,
};

static const struct hap_method mask_ig = {
        .name = "mask-ig",
        .help = "mean gradient by the edge's mask over K steps of all masks from 0 to 1",
        .needs = HAP_NEEDS_STEPS,
        .steps = 5,
        .runs = HAP_MEMORY_TRAINING,
        .run = hap_method_mask_ig,
};

static const struct hap_method ugs = {
        .name = "ugs",
        .help = "gradient by the edge's mask over K random masks (uniform gradient sampling)",
        .needs = HAP_NEEDS_STEPS | HAP_NEEDS_RANDOM,
        .steps = 20,
        .runs = HAP_MEMORY_TRAINING,
        .single = true,
        .run = hap_method_ugs,
};

const struct hap_method *const hap_methods[] = {
        &eap, &relp, &eap_ig_inputs, &clean_corrupted, &eap_ig_activations, &conductance, &eap_gp,
        &eap_qk, &grad_drop, &atp_star, &ifr, &exact, &growth, &mask_gradient, &mask_ig, &ugs, NULL,
};

const char *hap_method_choice(int i, const char **help)
{
        if (!hap_methods[i])
                return NULL;
        *help = hap_methods[i]->help;
        return hap_methods[i]->name;
}
