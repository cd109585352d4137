#include "forward/rules.h"

const struct hap_rules hap_rules_derivative = {0};

const struct hap_rules hap_rules_relevance = {
        .constant_scale = true,
        .constant_pattern = true,
        .activation_ratio = true,
        .gate_halves = true,
};
