#include "eval/circuit_ablation.h"

#include <string.h>

/* Whether the object names an ablation, and not this one; *made is the name. */
static bool names_another_ablation(const json_t *object, const struct hap_ablation *ablation,
                                   const char **made)
{
        *made = json_string_value(json_object_get(object, "ablation"));
        return *made && strcmp(*made, ablation->name) != 0;
}

bool hap_circuit_made_otherwise(const json_t *header, const struct hap_ablation *ablation,
                                const char **made)
{
        const json_t *method = json_object_get(header, "method"), *one;
        size_t i;

        if (ablation->learned)
                return false;
        if (json_object_get(header, "ablation"))
                return names_another_ablation(header, ablation, made);
        json_array_foreach(json_object_get(method, "united"), i, one) {
                if (names_another_ablation(one, ablation, made))
                        return true;
        }
        return names_another_ablation(method, ablation, made);
}
