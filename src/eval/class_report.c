#include "eval/class_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "eval/classes.h"

/* The circuits of the input, all of which the header names. */
struct circuits {
        struct hap_edges *items;
        size_t n;
};

static int read_circuits(struct hap_program *p, struct circuits *circuits)
{
        struct hap_edges circuit, *more;
        int rc;

        while ((rc = hap_edges_next(p->in, "circuit", &circuit, &p->error)) > 0) {
                more = reallocarray(circuits->items, circuits->n + 1, sizeof *more);
                if (!more) {
                        hap_edges_release(&circuit);
                        return hap_fail_memory(&p->error, "circuits");
                }
                circuits->items = more;
                more[circuits->n++] = circuit;
        }
        return rc < 0 || circuits->n ? rc : hap_stream_in_fail_missing(p->in, "circuit", &p->error);
}

static void release_circuits(struct circuits *circuits)
{
        for (size_t i = 0; i < circuits->n; i++)
                hap_edges_release(circuits->items + i);
        free(circuits->items);
}

static const char *name_of(const struct hap_edges *circuit, const struct hap_texts *names, size_t i,
                           char text[32])
{
        const char *name = json_string_value(json_object_get(circuit->header, "name"));

        snprintf(text, 32, "circuit %zu", i + 1);
        return i < names->n ? names->items[i] : name ? name : text;
}

static json_t *describe_circuits(struct hap_program *p, const struct circuits *circuits,
                                 const struct hap_texts *names)
{
        json_t *list = json_array();
        char digest[HAP_DIGEST_TEXT] = "", text[32];

        for (size_t i = 0; i < circuits->n; i++) {
                const struct hap_edges *circuit = circuits->items + i;

                hap_stream_in_digest(p->in, circuit->header, digest);
                json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:s}", "name",
                                                      name_of(circuit, names, i, text), "edges",
                                                      (json_int_t)circuit->n_given, "of",
                                                      (json_int_t)circuit->graph.n_edges, "digest",
                                                      digest));
        }
        return list;
}

/* The header is the first circuit's, without what only describes that circuit. */
static int begin_report(struct hap_program *p, const struct hap_classes *classes,
                        const struct circuits *circuits, const struct hap_texts *names)
{
        static const char *const of_circuit[] = {"name", "circuit", "selection", "method"};
        json_t *header, *reference = json_object();
        int rc;

        for (size_t i = 1; i < circuits->n; i++)
                hap_header_join(circuits->items->header, circuits->items[i].header);
        header = hap_program_header(p, "report", circuits->items->header);
        for (size_t i = 0; i < sizeof of_circuit / sizeof *of_circuit; i++)
                json_object_del(header, of_circuit[i]);
        json_object_set_new(header, "circuits", describe_circuits(p, circuits, names));
        json_object_set(reference, "name", json_object_get(classes->json, "name"));
        json_object_set(reference, "source", json_object_get(classes->json, "source"));
        json_object_set_new(header, "reference", reference);
        rc = hap_stream_out_begin(p->out, header, &p->error);
        json_decref(header);
        return rc;
}

static int report_circuit(struct hap_program *p, const struct hap_classes *classes,
                          struct hap_edges *circuit, const char *name, bool keep_dead)
{
        if (!keep_dead)
                hap_graph_drop_dead(&circuit->graph, circuit->z);
        return hap_classes_write(classes, &circuit->graph, circuit->z, name, p->out, &p->error);
}

int hap_class_report(struct hap_program *p, const char *path, const struct hap_texts *names,
                     bool keep_dead, size_t *n)
{
        struct hap_classes classes;
        struct circuits circuits = {0};
        char text[32];
        int rc = hap_classes_read(&classes, path, &p->error);

        if (rc < 0)
                return rc;
        rc = read_circuits(p, &circuits);
        if (rc == 0)
                rc = begin_report(p, &classes, &circuits, names);
        for (size_t i = 0; i < circuits.n && rc == 0; i++)
                rc = report_circuit(p, &classes, circuits.items + i,
                                    name_of(circuits.items + i, names, i, text), keep_dead);
        if (rc == 0)
                rc = hap_stream_out_end(p->out, &p->error);
        *n = circuits.n;
        release_circuits(&circuits);
        hap_classes_release(&classes);
        return rc;
}
