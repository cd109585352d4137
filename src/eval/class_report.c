#include "eval/class_report.h"

#include <stdio.h>

#include "eval/classes.h"

/* The header is the first circuit's, without what only describes that circuit. */
static int begin_report(struct hap_program *p, const struct hap_classes *classes,
                        const json_t *circuit)
{
        static const char *const of_circuit[] = {"name", "circuit", "selection", "method"};
        json_t *header = hap_program_header(p, "report", circuit), *reference = json_object();
        int rc;

        for (size_t i = 0; i < sizeof of_circuit / sizeof *of_circuit; i++)
                json_object_del(header, of_circuit[i]);
        json_object_set(reference, "name", json_object_get(classes->json, "name"));
        json_object_set(reference, "source", json_object_get(classes->json, "source"));
        json_object_set_new(header, "reference", reference);
        rc = hap_stream_out_begin(p->out, header, &p->error);
        json_decref(header);
        return rc;
}

static int report_circuit(struct hap_program *p, const struct hap_classes *classes,
                          struct hap_edges *circuit, const char *given, size_t number,
                          bool keep_dead)
{
        const char *name = json_string_value(json_object_get(circuit->header, "name"));
        char text[32];

        snprintf(text, sizeof text, "circuit %zu", number);
        if (!keep_dead)
                hap_graph_drop_dead(&circuit->graph, circuit->z);
        return hap_classes_write(classes, &circuit->graph, circuit->z,
                                 given ? given : name ? name : text, p->out, &p->error);
}

int hap_class_report(struct hap_program *p, const char *path, const struct hap_texts *names,
                     bool keep_dead, size_t *n)
{
        struct hap_classes classes;
        struct hap_edges circuit;
        int rc = hap_classes_read(&classes, path, &p->error);

        *n = 0;
        if (rc < 0)
                return rc;
        while ((rc = hap_edges_next(p->in, "circuit", &circuit, &p->error)) > 0) {
                rc = *n ? HAP_OK : begin_report(p, &classes, circuit.header);
                if (rc == 0)
                        rc = report_circuit(p, &classes, &circuit,
                                            *n < names->n ? names->items[*n] : NULL, *n + 1,
                                            keep_dead);
                hap_edges_release(&circuit);
                ++*n;
                if (rc < 0)
                        break;
        }
        if (rc == 0)
                rc = *n ? hap_stream_out_end(p->out, &p->error)
                        : hap_stream_in_fail_missing(p->in, "circuit", &p->error);
        hap_classes_release(&classes);
        return rc;
}
