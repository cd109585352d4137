#include "attrib/same_scores.h"

#include <string.h>

static const char *fingerprint(const json_t *header)
{
        const char *text = json_string_value(
                json_object_get(json_object_get(header, "model"), "fingerprint"));

        return text ? text : "";
}

int hap_scores_check_same(const struct hap_scores_place *first, const struct hap_edges *scores,
                          struct hap_error *err)
{
        const char *here = fingerprint(scores->header), *there = fingerprint(first->header);

        if (!hap_graph_equal(first->graph, &scores->graph))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': its graph is not that of '%s'",
                                scores->name, first->name);
        if (*here && *there && strcmp(here, there) != 0)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': made for model %s, '%s' is from %s",
                                scores->name, here, first->name, there);
        return HAP_OK;
}
