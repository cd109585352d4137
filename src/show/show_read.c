#include "show/show_read.h"

#include <stdlib.h>
#include <string.h>

#include "common/stream.h"

static struct hap_section *add_section(struct hap_show *show, const char *name,
                                       const json_t *header, enum hap_show_kind kind)
{
        struct hap_section *grown =
                realloc(show->sections, (show->n + 1) * sizeof *show->sections);
        struct hap_section *s;

        if (!grown)
                return NULL;
        show->sections = grown;
        s = &grown[show->n++];
        *s = (struct hap_section){
                .kind = kind,
                .name = strdup(name),
                .header = header ? json_deep_copy(header) : json_object(),
                .records = json_array(),
        };
        return s->name && s->header && s->records ? s : NULL;
}

static json_t *json_record_of(const msgpack_object *record);

/* A record's value as JSON; a tensor or other binary data as a description. The limits of
 * streams bound the nesting. */
static json_t *json_value_of(const msgpack_object *object)
{
        struct hap_tensor tensor;
        struct hap_error ignored;
        char text[128];
        size_t used;
        json_t *json = hap_json_of(object);

        if (json)
                return json;
        if (hap_tensor_of(object, &tensor, &ignored) < 0)
                return object->type == MSGPACK_OBJECT_MAP ? json_record_of(object)
                                                          : json_string("binary data");
        used = (size_t)snprintf(text, sizeof text, "%s", hap_dtype_name(tensor.dtype));
        for (int i = 0; i < tensor.n_dims; i++)
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu",
                                         i ? " x " : " ", tensor.shape[i]);
        return json_string(text);
}

static json_t *json_record_of(const msgpack_object *record)
{
        json_t *json = json_object();

        for (uint32_t i = 0; json && i < record->via.map.size; i++) {
                const msgpack_object_kv *kv = &record->via.map.ptr[i];

                if (kv->key.type == MSGPACK_OBJECT_STR)
                        json_object_setn_new(json, kv->key.via.str.ptr, kv->key.via.str.size,
                                             json_value_of(&kv->val));
        }
        return json;
}

static int read_records(struct hap_section *s, struct hap_stream_in *in, size_t first,
                        struct hap_error *err)
{
        msgpack_object record;
        int rc;

        while ((rc = hap_stream_in_record(in, &record, err)) > 0) {
                json_t *json;

                if (s->n++ >= first)
                        continue;
                json = json_record_of(&record);
                if (!json || json_array_append_new(s->records, json) < 0)
                        return hap_fail_memory(err, "the records");
        }
        return rc;
}

static enum hap_show_kind kind_of(const json_t *header)
{
        static const char *const names[] = {
                [HAP_SHOW_TASK] = "task",
                [HAP_SHOW_CACHE] = "cache",
                [HAP_SHOW_EDGES] = "scores",
                [HAP_SHOW_REPORT] = "report",
                [HAP_SHOW_CONSTANTS] = "constants",
                [HAP_SHOW_EXAMPLE_SCORES] = "example-scores",
                [HAP_SHOW_NODES] = "node-scores",
                [HAP_SHOW_LOG] = "log",
        };
        const char *kind = json_string_value(json_object_get(header, "kind"));

        for (int i = 0; kind && i <= HAP_SHOW_LOG; i++) {
                if (strcmp(kind, names[i]) == 0)
                        return (enum hap_show_kind)i;
        }
        return HAP_SHOW_EDGES; /* a circuit; hap_edges_read refuses any other kind */
}

int hap_show_read(struct hap_show *show, struct hap_stream_in *in, size_t first,
                  struct hap_error *err)
{
        json_t *header;
        int rc;

        while ((rc = hap_stream_in_section(in, &header, err)) > 0) {
                enum hap_show_kind kind = kind_of(header);
                struct hap_section *s = add_section(show, hap_stream_in_name(in), header, kind);
                bool all = kind == HAP_SHOW_REPORT || kind == HAP_SHOW_LOG ||
                           kind == HAP_SHOW_NODES;

                if (!s)
                        return hap_fail_memory(err, "a section");
                if (kind == HAP_SHOW_EDGES) {
                        rc = hap_edges_read(in, header, &s->edges, err);
                        s->n = s->edges.n_given;
                } else {
                        rc = read_records(s, in, all ? SIZE_MAX : first, err);
                }
                if (rc < 0)
                        return rc;
                hap_stream_in_digest(in, s->header, s->digest);
        }
        return rc;
}

/* Every line of a log must have these, or it could not be drawn. */
static int check_step(const json_t *line, const char *name, size_t number, struct hap_error *err)
{
        static const char *const keys[] = {"step", "kl"};

        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
                if (!json_is_number(json_object_get(line, keys[i])))
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot use '%s': line %zu is not a step of a training "
                                        "log: it has no number '%s'", name, number, keys[i]);
        return HAP_OK;
}

int hap_show_read_log(struct hap_show *show, FILE *lines, const char *name,
                      struct hap_error *err)
{
        struct hap_section *s = add_section(show, name, NULL, HAP_SHOW_LOG);
        json_error_t why;
        char *line = NULL;
        size_t size = 0;
        ssize_t length;
        int rc = HAP_OK;

        if (!s)
                return hap_fail_memory(err, "a log");
        while (rc == 0 && (length = getline(&line, &size, lines)) > 0) {
                json_t *record = json_loadb(line, (size_t)length, JSON_REJECT_DUPLICATES, &why);

                s->n++;
                if (!json_is_object(record))
                        rc = hap_fail(err, HAP_EINPUT, "cannot use '%s': line %zu is not a JSON "
                                      "object%s%s", name, s->n, record ? "" : ": ",
                                      record ? "" : why.text);
                else if ((rc = check_step(record, name, s->n, err)) == 0 &&
                         json_array_append(s->records, record) < 0)
                        rc = hap_fail_memory(err, "a log");
                json_decref(record);
        }
        if (rc == 0 && ferror(lines))
                rc = hap_fail(err, HAP_ESYSTEM, "cannot read '%s'", name);
        free(line);
        return rc;
}

bool hap_show_has_log(const struct hap_show *show)
{
        for (size_t i = 0; i < show->n; i++) {
                if (show->sections[i].kind == HAP_SHOW_LOG)
                        return true;
        }
        return false;
}

bool hap_show_has_edges(const struct hap_show *show)
{
        for (size_t i = 0; i < show->n; i++) {
                if (show->sections[i].kind == HAP_SHOW_EDGES)
                        return true;
        }
        return false;
}

void hap_show_release(struct hap_show *show)
{
        for (size_t i = 0; i < show->n; i++) {
                struct hap_section *s = &show->sections[i];

                free(s->name);
                json_decref(s->header);
                json_decref(s->records);
                hap_edges_release(&s->edges);
        }
        free(show->sections);
        *show = (struct hap_show){0};
}
