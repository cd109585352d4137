#include "eval/class_report.h"

#include "eval/circuit_names.h"
#include "eval/classes.h"

static int read_circuits(struct hap_program *p, struct hap_edges_list *circuits)
{
        struct hap_edges circuit;
        int rc;

        while ((rc = hap_edges_next(p->in, "circuit", &circuit, &p->error)) > 0)
                if ((rc = hap_edges_list_add(circuits, &circuit, &p->error)) < 0)
                        return rc;
        return rc < 0 || circuits->n ? rc : hap_stream_in_fail_missing(p->in, "circuit", &p->error);
}

static json_t *describe_circuits(struct hap_program *p, const struct hap_edges_list *circuits,
                                 char *const *names)
{
        json_t *list = json_array();
        char digest[HAP_DIGEST_TEXT] = "";

        for (size_t i = 0; i < circuits->n; i++) {
                const struct hap_edges *circuit = circuits->items + i;

                hap_stream_in_digest(p->in, circuit->header, digest);
                json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:s}", "name",
                                                      names[i], "edges",
                                                      (json_int_t)circuit->n_given, "of",
                                                      (json_int_t)circuit->graph.n_edges, "digest",
                                                      digest));
        }
        return list;
}

/* The header is the first circuit's, without what only describes that circuit. */
static int begin_report(struct hap_program *p, const struct hap_classes *classes,
                        const struct hap_edges_list *circuits, char *const *names)
{
        static const char *const of_circuit[] = {"name", "circuit", "selection", "method"};
        json_t *header, *reference = json_object();
        int rc;

        for (size_t i = 1; i < circuits->n; i++)
                /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): n is 0 without items */
                hap_header_join(circuits->items->header, circuits->items[i].header);
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): at least one circuit was read */
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

int hap_class_report(struct hap_program *p, const char *path, const struct hap_texts *given,
                     bool keep_dead, size_t *n)
{
        struct hap_classes classes;
        struct hap_edges_list circuits = {0};
        char **names = NULL;
        int rc = hap_classes_read(&classes, path, &p->error);

        if (rc < 0)
                return rc;
        rc = read_circuits(p, &circuits);
        if (rc == 0 && !(names = hap_circuit_names_make(circuits.items, circuits.n, given, 0,
                                                        &p->error)))
                rc = p->error.code;
        if (rc == 0)
                rc = begin_report(p, &classes, &circuits, names);
        for (size_t i = 0; i < circuits.n && rc == 0; i++)
                /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): rc < 0 without names */
                rc = report_circuit(p, &classes, circuits.items + i, names[i], keep_dead);
        if (rc == 0)
                rc = hap_stream_out_end(p->out, &p->error);
        *n = circuits.n;
        hap_circuit_names_release(names, circuits.n);
        hap_edges_list_release(&circuits);
        hap_classes_release(&classes);
        return rc;
}
