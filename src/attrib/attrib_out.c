#include "attrib/attrib_out.h"

#include <stdlib.h>

#include "attrib/node_scores.h"
#include "graph/edges.h"

const char *hap_attrib_kind(const struct hap_attrib_options *options)
{
        return options->nodes ? "node-scores" : "scores";
}

json_t *hap_attrib_describe(const struct hap_attrib_options *options)
{
        const struct hap_method *method = options->method;
        json_t *about = json_pack("{s:s}", "name", method->name);
        int rc = about ? 0 : -1;

        if (!(method->needs & HAP_NEEDS_NO_LOSS))
                rc |= json_object_update_new(about, json_pack("{s:s, s:s}", "metric",
                                                              options->metric->name, "ablation",
                                                              options->ablation->name));
        rc |= json_object_set_new(about, "sign", json_string(
                method->sign ? method->sign : "positive: corrupting the edge hurts"));
        if (options->bf16)
                rc |= json_object_set_new(about, "precision", json_string("bf16"));
        if (method->needs & HAP_NEEDS_STEPS)
                rc |= json_object_set_new(about, "steps", json_integer(options->steps));
        if (method->needs & HAP_NEEDS_RANDOM)
                rc |= json_object_update_new(about, json_pack("{s:f, s:I}", "open",
                                                              options->open_share, "seed",
                                                              (json_int_t)options->seed));
        if (rc == 0)
                return about;
        json_decref(about);
        return NULL;
}

int hap_attrib_write(const struct hap_attrib *attrib, struct hap_stream_out *out, json_t *header,
                     struct hap_error *err)
{
        const struct hap_graph *graph = &attrib->engine->graph;
        double *score = calloc(attrib->n_scores, sizeof *score);
        int rc;

        if (!score || json_object_set_new(header, "examples",
                                          json_integer((json_int_t)attrib->n)) < 0) {
                free(score);
                return hap_fail_memory(err, "scores");
        }
        hap_attrib_scores(attrib, score);
        rc = attrib->options.nodes ? hap_node_scores_write(out, header, graph, score, err)
                                   : hap_scores_write(out, header, graph, score, NULL, err);
        free(score);
        return rc;
}
