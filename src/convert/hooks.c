#include "convert/hooks.h"

#include <stdio.h>
#include <string.h>

void hap_hook_of_writer(const struct hap_graph *graph, int writer, char *name, int *head)
{
        const struct hap_node node = hap_graph_writer(graph, writer);

        *head = node.kind == HAP_WRITES_HEAD ? node.head : -1;
        switch (node.kind) {
        case HAP_WRITES_INPUT:
                snprintf(name, HAP_NAME, "%s",
                         graph->split_input ? "hook_embed" : "blocks.0.hook_resid_pre");
                break;
        case HAP_WRITES_POSITION:
                snprintf(name, HAP_NAME, "hook_pos_embed");
                break;
        case HAP_WRITES_HEAD:
                snprintf(name, HAP_NAME, "blocks.%d.attn.hook_result", node.layer);
                break;
        default:
                snprintf(name, HAP_NAME, "blocks.%d.hook_mlp_out", node.layer);
        }
}

void hap_hook_of_reader(const struct hap_graph *graph, int reader, char *name, int *head)
{
        const struct hap_node node = hap_graph_reader(graph, reader);

        *head = node.kind <= HAP_READS_V ? node.head : -1;
        if (node.kind == HAP_READS_LOGITS)
                snprintf(name, HAP_NAME, "blocks.%d.hook_resid_post", graph->n_layers - 1);
        else if (node.kind == HAP_READS_MLP)
                snprintf(name, HAP_NAME, "blocks.%d.hook_mlp_in", node.layer);
        else
                snprintf(name, HAP_NAME, "blocks.%d.hook_%c_input", node.layer,
                         "qkv"[node.kind - HAP_READS_Q]);
}

/* The number of the layer in a name "blocks.LAYER.…", or -1 if there is none in the graph. */
static int layer_in(const struct hap_graph *graph, const char *name)
{
        int layer;

        /* NOLINTNEXTLINE(cert-err34-c): 9 digits fit */
        return sscanf(name, "blocks.%9d.", &layer) == 1 && layer >= 0 && layer < graph->n_layers
                       ? layer : -1;
}

int hap_hook_writer(const struct hap_graph *graph, const char *name, int head)
{
        const int layer = layer_in(graph, name);
        const bool is_head = head >= 0 && head < graph->n_heads;
        int candidates[4] = {0, graph->n_inputs - 1, -1, -1}, their_head;
        char theirs[HAP_NAME];

        if (layer >= 0) {
                candidates[2] = hap_graph_mlp_writer(graph, layer);
                candidates[3] = is_head ? hap_graph_head_writer(graph, layer, head) : -1;
        }
        for (int i = 0; i < 4; i++) {
                if (candidates[i] < 0)
                        continue;
                hap_hook_of_writer(graph, candidates[i], theirs, &their_head);
                if (strcmp(theirs, name) == 0 && their_head == head)
                        return candidates[i];
        }
        return -1;
}

int hap_hook_reader(const struct hap_graph *graph, const char *name, int head)
{
        const int layer = layer_in(graph, name);
        const bool is_head = layer >= 0 && head >= 0 && head < graph->n_heads;
        int candidates[5] = {hap_graph_logits_reader(graph), -1, -1, -1, -1}, their_head;
        char theirs[HAP_NAME];

        if (layer >= 0)
                candidates[1] = hap_graph_mlp_reader(graph, layer);
        for (int which = 0; which < 3 && is_head; which++)
                candidates[2 + which] = hap_graph_head_reader(graph, layer, which, head);
        for (int i = 0; i < 5; i++) {
                if (candidates[i] < 0)
                        continue;
                hap_hook_of_reader(graph, candidates[i], theirs, &their_head);
                if (strcmp(theirs, name) == 0 && their_head == head)
                        return candidates[i];
        }
        return -1;
}

bool hap_hooks_within(const struct hap_graph *graph, const char *child, const char *parent, int head)
{
        static const char *const pairs[][2] = {
                {"attn.hook_q", "hook_q_input"},     {"attn.hook_k", "hook_k_input"},
                {"attn.hook_v", "hook_v_input"},     {"attn.hook_result", "attn.hook_q"},
                {"attn.hook_result", "attn.hook_k"}, {"attn.hook_result", "attn.hook_v"},
                {"hook_mlp_out", "hook_mlp_in"},
        };
        const int layer = layer_in(graph, child);
        char name[2][HAP_NAME];

        if (layer < 0 || head < -1 || head >= graph->n_heads)
                return false;
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                for (int k = 0; k < 2; k++)
                        snprintf(name[k], HAP_NAME, "blocks.%d.%s", layer, pairs[i][k]);
                if (strcmp(child, name[0]) == 0 && strcmp(parent, name[1]) == 0)
                        return true;
        }
        return false;
}
