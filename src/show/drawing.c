#include "show/drawing.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "common/number.h"

enum { USUAL_SCORES = 200 };
/* More edges than these are folded into their nodes, with a ranking and without. */
enum { SINGLY_RANKED = 300, SINGLY_UNRANKED = 500 };
enum { STRONGEST = 150 }; /* of folded edges, the number that is drawn */

/* --- places --- */

int hap_drawing_writer(const struct hap_drawing *d, size_t place)
{
        return (int)(place % (size_t)d->graph->n_writers);
}

int hap_drawing_position(const struct hap_drawing *d, size_t place)
{
        return place < d->n_places ? (int)(place / (size_t)d->graph->n_writers)
                                   : (int)(place - d->n_places);
}

size_t hap_drawing_from(const struct hap_drawing *d, size_t edge)
{
        return d->options.columns ? hap_graph_edge_from(d->graph, edge)
                                  : (size_t)hap_graph_edge_writer(d->graph, edge);
}

/* An edge into keys or values leads to the head at each position where the head has edges out. */
int hap_drawing_to(const struct hap_drawing *d, size_t edge, size_t *places)
{
        const int position = d->options.columns ? hap_graph_edge_position(d->graph, edge) : 0;
        const int node = hap_graph_reader_node(d->graph, hap_graph_edge_reader(d->graph, edge));
        const size_t stride = (size_t)d->graph->n_writers;
        struct hap_reachable to;
        int n = 0;

        places[0] = d->n_places + (size_t)position;
        if (node < 0)
                return 1;
        places[0] = (size_t)position * stride + (size_t)node;
        if (!d->options.columns)
                return 1;
        to = hap_graph_edge_to(d->graph, edge);
        for (int i = 0; i < to.n; i++) {
                const size_t place = to.first + (size_t)i * stride;

                if (to.n > 1 && d->out[place])
                        places[n++] = place;
        }
        return n > 0 ? n : 1;
}

/* --- edges --- */

static int compare_strength(const void *a, const void *b)
{
        const struct hap_drawn *x = a, *y = b;

        if (x->strength != y->strength)
                return x->strength < y->strength ? -1 : 1;
        return x->edge > y->edge ? -1 : x->edge < y->edge;
}

static const struct hap_section *last_edges(const struct hap_show *show, bool circuit)
{
        for (size_t i = show->n; i-- > 0;) {
                const struct hap_section *s = &show->sections[i];

                if (s->kind == HAP_SHOW_EDGES && (s->edges.z != NULL) == circuit)
                        return s;
        }
        return NULL;
}

static void list_edges(struct hap_drawing *d, const struct hap_edges *scores)
{
        const struct hap_edges *edges = &d->section->edges;

        for (size_t e = 0; e < d->graph->n_edges; e++) {
                struct hap_drawn drawn = {.edge = e, .z = 1, .strength = 1};

                if (!edges->given[e])
                        continue;
                if (edges->z)
                        drawn.z = (double)edges->z[e];
                if (d->ranked_by) {
                        drawn.score = hap_edge_rank(edges, scores, e);
                        drawn.strength = d->by_score ? fabs(drawn.score) : drawn.score;
                }
                d->edges[d->n++] = drawn;
        }
        d->n_kept = d->n;
}

/* Marks what hap_graph_drop_dead removes from a circuit. */
static int mark_dead(struct hap_drawing *d, struct hap_error *err)
{
        const float *z = d->section->edges.z;
        float *live = z ? malloc(d->graph->n_edges * sizeof *live) : NULL;

        if (z && !live)
                return hap_fail_memory(err, "the picture");
        if (live) {
                memcpy(live, z, d->graph->n_edges * sizeof *live);
                hap_graph_drop_dead(d->graph, live);
        }
        for (size_t i = 0; i < d->n; i++) {
                /* NOLINTNEXTLINE(clang-analyzer-core.*): the first n are set */
                d->edges[i].dead = live && !(live[d->edges[i].edge] > 0);
                d->n_live += !d->edges[i].dead;
        }
        free(live);
        return HAP_OK;
}

/* Sorts by strength, keeps only the `top` strongest and scales the strengths to [0, 1]. */
static void order_edges(struct hap_drawing *d, size_t top)
{
        size_t most = d->ranked_by ? SINGLY_RANKED : SINGLY_UNRANKED;
        double max;

        qsort(d->edges, d->n, sizeof *d->edges, compare_strength);
        if (top > 0 && d->n > top) {
                memmove(d->edges, d->edges + d->n - top, top * sizeof *d->edges);
                d->n = top;
        }
        max = d->n > 0 ? d->edges[d->n - 1].strength : 0;
        for (size_t i = 0; i < d->n; i++)
                d->edges[i].strength = max > 0 ? fmax(d->edges[i].strength, 0) / max : 1;
        d->graded = d->n > 0 && d->edges[0].strength < d->edges[d->n - 1].strength;
        d->n_single = d->n <= most ? d->n : d->ranked_by ? STRONGEST : 0;
}

/* First the edges out of each place, which decide where others lead to. */
static void count_degrees(struct hap_drawing *d)
{
        size_t to[HAP_MAX_POSITIONS];

        for (size_t i = 0; i < d->n; i++)
                d->out[hap_drawing_from(d, d->edges[i].edge)] += !d->edges[i].dead;
        for (size_t i = 0; i < d->n; i++) {
                const int n = d->edges[i].dead ? 0 : hap_drawing_to(d, d->edges[i].edge, to);

                for (int k = 0; k < n; k++) {
                        if (to[k] >= d->n_places)
                                d->into_logits[to[k] - d->n_places]++;
                        else
                                d->in[to[k]]++;
                }
        }
}

static void sum_strengths(struct hap_drawing *d)
{
        size_t ends[HAP_MAX_POSITIONS + 1];

        for (size_t i = 0; i < d->n; i++) {
                int n;

                if (d->edges[i].dead)
                        continue;
                n = hap_drawing_to(d, d->edges[i].edge, ends);
                ends[n++] = hap_drawing_from(d, d->edges[i].edge);
                for (int k = 0; k < n; k++) {
                        if (ends[k] >= d->n_places)
                                continue;
                        d->touched[ends[k]] = true;
                        d->sum[ends[k]] += d->edges[i].strength;
                }
        }
}

static int allocate(struct hap_drawing *d, struct hap_error *err)
{
        d->n_places = d->options.columns ? hap_graph_n_nodes(d->graph)
                                         : (size_t)d->graph->n_writers;
        d->edges = malloc((d->section->edges.n_given + 1) * sizeof *d->edges);
        d->in = calloc(d->n_places, sizeof *d->in);
        d->out = calloc(d->n_places, sizeof *d->out);
        d->touched = calloc(d->n_places, sizeof *d->touched);
        d->sum = calloc(d->n_places, sizeof *d->sum);
        d->into_logits = calloc((size_t)d->graph->n_positions, sizeof *d->into_logits);
        if (d->edges && d->in && d->out && d->touched && d->sum && d->into_logits)
                return HAP_OK;
        return hap_fail_memory(err, "the picture");
}

int hap_drawing_init(struct hap_drawing *d, const struct hap_show *show,
                     const struct hap_drawing_options *options, struct hap_error *err)
{
        const struct hap_section *circuit = last_edges(show, true), *scores;
        int rc;

        *d = (struct hap_drawing){.section = circuit ? circuit : last_edges(show, false),
                                  .options = *options, .values_are_z = circuit != NULL};
        if (!d->section)
                return hap_fail(err, HAP_EINPUT,
                                "there is nothing to draw: the input has no circuit and no scores");
        d->graph = &d->section->edges.graph;
        d->options.columns = options->columns && d->graph->positions.n > 0;
        scores = hap_scores_for(show, d->graph);
        d->ranked_by = hap_ranked_by(&d->section->edges, scores ? &scores->edges : NULL);
        d->by_score = hap_ranked_by_size(&d->section->edges, scores ? &scores->edges : NULL);
        rc = circuit ? hap_check_ranking(&circuit->edges, scores ? &scores->edges : NULL,
                                         options->top, err) : HAP_OK;
        if (rc == HAP_OK)
                rc = allocate(d, err);
        if (rc == HAP_OK) {
                list_edges(d, scores ? &scores->edges : NULL);
                rc = mark_dead(d, err);
        }
        if (rc < 0) {
                hap_drawing_release(d);
                return rc;
        }
        if (circuit) /* of a circuit, edges that are not drawn count too */
                count_degrees(d);
        order_edges(d, options->top || circuit ? options->top : USUAL_SCORES);
        if (!circuit)
                count_degrees(d);
        sum_strengths(d);
        return HAP_OK;
}

void hap_drawing_release(struct hap_drawing *d)
{
        free(d->edges);
        free(d->in);
        free(d->out);
        free(d->touched);
        free(d->sum);
        free(d->into_logits);
        *d = (struct hap_drawing){0};
}

/* --- title --- */

void hap_drawing_title(const struct hap_drawing *d, char *title)
{
        hap_phrase_title(d->section->header, d->values_are_z ? "circuit" : "scores", title);
}

/* The heads, or the MLPs, with edges at any position. */
static int count_nodes(const struct hap_drawing *d, int kind)
{
        const int n_writers = d->graph->n_writers;
        int n = 0;

        for (int w = d->graph->n_inputs; w < n_writers; w++) {
                bool there = false;

                for (size_t p = (size_t)w; p < d->n_places; p += (size_t)n_writers)
                        there = there || d->in[p] + d->out[p] > 0;
                n += there && (int)hap_graph_writer(d->graph, w).kind == kind;
        }
        return n;
}

/* What is not drawn as a curve. */
static void count_parts(const struct hap_drawing *d, char *text, size_t size)
{
        char single[32], folded[32];
        int length = 0;

        text[0] = '\0';
        if (d->values_are_z && d->n_live < d->n_kept)
                length = snprintf(text, size, " (%zu live)", d->n_live);
        if (d->values_are_z && d->n < d->n_kept)
                length += snprintf(text + length, size - (size_t)length, " (%zu drawn)", d->n);
        hap_phrase_count(d->n_single, single);
        hap_phrase_count(d->n - d->n_single, folded);
        if (d->n_single < d->n)
                snprintf(text + length, size - (size_t)length,
                         ", %s drawn singly, %s folded into the shade of their nodes", single,
                         folded);
}

void hap_drawing_counts(const struct hap_drawing *d, char *text)
{
        const struct hap_graph *g = d->graph;
        char kept[32], all[32], part[256];
        int length;

        hap_phrase_count(d->values_are_z ? d->n_kept : d->n, kept);
        hap_phrase_count(g->n_edges, all);
        count_parts(d, part, sizeof part);
        length = snprintf(text, HAP_TITLE, "%s%s of %s edges%s", d->values_are_z ? "" : "best ",
                          kept, all, part);
        if (d->values_are_z)
                length += snprintf(text + length, (size_t)(HAP_TITLE - length),
                                   ", sparsity %.2f %%",
                                   100 * (1 - (double)d->n_kept / (double)g->n_edges));
        snprintf(text + length, (size_t)(HAP_TITLE - length), ", %d of %d heads, %d of %d %s",
                 count_nodes(d, HAP_WRITES_HEAD), g->n_layers * g->n_heads,
                 count_nodes(d, HAP_WRITES_MLP), g->n_layers * g->n_mlps, hap_graph_mlps_word(g));
}
