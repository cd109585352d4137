#include "show/drawing.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "show/show_phrase.h"


/* Drawn of scores, and of a circuit of whole nodes, which has nearly all edges between them. */
enum { USUAL_EDGES = 200 };

static int compare_strength(const void *a, const void *b)
{
        const struct hap_drawn *x = a, *y = b;

        if (x->strength != y->strength)
                return x->strength < y->strength ? -1 : 1;
        return x->edge > y->edge ? -1 : x->edge < y->edge;
}

/* The last circuit or the last scores; over `graph`, unless it is NULL. */
static const struct hap_section *last_section(const struct hap_show *show, bool circuit,
                                              const struct hap_graph *graph)
{
        for (size_t i = show->n; i-- > 0;) {
                const struct hap_section *s = &show->sections[i];

                if (s->kind == HAP_SHOW_EDGES && (s->edges.z != NULL) == circuit &&
                    (!graph || hap_graph_equal(graph, &s->edges.graph)))
                        return s;
        }
        return NULL;
}

/* live: z without the dead edges; NULL: no edge is dead. */
static void mark_dead(struct hap_drawing *d, const float *live)
{
        for (size_t i = 0; i < d->n; i++) {
                d->edges[i].dead = live && !(live[d->edges[i].edge] > 0);
                d->n_live += !d->edges[i].dead;
        }
        d->n_kept = d->n;
}

/* Scales strengths to at most 1, sorts by them and keeps only the `top` strongest. */
static void order_edges(struct hap_drawing *d, size_t top)
{
        double max = 0;

        for (size_t i = 0; i < d->n; i++)
                max = fmax(max, d->edges[i].strength);
        for (size_t i = 0; i < d->n; i++)
                d->edges[i].strength = max > 0 ? d->edges[i].strength / max : 1;
        qsort(d->edges, d->n, sizeof *d->edges, compare_strength);
        if (top > 0 && d->n > top) {
                for (size_t i = 0; i < top; i++)
                        d->edges[i] = d->edges[d->n - top + i];
                d->n = top;
        }
        d->graded = d->n > 0 && d->edges[0].strength < d->edges[d->n - 1].strength;
}

static void count_degrees(struct hap_drawing *d)
{
        for (size_t i = 0; i < d->n; i++) {
                int reader = hap_graph_edge_reader(d->graph, d->edges[i].edge);
                int fed = hap_graph_reader_node(d->graph, reader);

                if (d->edges[i].dead)
                        continue;
                d->out[hap_graph_edge_writer(d->graph, d->edges[i].edge)]++;
                if (fed < 0)
                        d->into_logits++;
                else
                        d->in[fed]++;
        }
}

/* Whether hap-select --nodes made the circuit. */
static bool is_of_nodes(const json_t *header)
{
        return json_is_true(json_object_get(json_object_get(header, "selection"), "nodes"));
}

int hap_drawing_init(struct hap_drawing *d, const struct hap_show *show, size_t top,
                     struct hap_error *err)
{
        const struct hap_section *circuit = last_section(show, true, NULL), *scores;
        const struct hap_edges *edges;
        float *live = NULL;

        *d = (struct hap_drawing){0};
        scores = last_section(show, false, circuit ? &circuit->edges.graph : NULL);
        d->section = circuit ? circuit : scores;
        if (!d->section)
                return hap_fail(err, HAP_EINPUT,
                                "there is nothing to draw: the input has no circuit and no scores");
        edges = &d->section->edges;
        d->graph = &edges->graph;
        d->values_are_z = circuit != NULL;
        d->by_score = scores != NULL;
        d->edges = malloc((edges->n_given + 1) * sizeof *d->edges);
        d->in = calloc((size_t)d->graph->n_writers, sizeof *d->in);
        d->out = calloc((size_t)d->graph->n_writers, sizeof *d->out);
        if (edges->z)
                live = malloc(d->graph->n_edges * sizeof *live);
        if (!d->edges || !d->in || !d->out || (edges->z && !live)) {
                free(live);
                hap_drawing_release(d);
                return hap_fail_memory(err, "the picture");
        }
        for (size_t e = 0; e < d->graph->n_edges; e++) {
                struct hap_drawn drawn = {.edge = e, .z = 1};

                if (!edges->given[e])
                        continue;
                if (edges->z)
                        drawn.z = (double)edges->z[e];
                if (scores)
                        drawn.score = scores->edges.score[e];
                drawn.strength = scores ? fabs(drawn.score) : drawn.z;
                d->edges[d->n++] = drawn;
        }
        if (live) {
                memcpy(live, edges->z, d->graph->n_edges * sizeof *live);
                hap_graph_drop_dead(d->graph, live);
        }
        mark_dead(d, live);
        free(live);
        if (circuit) /* of a circuit, edges that are not drawn count too */
                count_degrees(d);
        order_edges(d, top || (circuit && !is_of_nodes(circuit->header)) ? top : USUAL_EDGES);
        if (!circuit)
                count_degrees(d);
        return HAP_OK;
}

void hap_drawing_release(struct hap_drawing *d)
{
        free(d->edges);
        free(d->in);
        free(d->out);
        *d = (struct hap_drawing){0};
}

/* --- title --- */

void hap_drawing_title(const struct hap_drawing *d, char *title)
{
        const json_t *header = d->section->header;
        char task[HAP_PHRASE], model[HAP_PHRASE], method[HAP_PHRASE];

        hap_phrase_task(header, task);
        hap_phrase_model(header, model);
        hap_phrase_method(header, method);
        snprintf(title, HAP_TITLE, "%s%s%s%s%s", task, *task && *model ? " on " : "", model,
                 *method && (*task || *model) ? ", " : "", method);
        if (!*title)
                snprintf(title, HAP_TITLE, "%s", d->values_are_z ? "circuit" : "scores");
}

void hap_drawing_counts(const struct hap_drawing *d, char *text)
{
        const struct hap_graph *g = d->graph;
        char kept[32], all[32], part[80] = "";
        int heads = 0, mlps = 0, length;

        for (int w = g->n_inputs; w < g->n_writers; w++) {
                bool drawn = d->in[w] + d->out[w] > 0;

                if (hap_graph_writer(g, w).kind == HAP_WRITES_MLP)
                        mlps += drawn;
                else
                        heads += drawn;
        }
        hap_phrase_count(d->values_are_z ? d->n_kept : d->n, kept);
        hap_phrase_count(g->n_edges, all);
        if (d->values_are_z && d->n_live < d->n_kept)
                snprintf(part, sizeof part, " (%zu live)", d->n_live);
        if (d->values_are_z && d->n < d->n_kept)
                snprintf(part, sizeof part, " (%zu drawn)", d->n);
        length = snprintf(text, HAP_TITLE, "%s%s of %s edges%s", d->values_are_z ? "" : "best ",
                          kept, all, part);
        if (d->values_are_z)
                length += snprintf(text + length, (size_t)(HAP_TITLE - length),
                                   ", sparsity %.1f %%",
                                   100 * (1 - (double)d->n_kept / (double)g->n_edges));
        snprintf(text + length, (size_t)(HAP_TITLE - length), ", %d of %d heads, %d of %d MLPs",
                 heads, g->n_layers * g->n_heads, mlps, g->n_layers);
}
