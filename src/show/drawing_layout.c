/* Layers run from the bottom to the top, the heads of a layer in a row and its MLP or its experts
 * right of them, a little higher. A head has the same place in every picture, so that two circuits can be
 * compared. Layers without nodes are one thin line. If positions are columns, a row of a column
 * contains only the nodes that are there. */
#include "show/drawing_layout.h"

#include <math.h>
#include <stdlib.h>

#define THIN 20.0 /* the height of layers without nodes */
#define GAP 26.0  /* between columns */

/* How far the rows are shifted, in slots, so that the nodes of a column are not exactly
 * above each other. */
static const double shifts[] = {0, .3, .15};

static bool is_there(const struct hap_drawing *d, size_t place)
{
        return d->in[place] + d->out[place] > 0;
}

/* --- rows --- */

static bool layer_is_empty(const struct hap_drawing *d, int layer)
{
        const int first = hap_graph_head_writer(d->graph, layer, 0);
        const int last = hap_graph_mlp_writer(d->graph, layer) + d->graph->n_mlps - 1;

        for (size_t p = 0; p < d->n_places; p++) {
                const int w = hap_drawing_writer(d, p);

                if (w >= first && w <= last && is_there(d, p))
                        return false;
        }
        return true;
}

static int count_rows(const struct hap_drawing *d)
{
        int n = 0;

        for (int layer = 0; layer < d->graph->n_layers; layer++)
                n += !layer_is_empty(d, layer);
        return n;
}

static void make_bands(struct hap_drawing_layout *l)
{
        double y = l->top;

        for (int layer = l->graph->n_layers - 1; layer >= 0; layer--) {
                struct hap_band *last = l->n_bands ? &l->bands[l->n_bands - 1] : NULL;
                const bool empty = layer_is_empty(l->drawing, layer);

                if (empty && last && last->empty) {
                        last->first = layer;
                } else {
                        l->bands[l->n_bands++] = (struct hap_band){
                                layer, layer, empty, y, empty ? THIN : l->row};
                        y += empty ? THIN : l->row;
                }
                l->row_y[layer] = l->bands[l->n_bands - 1].y;
                l->in_empty_band[layer] = empty;
        }
        l->foot = y;
        l->height = y + 36 + 52;
}

static double row_of(const struct hap_drawing_layout *l, const struct hap_node *node)
{
        return l->row_y[node->layer] + (node->kind == HAP_WRITES_MLP ? .36 : .62) * l->row;
}

/* --- places --- */

static double half_of(const struct hap_drawing_layout *l, const struct hap_node *node)
{
        return node->kind == HAP_WRITES_MLP ? l->mlp : node->layer < 0 ? 30 : l->radius;
}

/* Every head at its place; the input and the logits wide, in the middle. */
static void place_heads(struct hap_drawing_layout *l)
{
        const struct hap_graph *g = l->graph;
        const double heads = l->left + l->slot * (g->n_heads + .3);
        const double middle = (l->left + heads) / 2;
        const double half = hap_clamp(.16 * (heads - l->left), 36, 90);
        const double mlp_x = heads + .5 * l->slot + 18;
        const double each = 2 * l->mlp + 10; /* expert */
        const double apart = g->split_input ? half + 8 : 0;

        for (int w = 0; w < g->n_writers; w++) {
                const struct hap_node node = hap_graph_writer(g, w);
                struct hap_placed *p = &l->node[w];

                p->there = node.layer < 0 || is_there(l->drawing, (size_t)w);
                p->half = node.layer < 0 ? half : half_of(l, &node);
                if (node.layer < 0) {
                        p->x = middle + (w ? apart : -apart);
                        p->y = l->foot + 18;
                } else {
                        p->x = node.kind == HAP_WRITES_MLP
                                       ? mlp_x + each * (node.expert > 0 ? node.expert : 0)
                               : l->left + l->slot * (node.head + .5 + shifts[node.layer % 3]);
                        p->y = row_of(l, &node);
                }
        }
        l->node[l->drawing->n_places] = (struct hap_placed){true, middle, l->top - 32, half};
        l->width = mlp_x + each * (g->n_mlps - 1) + 36 +
                   .75 * (l->mlp + l->bow * hap_clamp(l->n_rows, 4, 1e3)) + 8;
}

/* The width that the nodes of a layer take at a position; layer -1: the input. */
static double width_of_cell(const struct hap_drawing_layout *l, int position, int layer)
{
        const struct hap_graph *g = l->graph;
        double width = 0;

        for (int w = 0; w < g->n_writers; w++) {
                const struct hap_node node = hap_graph_writer(g, w);

                if (node.layer == layer &&
                    is_there(l->drawing, (size_t)position * (size_t)g->n_writers + (size_t)w))
                        width += 2 * half_of(l, &node) + 14;
        }
        return width;
}

static void place_cell(struct hap_drawing_layout *l, int position, int layer)
{
        const struct hap_graph *g = l->graph;
        double x = l->column[position].x +
                   (l->column[position].width - width_of_cell(l, position, layer)) / 2 + 7;

        for (int w = 0; w < g->n_writers; w++) {
                const struct hap_node node = hap_graph_writer(g, w);
                struct hap_placed *p = &l->node[(size_t)position * (size_t)g->n_writers +
                                                (size_t)w];

                if (node.layer != layer || !is_there(l->drawing, (size_t)(p - l->node)))
                        continue;
                p->there = true;
                p->half = half_of(l, &node);
                p->x = x + p->half;
                p->y = layer < 0 ? l->foot + 18 : row_of(l, &node);
                x += 2 * p->half + 14;
        }
}

static void place_columns(struct hap_drawing_layout *l)
{
        const struct hap_graph *g = l->graph;
        double x = l->left - 8;

        for (int p = 0; p < g->n_positions; p++) {
                double width = 74;

                for (int layer = -1; layer < g->n_layers; layer++)
                        width = fmax(width, width_of_cell(l, p, layer) + 8);
                l->column[p] = (struct hap_column){x, width};
                for (int layer = -1; layer < g->n_layers; layer++)
                        place_cell(l, p, layer);
                l->node[l->drawing->n_places + (size_t)p] = (struct hap_placed){
                        l->drawing->into_logits[p] > 0, x + width / 2, l->top - 32, 34};
                x += width + GAP;
        }
        l->width = x + 8;
}

int hap_drawing_layout_init(struct hap_drawing_layout *l, const struct hap_drawing *drawing,
                            struct hap_error *err)
{
        const struct hap_graph *g = drawing->graph;
        const bool columns = drawing->options.columns;

        *l = (struct hap_drawing_layout){.drawing = drawing, .graph = g, .left = 74,
                                         .top = columns ? 148 : 128};
        l->slot = hap_clamp(600.0 / g->n_heads, 38, 112);
        l->n_rows = count_rows(drawing);
        l->row = hap_clamp(740.0 / hap_clamp(l->n_rows, 1, 1e3), columns ? 66 : 40, 112);
        l->radius = columns ? 17 : hap_clamp(.22 * fmin(l->slot, l->row * .8) + 4, 13, 20);
        l->mlp = fmax(.85 * l->radius, 12.5);
        l->bow = hap_clamp(90.0 / hap_clamp(l->n_rows, 1, 1e3), 5, 14);
        l->node = calloc(drawing->n_places + (size_t)g->n_positions, sizeof *l->node);
        l->bands = calloc((size_t)g->n_layers, sizeof *l->bands);
        l->row_y = calloc((size_t)g->n_layers, sizeof *l->row_y);
        l->in_empty_band = calloc((size_t)g->n_layers, sizeof *l->in_empty_band);
        if (!l->node || !l->bands || !l->row_y || !l->in_empty_band) {
                hap_drawing_layout_release(l);
                return hap_fail_memory(err, "the picture");
        }
        make_bands(l);
        if (columns)
                place_columns(l);
        else
                place_heads(l);
        return HAP_OK;
}

void hap_drawing_layout_release(struct hap_drawing_layout *l)
{
        free(l->node);
        free(l->bands);
        free(l->row_y);
        free(l->in_empty_band);
        *l = (struct hap_drawing_layout){0};
}
