#include "convert/npz.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "convert/edge_parts.h"
#include "convert/json_print.h"
#include "convert/npy.h"
#include "graph/graph_json.h"

enum {
        MAX_ARRAYS = 64,
        HEADER = 0, /* arrays that are not made of fields */
        NAMES,
        SECTION,
        FIRST_FIELD,
};

struct converting {
        struct hap_stream_in *in;
        struct hap_error *err;
        struct hap_array arrays[MAX_ARRAYS];
        size_t n_arrays;
        uint64_t n_records, sections;
        char kind[32];
        struct hap_graph graph; /* of the names */
};

/* --- names of writers, nodes and edges --- */

static bool is_of_examples(const struct converting *c)
{
        return strcmp(c->kind, "example-scores") == 0;
}

/* The name of what stands at place i of the tensors; false after the last. */
static bool name_at(const struct converting *c, bool edges, size_t i, char *name)
{
        const size_t n_writers = (size_t)c->graph.n_writers;

        if (edges) {
                if (i >= c->graph.n_edges)
                        return false;
                hap_graph_edge_name(&c->graph, i, name);
                return true;
        }
        if (i >= (is_of_examples(c) ? hap_graph_n_nodes(&c->graph) : n_writers))
                return false;
        hap_graph_writer_name(&c->graph, (int)(i % n_writers), name);
        if (is_of_examples(c) && c->graph.positions.n)
                snprintf(name + strlen(name), HAP_NAME - strlen(name), "@%s",
                         c->graph.positions.name[i / n_writers]);
        return true;
}

static int add_names(struct converting *c, const json_t *header)
{
        const char *of = json_string_value(json_object_get(header, "of"));
        struct hap_array *names = c->arrays + NAMES;
        char name[HAP_NAME];
        int rc = HAP_OK;

        for (size_t i = 0; rc == HAP_OK &&
             name_at(c, is_of_examples(c) && of && strcmp(of, "edges") == 0, i, name); i++)
                rc = hap_array_add_text(names, name, strlen(name), c->err);
        return rc;
}

/* The names of the first section's graph, which the other sections must have, too. */
static int take_graph(struct converting *c, const json_t *header)
{
        struct hap_graph graph;
        bool equal;
        int rc;

        if (strcmp(c->kind, "cache") != 0 && !is_of_examples(c))
                return HAP_OK;
        if (hap_graph_of_json(&graph, json_object_get(header, "graph"), c->err) < 0)
                return hap_fail_within(c->err, "cannot use '%s'", hap_stream_in_name(c->in));
        if (c->sections == 1) {
                c->graph = graph;
                return add_names(c, header);
        }
        equal = hap_graph_equal(&graph, &c->graph);
        rc = equal ? HAP_OK : hap_fail(c->err, HAP_EINPUT, "cannot write one file of two graphs: that "
                                       "of '%s' is another one", hap_stream_in_name(c->in));
        hap_graph_release(&graph);
        return rc;
}

/* --- sections --- */

static int take_kind(struct converting *c, const char *kind)
{
        static const char *const without[] = {"task", "report", "log"};

        for (size_t i = 0; i < sizeof without / sizeof *without; i++)
                if (strcmp(kind, without[i]) == 0)
                        return hap_fail(c->err, HAP_EINPUT, "cannot use '%s': a %s has no arrays; use "
                                        "--to csv", hap_stream_in_name(c->in), kind);
        if (c->sections++ && strcmp(c->kind, kind) != 0)
                return hap_fail(c->err, HAP_EINPUT, "cannot write one file of a %s and a %s in '%s'",
                                c->kind, kind, hap_stream_in_name(c->in));
        snprintf(c->kind, sizeof c->kind, "%s", kind);
        return HAP_OK;
}

/* The header's bytes, as --to json prints them. */
static int add_header(struct converting *c)
{
        char *text = NULL;
        size_t bytes, n;
        const void *raw = hap_stream_in_raw(c->in, &bytes);
        FILE *out = open_memstream(&text, &n);
        int rc = HAP_OK;

        if (!out)
                return hap_fail_memory(c->err, "a header");
        hap_json_print(raw, out);
        if (fclose(out) != 0)
                rc = hap_fail_memory(c->err, "a header");
        if (rc == HAP_OK && hap_array_add_text(c->arrays + HEADER, text, n, c->err) < 0)
                rc = hap_fail_within(c->err, "cannot use '%s': its header", hap_stream_in_name(c->in));
        free(text);
        return rc;
}

/* --- records --- */

static struct hap_array *add_array(struct converting *c, const char *name)
{
        struct hap_array *array = c->arrays + c->n_arrays++;

        snprintf(array->name, sizeof array->name, "%s", name);
        return array;
}

/* The array of a field, which becomes a file's name. */
static struct hap_array *array_of(struct converting *c, const char *name)
{
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789_-";

        for (size_t i = 0; i < c->n_arrays; i++)
                if (strcmp(c->arrays[i].name, name) == 0)
                        return c->arrays + i;
        if (!*name || name[strspn(name, allowed)])
                hap_stream_in_fail(c->in, c->err, "its field '%.60s' cannot be the name of an array",
                                   name);
        else if (c->n_arrays == MAX_ARRAYS)
                hap_stream_in_fail(c->in, c->err, "with its field '%s' there are more than %d arrays",
                                   name, MAX_ARRAYS - FIRST_FIELD);
        else
                return add_array(c, name);
        return NULL;
}

/* The array of a field of the current record, with missing entries for the records before it. */
static struct hap_array *open_field(struct converting *c, const char *name)
{
        struct hap_array *array = array_of(c, name);

        if (!array)
                return NULL;
        if (array < c->arrays + FIRST_FIELD || array->n > c->n_records)
                hap_stream_in_fail(c->in, c->err, "its field '%s' has the name of another array",
                                   name);
        else if (hap_array_fill(array, c->n_records, c->err) == HAP_OK)
                return array;
        return NULL;
}

static int add_field(struct converting *c, const msgpack_object_kv *field)
{
        const msgpack_object_str *key = &field->key.via.str;
        struct hap_array *array;
        struct hap_error why;
        char name[HAP_ARRAY_NAME] = "";

        if (field->key.type == MSGPACK_OBJECT_STR && key->size < sizeof name &&
            !memchr(key->ptr, '\0', key->size))
                snprintf(name, sizeof name, "%.*s", (int)key->size, key->ptr);
        array = open_field(c, name);
        if (!array)
                return c->err->code;
        if (hap_array_add(array, &field->val, &why) < 0)
                return why.code == HAP_EINPUT
                               ? hap_stream_in_fail(c->in, c->err, "its '%s': %s", name, why.message)
                               : (*c->err = why).code;
        return HAP_OK;
}

static int add_text(struct converting *c, const char *name, const char *text, size_t n)
{
        struct hap_array *array = open_field(c, name);

        return array ? hap_array_add_text(array, text, n, c->err) : c->err->code;
}

static int add_edge(struct converting *c, const msgpack_object *record)
{
        const msgpack_object *edge = hap_map_get(record, "edge");
        struct hap_edge_parts parts;

        if (!edge || edge->type != MSGPACK_OBJECT_STR ||
            !hap_edge_parts(edge->via.str.ptr, edge->via.str.size, &parts))
                return HAP_OK;
        if (add_text(c, "writer", parts.writer, parts.n_writer) < 0 ||
            add_text(c, "reader", parts.reader, parts.n_reader) < 0)
                return c->err->code;
        return parts.position ? add_text(c, "position", parts.position, parts.n_position) : HAP_OK;
}

static int add_record(struct converting *c, const msgpack_object *record)
{
        const char *file = hap_stream_in_name(c->in);

        if (hap_array_add_int(c->arrays + SECTION, (int64_t)c->sections, c->err) < 0 ||
            add_text(c, "file", file, strlen(file)) < 0)
                return c->err->code;
        for (uint32_t i = 0; i < record->via.map.size; i++)
                if (add_field(c, record->via.map.ptr + i) < 0)
                        return c->err->code;
        if (add_edge(c, record) < 0)
                return c->err->code;
        c->n_records++;
        return HAP_OK;
}

static int read_section(struct converting *c, const json_t *header)
{
        msgpack_object record;
        int rc;

        if (take_kind(c, json_string_value(json_object_get(header, "kind"))) < 0 ||
            add_header(c) < 0 || take_graph(c, header) < 0)
                return c->err->code;
        while ((rc = hap_stream_in_record(c->in, &record, c->err)) > 0)
                if (add_record(c, &record) < 0)
                        return c->err->code;
        return rc;
}

static int read_all(struct converting *c)
{
        json_t *header;
        int rc;

        while ((rc = hap_stream_in_section(c->in, &header, c->err)) > 0)
                if (read_section(c, header) < 0)
                        return c->err->code;
        if (rc == 0 && c->sections == 0)
                return hap_fail(c->err, HAP_EINPUT, "the input contains no sections");
        return rc;
}

/* --- the archive --- */

static bool is_written(const struct converting *c, size_t array)
{
        if (array == SECTION || array == FIRST_FIELD) /* the section and its file */
                return c->sections > 1;
        return array != NAMES || c->arrays[NAMES].n > 0;
}

static int write_archive(struct converting *c, FILE *out)
{
        struct hap_zip_out zip;
        int rc = HAP_OK;

        hap_zip_out_init(&zip, out);
        for (size_t i = 0; i < c->n_arrays && rc == HAP_OK; i++) {
                if (i >= FIRST_FIELD)
                        rc = hap_array_fill(c->arrays + i, c->n_records, c->err);
                if (rc == HAP_OK && is_written(c, i))
                        rc = hap_array_write(c->arrays + i, &zip, c->err);
        }
        if (rc == HAP_OK)
                rc = hap_zip_out_end(&zip, c->err);
        hap_zip_out_release(&zip);
        return rc;
}

int hap_npz_write(struct hap_stream_in *in, FILE *out, size_t *n, struct hap_error *err)
{
        struct converting *c = calloc(1, sizeof *c);
        int rc;

        if (!c)
                return hap_fail_memory(err, "arrays");
        c->in = in;
        c->err = err;
        add_array(c, "header");
        add_array(c, "writers");
        add_array(c, "section");
        add_array(c, "file");
        rc = read_all(c);
        if (is_of_examples(c))
                snprintf(c->arrays[NAMES].name, HAP_ARRAY_NAME, "names");
        if (rc == HAP_OK)
                rc = write_archive(c, out);
        *n = c->n_records;
        for (size_t i = 0; i < c->n_arrays; i++)
                hap_array_release(c->arrays + i);
        hap_graph_release(&c->graph);
        free(c);
        return rc;
}
