#include "prune/output.h"

#include "common/number.h"
#include "data/cache.h"
#include "forward/ablation.h"
#include "graph/edges.h"

/* The header's "ranking": what the scores of the records are, and the prompts that costs were
 * measured on. A new reference, or NULL. */
static json_t *describe_ranking(const struct hap_pruning *pruning, const struct hap_pruned *pruned)
{
        const size_t on = hap_min((size_t)pruning->options->cost_on, pruning->prompts->n);
        json_t *ranking = json_pack("{s:s}", "by", pruning->options->recipe->ranking);

        if (ranking && pruned->cost)
                json_object_set_new(ranking, "cost_on", json_integer((json_int_t)on));
        return ranking;
}

void hap_prune_write(struct hap_program *p, const struct hap_inputs *inputs,
                     const struct hap_pruning *pruning, const struct hap_pruned *pruned,
                     struct hap_stream_out *out)
{
        json_t *header = hap_program_header(p, "circuit", inputs->header);

        hap_cache_undescribe(header);
        json_object_set_new(header, "ablation",
                            json_string(hap_ablations[pruning->options->ablation]->name));
        json_object_set_new(header, "pruning", hap_pruning_describe(pruning, pruned));
        json_object_set_new(header, "ranking", describe_ranking(pruning, pruned));
        hap_must(p, hap_circuit_write_ranked(out, header, pruning->graph, pruned->z,
                                             pruning->ranking, pruned->cost, &p->error));
        json_decref(header);
}
