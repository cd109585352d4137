#include "prune/output.h"

#include <math.h>
#include <stdio.h>

#include "common/number.h"
#include "data/cache.h"
#include "forward/ablation.h"
#include "graph/edges.h"
#include "prune/avoid.h"

#define FAR 0.1 /* difference of sparsities */

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
        json_t *description = hap_pruning_describe(pruning, pruned);

        hap_prune_avoid_describe(pruning, pruned, description);
        hap_cache_undescribe(header);
        json_object_set_new(header, "ablation",
                            json_string(hap_ablations[pruning->options->ablation]->name));
        json_object_set_new(header, "pruning", description);
        json_object_set_new(header, "ranking", describe_ranking(pruning, pruned));
        hap_must(p, hap_circuit_write_ranked(out, header, pruning->graph, pruned->z,
                                             pruning->ranking, pruned->cost, &p->error));
        json_decref(header);
}

/* Warns of masks that ended far from the target: training then did not choose the circuit. */
void hap_prune_say(struct hap_program *p, const struct hap_pruning *pruning)
{
        const struct hap_pruned *result = &pruning->result;
        const double n = (double)pruning->graph->n_edges;
        char kl[96] = "", target[32] = "", by[64] = "";

        hap_progress_clear(p);
        if (!isnan(pruning->kl))
                snprintf(kl, sizeof kl, ", KL %.4g on the %lld training prompts that chose it",
                         pruning->kl, (long long)pruning->kl_on);
        if (!isnan(pruning->target))
                snprintf(target, sizeof target, " for %.2f%%", 100 * pruning->target);
        if (!isnan(pruning->threshold))
                snprintf(by, sizeof by, " by %s %.4g", pruning->options->recipe->sized_by,
                         pruning->threshold);
        hap_say(p, "sparsity %.2f%%%s%s: %zu of %.0f edges, %zu dead ones dropped%s; "
                   "%.0f masked runs", 100 * (1 - (double)result->kept / n), target, by,
                result->kept, n, result->dead, kl, pruning->masked_kl.runs);
        if (pruning->avoid)
                hap_say(p, "%zu of these edges are among the %zu to avoid", pruning->n_shared,
                        pruning->n_avoid);
        if ((result->exact || !isnan(pruning->threshold)) && result->kept < pruning->n_target)
                hap_say(p, "a circuit of exactly %zu edges was not found", pruning->n_target);
        if (result->exact && pruning->target - result->soft > FAR)
                hap_say(p, "the masks ended at a sparsity of %.1f%%, far from %.1f%%: edges were "
                           "cut that training had not closed; increase --steps",
                        100 * result->soft, 100 * pruning->target);
}
