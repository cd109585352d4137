#include "show/show_record.h"

#include <string.h>

const char *hap_text_of(const json_t *record, const char *key)
{
        const char *text = json_string_value(json_object_get(record, key));

        return text ? text : "";
}

double hap_number_of(const json_t *record, const char *key)
{
        return json_number_value(json_object_get(record, key));
}

bool hap_is_of_curve(const json_t *record)
{
        return json_object_get(record, "order") || json_object_get(record, "on");
}

bool hap_is_difference(const json_t *record)
{
        return json_object_get(record, "against") != NULL;
}

bool hap_is_test(const json_t *record)
{
        return json_object_get(record, "test") != NULL;
}

bool hap_is_of_roles(const json_t *record)
{
        static const char *const metrics[] = {"role", "attention", "direct-effect", "edge-effect",
                                              "loading"};

        for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
                if (strcmp(hap_text_of(record, "metric"), metrics[i]) == 0)
                        return true;
        return false;
}

bool hap_is_mean(const json_t *record)
{
        return !json_object_get(record, "id") && !hap_is_of_curve(record) &&
               !hap_is_difference(record) && !hap_is_test(record) && !hap_is_of_roles(record);
}
