#include "eval/circuits.h"

#include <string.h>

/* Whether `said` has an ablation, and another; *made is its name. */
static bool says_another(const json_t *said, enum hap_ablation ablation, const char **made)
{
        *made = json_string_value(json_object_get(said, "ablation"));
        return *made && strcmp(*made, hap_ablation_names[ablation]) != 0;
}

bool hap_circuit_made_otherwise(const json_t *header, enum hap_ablation ablation,
                                const char **made)
{
        const json_t *method = json_object_get(header, "method"), *one;
        size_t i;

        if (ablation == HAP_OPTIMAL)
                return false;
        if (json_object_get(header, "ablation"))
                return says_another(header, ablation, made);
        json_array_foreach(json_object_get(method, "united"), i, one) {
                if (says_another(one, ablation, made))
                        return true;
        }
        return says_another(method, ablation, made);
}
