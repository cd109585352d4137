#include "eval/circuits.h"

#include <stdlib.h>
#include <string.h>

int hap_circuit_list_read(struct hap_circuit_list *list, struct hap_stream_in *in,
                          const json_t *header, struct hap_error *err)
{
        struct hap_edges *items = reallocarray(list->items, list->n + 1, sizeof *items);
        int rc;

        if (!items)
                return hap_fail_memory(err, "circuits");
        list->items = items;
        rc = hap_edges_read(in, header, items + list->n, err);
        list->n += rc >= 0;
        return rc;
}

void hap_circuit_list_release(struct hap_circuit_list *list)
{
        for (size_t i = 0; i < list->n; i++)
                hap_edges_release(list->items + i);
        free(list->items);
        *list = (struct hap_circuit_list){0};
}

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
