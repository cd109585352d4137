/* What edges are ranked by. */
#include <math.h>

#include "show/drawing.h"

const struct hap_section *hap_scores_for(const struct hap_show *show,
                                         const struct hap_graph *graph)
{
        for (size_t i = show->n; i-- > 0;) {
                const struct hap_section *s = &show->sections[i];

                if (s->kind == HAP_SHOW_EDGES && !s->edges.z &&
                    hap_graph_equal(graph, &s->edges.graph))
                        return s;
        }
        return NULL;
}

bool hap_is_graded(const struct hap_edges *edges)
{
        float least = 1, most = 0;

        for (size_t e = 0; edges->z && e < edges->graph.n_edges; e++) {
                if (!edges->given[e])
                        continue;
                least = fminf(least, edges->z[e]);
                most = fmaxf(most, edges->z[e]);
        }
        return most > least;
}

bool hap_ranked_by_size(const struct hap_edges *edges, const struct hap_edges *scores)
{
        return scores || edges->score || (edges->ranking && edges->ranked_by_size);
}

const char *hap_ranked_by(const struct hap_edges *edges, const struct hap_edges *scores)
{
        return hap_ranked_by_size(edges, scores) ? "score"
               : edges->ranking       ? "ranking"
               : edges->cost          ? "cost"
               : hap_is_graded(edges) ? "z" : NULL;
}

double hap_edge_rank(const struct hap_edges *edges, const struct hap_edges *scores, size_t edge)
{
        const double *values = scores           ? scores->score
                               : edges->score   ? edges->score
                               : edges->ranking ? edges->ranking : edges->cost;

        if (!values)
                return edges->z ? (double)edges->z[edge] : 0;
        return isfinite(values[edge]) ? values[edge] : 0;
}

int hap_check_ranking(const struct hap_edges *edges, const struct hap_edges *scores, size_t top,
                      struct hap_error *err)
{
        if (top == 0 || top >= edges->n_given || hap_ranked_by(edges, scores))
                return HAP_OK;
        return hap_fail(err, HAP_EINPUT, "cannot tell the %zu strongest edges of '%s': the circuit "
                        "carries no ranking; give scores as well, such as hap-show ioi.scores %s",
                        top, edges->name, edges->name);
}
