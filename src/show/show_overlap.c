#include "show/show_overlap.h"

#include "show/show_phrase.h"
#include "show/show_table.h"

static void write_row(const struct hap_show *show, size_t row, size_t widest, FILE *out)
{
        const struct hap_edges *edges = &show->sections[row].edges;
        char count[32];

        fputs("  ", out);
        hap_write_padded(out, show->sections[row].name, widest);
        hap_phrase_count(edges->n_given, count);
        fprintf(out, "  %7s", count);
        for (size_t i = 0; i < row; i++) {
                if (!hap_section_is_circuit(&show->sections[i]))
                        continue;
                if (hap_graph_equal(&show->sections[i].edges.graph, &edges->graph))
                        fprintf(out, "  %5.3f", hap_edges_iou(show->sections[i].edges.given,
                                                              edges->given, edges->graph.n_edges));
                else
                        fputs("      -", out);
        }
        fputc('\n', out);
}

void hap_write_overlap(const struct hap_show *show, FILE *out)
{
        size_t circuits = 0, widest = 0;

        for (size_t i = 0; i < show->n; i++) {
                const size_t width = hap_text_width(show->sections[i].name);

                if (!hap_section_is_circuit(&show->sections[i]))
                        continue;
                circuits++;
                widest = width > widest ? width : widest;
        }
        if (circuits < 2)
                return;
        fputs("\nedges, and the share that a circuit has in common with each one above: "
              "intersection over union\n", out);
        for (size_t i = 0; i < show->n; i++)
                if (hap_section_is_circuit(&show->sections[i]))
                        write_row(show, i, widest, out);
}
