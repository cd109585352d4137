#include "graph/nearest_name.h"

#include <stdio.h>
#include <string.h>

#include "common/nearest.h"

struct search {
        const char *typed;
        size_t length;
        struct hap_nearest best;
        char kept[HAP_NAME]; /* the name of the best */
};

static void try_name(struct search *s, const char *name)
{
        const size_t before = s->best.distance;
        const bool found = s->best.name != NULL;

        hap_nearest_try(&s->best, s->typed, s->length, name);
        if (!s->best.name || (found && s->best.distance == before))
                return;
        strcpy(s->kept, name);
        s->best.name = s->kept;
}

const char *hap_graph_hint(const struct hap_graph *graph, unsigned kinds, const char *typed,
                           size_t length, char text[HAP_HINT])
{
        struct search s = {.typed = typed, .length = length};
        char name[HAP_NAME];

        for (int w = 0; (kinds & HAP_WRITER_NAMES) && w < graph->n_writers; w++) {
                hap_graph_writer_name(graph, w, name);
                try_name(&s, name);
        }
        for (int r = 0; (kinds & HAP_READER_NAMES) && r < graph->n_readers; r++) {
                hap_graph_reader_name(graph, r, name);
                try_name(&s, name);
        }
        for (size_t e = 0; (kinds & HAP_EDGE_NAMES) && e < graph->n_edges; e++) {
                hap_graph_edge_name(graph, e, name);
                try_name(&s, name);
        }
        *text = '\0';
        if (s.best.name)
                snprintf(text, HAP_HINT, "; did you mean '%s'?", s.kept);
        return text;
}
