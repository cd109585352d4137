/* Names of nodes and edges, and the numbers that belong to names. */
#include <stdio.h>
#include <string.h>

#include "graph/graph.h"

static const char letters[] = {[HAP_READS_Q] = 'q', [HAP_READS_K] = 'k', [HAP_READS_V] = 'v'};

/* The same for the reader and the writer. */
static void mlp_name(const struct hap_node *node, char *name)
{
        if (node->expert < 0)
                snprintf(name, HAP_NAME, "m%d", node->layer);
        else
                snprintf(name, HAP_NAME, "m%d.e%d", node->layer, node->expert);
}

void hap_graph_writer_name(const struct hap_graph *graph, int writer, char *name)
{
        struct hap_node node = hap_graph_writer(graph, writer);

        switch (node.kind) {
        case HAP_WRITES_INPUT:
                strcpy(name, graph->split_input ? "tok" : "input");
                break;
        case HAP_WRITES_POSITION:
                strcpy(name, "pos");
                break;
        case HAP_WRITES_MLP:
                mlp_name(&node, name);
                break;
        default:
                snprintf(name, HAP_NAME, "a%d.h%d", node.layer, node.head);
        }
}

void hap_graph_reader_name(const struct hap_graph *graph, int reader, char *name)
{
        struct hap_node node = hap_graph_reader(graph, reader);

        if (node.kind == HAP_READS_LOGITS)
                strcpy(name, "logits");
        else if (node.kind == HAP_READS_MLP)
                mlp_name(&node, name);
        else
                snprintf(name, HAP_NAME, "a%d.h%d<%c>", node.layer, node.head,
                         letters[node.kind]);
}

void hap_graph_edge_name(const struct hap_graph *graph, size_t edge, char *name)
{
        size_t used;

        hap_graph_writer_name(graph, hap_graph_edge_writer(graph, edge), name);
        used = strlen(name);
        memcpy(name + used, "->", 2);
        hap_graph_reader_name(graph, hap_graph_edge_reader(graph, edge), name + used + 2);
        if (graph->positions.n) {
                used = strlen(name);
                snprintf(name + used, HAP_NAME - used, "@%s",
                         graph->positions.name[hap_graph_edge_position(graph, edge)]);
        }
}

/* The rest of a name that is being read. */
struct cursor {
        const char *at, *end;
};

static bool accept(struct cursor *c, const char *text)
{
        size_t n = strlen(text);

        if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n) != 0)
                return false;
        c->at += n;
        return true;
}

/* A number below `limit`, without sign or leading zeros. */
static bool accept_number(struct cursor *c, int limit, int *number)
{
        const char *first = c->at;
        int n = 0;

        while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
                n = 10 * n + (*c->at++ - '0');
                if (n >= limit)
                        return false;
        }
        *number = n;
        return c->at > first && (*first != '0' || c->at == first + 1);
}

static bool equals(const char *name, size_t length, const char *text)
{
        return length == strlen(text) && memcmp(name, text, length) == 0;
}

/* After the 'm' of an MLP or an expert: its layer, and its number in the layer. */
static bool accept_mlp(struct cursor *c, const struct hap_graph *graph, int *layer, int *i)
{
        *i = 0;
        return accept_number(c, graph->n_layers, layer) &&
               (graph->n_experts == 0 ||
                (accept(c, ".e") && accept_number(c, graph->n_experts, i))) &&
               c->at == c->end;
}

int hap_graph_find_writer(const struct hap_graph *graph, const char *name, size_t length)
{
        struct cursor c = {name, name + length};
        int layer, head;

        if (equals(name, length, graph->split_input ? "tok" : "input"))
                return 0;
        if (graph->split_input && equals(name, length, "pos"))
                return 1;
        if (accept(&c, "m"))
                return accept_mlp(&c, graph, &layer, &head)
                               ? hap_graph_mlp_writer(graph, layer) + head : -1;
        if (accept(&c, "a") && accept_number(&c, graph->n_layers, &layer) &&
            accept(&c, ".h") && accept_number(&c, graph->n_heads, &head) && c.at == c.end)
                return hap_graph_head_writer(graph, layer, head);
        return -1;
}

int hap_graph_find_reader(const struct hap_graph *graph, const char *name, size_t length)
{
        struct cursor c = {name, name + length};
        int layer, head, which;

        if (equals(name, length, "logits"))
                return hap_graph_logits_reader(graph);
        if (accept(&c, "m"))
                return accept_mlp(&c, graph, &layer, &head)
                               ? hap_graph_mlp_reader(graph, layer) + head : -1;
        if (!accept(&c, "a") || !accept_number(&c, graph->n_layers, &layer) ||
            !accept(&c, ".h") || !accept_number(&c, graph->n_heads, &head) ||
            !accept(&c, "<") || c.at == c.end)
                return -1;
        for (which = 0; which < 3 && letters[which] != *c.at; which++)
                continue;
        c.at++;
        if (which == 3 || !accept(&c, ">") || c.at != c.end)
                return -1;
        return hap_graph_head_reader(graph, layer, which, head);
}

int hap_graph_take_position(const struct hap_graph *graph, const char *name, size_t *length)
{
        const char *mark = memchr(name, '@', *length);
        const size_t whole = *length;
        int position;

        if (!mark)
                return HAP_ANY_POSITION;
        *length = (size_t)(mark - name);
        position = hap_positions_find(&graph->positions, mark + 1, whole - *length - 1);
        return position < 0 ? HAP_NO_POSITION : position;
}

int64_t hap_graph_find_edge_anywhere(const struct hap_graph *graph, const char *name,
                                     size_t length)
{
        size_t arrow = 0;
        int writer, reader;

        while (arrow + 2 <= length && memcmp(name + arrow, "->", 2) != 0)
                arrow++;
        if (arrow + 2 > length)
                return -1;
        writer = hap_graph_find_writer(graph, name, arrow);
        reader = hap_graph_find_reader(graph, name + arrow + 2, length - arrow - 2);
        if (writer < 0 || reader < 0 || writer >= hap_graph_in(graph, reader))
                return -1;
        return (int64_t)hap_graph_edge(graph, writer, reader);
}

int64_t hap_graph_find_edge(const struct hap_graph *graph, const char *name, size_t length)
{
        int position = hap_graph_take_position(graph, name, &length);
        const int64_t edge = hap_graph_find_edge_anywhere(graph, name, length);

        if (position == HAP_ANY_POSITION && graph->n_positions == 1)
                position = 0;
        return position < 0 || edge < 0
                       ? -1
                       : edge + (int64_t)((size_t)position * graph->edges_per_position);
}
