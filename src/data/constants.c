#include "data/constants.h"

#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "graph/graph_json.h"

/* Memory grows with the records that were read; a header's number is not trusted. */
static int grow_values(struct hap_constants *c, int writer, struct hap_error *err)
{
        const size_t d = (size_t)c->d_model;
        float *values = c->values;
        size_t n = (size_t)writer, size;

        if (n & (n - 1)) /* the capacity is a power of two */
                return HAP_OK;
        size = n ? 2 * n : 1;
        values = reallocarray(values, size * sizeof *values, d);
        if (!values)
                return hap_fail_memory(err, "constants");
        c->values = values;
        return HAP_OK;
}

static int check_name(struct hap_stream_in *in, const msgpack_object *record,
                      const struct hap_constants *c, int writer, struct hap_error *err)
{
        const msgpack_object *node = hap_map_get(record, "node");
        char name[HAP_NAME];

        if (writer >= c->graph.n_writers)
                return hap_stream_in_fail(in, err, "the graph has only %d writers",
                                       c->graph.n_writers);
        hap_graph_writer_name(&c->graph, writer, name);
        if (!node || !hap_object_is_text(node, name))
                return hap_stream_in_fail(in, err, "its 'node' is not '%s', the next writer",
                                       name);
        return HAP_OK;
}

static int read_constant(struct hap_stream_in *in, const msgpack_object *record,
                         struct hap_constants *c, int writer, struct hap_error *err)
{
        const msgpack_object *value = hap_map_get(record, "value");
        struct hap_tensor tensor;
        struct hap_error why;
        float *to;
        int rc = check_name(in, record, c, writer, err);

        if (rc < 0)
                return rc;
        if (!value)
                return hap_stream_in_fail(in, err, "it has no 'value'");
        if (hap_tensor_of(value, &tensor, &why) < 0)
                return hap_stream_in_fail(in, err, "its 'value': %s", why.message);
        if (tensor.n_dims != 1 || tensor.n == 0)
                return hap_stream_in_fail(in, err, "its 'value' is not a vector");
        if (writer == 0)
                c->d_model = (int)tensor.n;
        if (tensor.n != (size_t)c->d_model)
                return hap_stream_in_fail(in, err,
                                          "its 'value' has %zu numbers; those before have %d",
                                       tensor.n, c->d_model);
        if ((rc = grow_values(c, writer, err)) < 0)
                return rc;
        to = c->values + (size_t)writer * (size_t)c->d_model;
        hap_tensor_read(&tensor, 0, tensor.n, to);
        if (!hap_all_finite(to, tensor.n))
                return hap_stream_in_fail(in, err, "its 'value' is not finite");
        return HAP_OK;
}

static int begin_constants(struct hap_stream_in *in, const json_t *header, struct hap_constants *c,
                           struct hap_error *err)
{
        int rc;

        *c = (struct hap_constants){0};
        rc = hap_graph_of_json(&c->graph, json_object_get(header, "graph"), err);
        if (rc < 0)
                return hap_fail_within(err, "cannot use '%s'", hap_stream_in_name(in));
        c->name = strdup(hap_stream_in_name(in));
        c->header = json_deep_copy(header);
        return c->name && c->header ? HAP_OK : hap_fail_memory(err, "constants");
}

int hap_constants_read(struct hap_stream_in *in, const json_t *header,
                       struct hap_constants *constants, struct hap_error *err)
{
        msgpack_object record;
        int rc = begin_constants(in, header, constants, err), n = 0;

        while (rc >= 0 && (rc = hap_stream_in_record(in, &record, err)) > 0)
                rc = read_constant(in, &record, constants, n++, err);
        if (rc == 0 && n < constants->graph.n_writers)
                rc = hap_fail(err, HAP_EINPUT,
                              "cannot use '%s': it has constants for %d of %d writers",
                              constants->name, n, constants->graph.n_writers);
        if (rc < 0)
                hap_constants_release(constants);
        return rc;
}

void hap_constants_release(struct hap_constants *constants)
{
        json_decref(constants->header);
        hap_graph_release(&constants->graph);
        free(constants->values);
        free(constants->name);
        *constants = (struct hap_constants){0};
}

static int write_constants_record(struct hap_stream_out *out, const char *node, size_t d,
                                  const float *value, const double *kl, struct hap_error *err)
{
        msgpack_packer *packer = hap_stream_out_record(out);
        int rc;

        msgpack_pack_map(packer, kl ? 3 : 2);
        hap_pack_text_entry(packer, "node", node);
        if (kl) {
                hap_pack_number_entry(packer, "kl", *kl);
        }
        hap_pack_text(packer, "value");
        rc = hap_stream_out_tensor(out, HAP_F32, 1, &d, value, err);
        return rc < 0 ? rc : hap_stream_out_end_record(out, err);
}

int hap_constants_write(struct hap_stream_out *out, json_t *header,
                        const struct hap_graph *graph, int d_model, const float *values,
                        const double *kl, struct hap_error *err)
{
        const size_t d = (size_t)d_model;
        char node[HAP_NAME];
        int rc;

        /* one vector per writer, whether or not edges are split by position */
        const struct hap_graph unsplit = hap_graph_without_positions(graph);

        if (hap_graph_into(header, &unsplit) < 0)
                return hap_fail_memory(err, "a header");
        rc = hap_stream_out_begin(out, header, err);
        for (int w = 0; w < graph->n_writers && rc == 0; w++) {
                hap_graph_writer_name(graph, w, node);
                rc = write_constants_record(out, node, d, values + (size_t)w * d,
                                            kl ? kl + w : NULL, err);
        }
        return rc < 0 ? rc : hap_stream_out_end(out, err);
}
