#include "prune/avoid.h"

#include <math.h>
#include <stdlib.h>
#include <xxhash.h>

#include "data/circuit_file.h"

/* A checkpoint of another circuit to avoid is another run's. */
static uint64_t identity_with(const struct hap_pruning *p, const float *avoid)
{
        const uint64_t parts[] = {p->checkpoint.identity,
                                  XXH3_64bits(avoid, p->graph->n_edges * sizeof *avoid),
                                  XXH3_64bits(&p->options->weight, sizeof p->options->weight)};

        return XXH3_64bits(parts, sizeof parts);
}

int hap_prune_avoid_read(struct hap_pruning *p, const char *examples_name, struct hap_error *err)
{
        const struct hap_prune_options *o = p->options;
        int rc;

        if (o->avoid.n == 0)
                return HAP_OK;
        p->avoid = calloc(p->graph->n_edges, sizeof *p->avoid);
        if (!p->avoid)
                return hap_fail_memory(err, "the edges");
        rc = hap_circuit_files_read(o->avoid.items, o->avoid.n, p->masked_kl.engine,
                                    examples_name, p->avoid, err);
        if (rc < 0)
                return rc;
        p->n_avoid = hap_graph_count_kept(p->graph, p->avoid);
        p->masked_kl.avoid = p->avoid;
        p->masked_kl.cost = p->n_avoid ? o->weight / (double)p->n_avoid : 0;
        p->checkpoint.identity = identity_with(p, p->avoid);
        return HAP_OK;
}

static size_t count_shared(const struct hap_pruning *p, const struct hap_pruned *pruned)
{
        size_t shared = 0;

        for (size_t e = 0; e < p->graph->n_edges; e++)
                shared += p->avoid[e] > 0 && pruned->z[e] > 0;
        return shared;
}

void hap_prune_avoid_end(struct hap_pruning *p)
{
        if (!p->avoid)
                return;
        p->n_shared = count_shared(p, &p->result);
        p->kl -= p->masked_kl.cost * (double)p->n_shared;
        p->masked_kl.avoid = NULL;
}

void hap_prune_avoid_describe(const struct hap_pruning *p, const struct hap_pruned *pruned,
                              json_t *description)
{
        size_t shared, all;

        if (!p->avoid || !description)
                return;
        shared = count_shared(p, pruned);
        all = p->n_avoid + pruned->kept - shared;
        json_object_set_new(description, "avoided",
                            json_pack("{s:f, s:I, s:I, s:f}", "weight", p->options->weight,
                                      "edges", (json_int_t)p->n_avoid, "shared",
                                      (json_int_t)shared, "iou",
                                      all ? (double)shared / (double)all : 0));
}
