#include "attrib/example_scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/header.h"
#include "common/memory.h"
#include "graph/graph_json.h"

/* --- writing --- */

int hap_example_scores_begin(struct hap_example_scores_out *w, size_t n_scores,
                             struct hap_error *err)
{
        *w = (struct hap_example_scores_out){.n_scores = n_scores};
        w->file = tmpfile();
        if (!w->file)
                return hap_fail(err, HAP_ESYSTEM, "cannot create a temporary file for the scores "
                                "of examples");
        w->ids = json_array();
        return w->ids ? HAP_OK : hap_fail_memory(err, "the scores of examples");
}

static int fail_file(struct hap_error *err)
{
        return hap_fail(err, HAP_ESYSTEM, "the temporary file of the scores of examples failed");
}

int hap_example_scores_add(struct hap_example_scores_out *w, const char *id, const double *scores,
                           struct hap_error *err)
{
        for (size_t i = 0; i < w->n_scores; i++) {
                const float value = (float)scores[i];

                if (fwrite(&value, sizeof value, 1, w->file) != 1)
                        return fail_file(err);
        }
        return json_array_append_new(w->ids, json_string(id)) < 0
                       ? hap_fail_memory(err, "the scores of examples") : HAP_OK;
}

static int write_example(struct hap_stream_out *out, const char *id, enum hap_dtype dtype,
                         float *values, size_t n, struct hap_error *err)
{
        msgpack_packer *packer = hap_stream_out_record(out);
        float scale = 0;
        int rc;

        for (size_t i = 0; i < n; i++)
                scale = fmaxf(scale, fabsf(values[i]));
        scale = dtype == HAP_F32 || scale == 0 ? 1 : scale;
        for (size_t i = 0; scale != 1 && i < n; i++)
                values[i] /= scale;
        msgpack_pack_map(packer, scale == 1 ? 2 : 3);
        hap_pack_text_entry(packer, "id", id);
        if (scale != 1)
                hap_pack_number_entry(packer, "scale", (double)scale);
        hap_pack_text(packer, "scores");
        rc = hap_stream_out_tensor(out, dtype, 1, &n, values, err);
        return rc < 0 ? rc : hap_stream_out_end_record(out, err);
}

static int describe(json_t *header, const struct hap_graph *graph, size_t n, bool nodes,
                    enum hap_dtype dtype)
{
        return hap_graph_into(header, graph) |
               json_object_set_new(header, "examples", json_integer((json_int_t)n)) |
               json_object_set_new(header, "of", json_string(nodes ? "nodes" : "edges")) |
               json_object_set_new(header, "dtype", json_string(hap_dtype_name(dtype)));
}

int hap_example_scores_write(struct hap_example_scores_out *w, struct hap_stream_out *out,
                             json_t *header, const struct hap_graph *graph, enum hap_dtype dtype,
                             struct hap_error *err)
{
        const size_t n = json_array_size(w->ids);
        float *values = calloc(w->n_scores, sizeof *values);
        int rc = HAP_OK;

        if (!values || describe(header, graph, n, w->n_scores != graph->n_edges, dtype) != 0)
                rc = hap_fail_memory(err, "the scores of examples");
        if (rc == 0 && (fflush(w->file) != 0 || fseek(w->file, 0, SEEK_SET) != 0))
                rc = fail_file(err);
        if (rc == 0)
                rc = hap_stream_out_begin(out, header, err);
        for (size_t i = 0; i < n && rc == 0; i++) {
                if (fread(values, sizeof *values, w->n_scores, w->file) != w->n_scores)
                        rc = fail_file(err);
                else
                        rc = write_example(out, json_string_value(json_array_get(w->ids, i)),
                                           dtype, values, w->n_scores, err);
        }
        free(values);
        return rc < 0 ? rc : hap_stream_out_end(out, err);
}

void hap_example_scores_end(struct hap_example_scores_out *w)
{
        if (w->file)
                fclose(w->file);
        json_decref(w->ids);
        *w = (struct hap_example_scores_out){0};
}

/* --- reading --- */

void hap_example_scores_release(struct hap_example_scores *s)
{
        json_decref(s->header);
        json_decref(s->ids);
        hap_graph_release(&s->graph);
        free(s->values);
        free(s->name);
        *s = (struct hap_example_scores){0};
}

static int begin_scores(struct hap_stream_in *in, const json_t *header,
                        struct hap_example_scores *s, struct hap_error *err)
{
        const char *of = json_string_value(json_object_get(header, "of"));
        int rc = hap_graph_of_json(&s->graph, json_object_get(header, "graph"), err);

        if (rc < 0)
                return hap_fail_within(err, "cannot use '%s'", hap_stream_in_name(in));
        s->of_nodes = of && strcmp(of, "nodes") == 0;
        s->n_scores = s->of_nodes ? hap_graph_n_nodes(&s->graph) : s->graph.n_edges;
        s->header = json_deep_copy(header);
        s->ids = json_array();
        s->name = strdup(hap_stream_in_name(in));
        return s->header && s->ids && s->name ? HAP_OK
                                              : hap_fail_memory(err, "the scores of examples");
}

/* The record's scale: 1 without one, NaN if it is not a number. */
static double scale_of(const msgpack_object *scale)
{
        double value = 1;

        return !scale || hap_object_number(scale, &value) ? value : NAN;
}

/* The record's scores, which are as many as the graph needs. */
static int find_scores(struct hap_stream_in *in, const msgpack_object *record,
                       const struct hap_example_scores *s, struct hap_tensor *tensor,
                       struct hap_error *err)
{
        const msgpack_object *value = hap_map_get(record, "scores");
        struct hap_error why;

        if (!value)
                return hap_stream_in_fail(in, err, "it has no scores");
        if (hap_tensor_of(value, tensor, &why) < 0)
                return hap_stream_in_fail(in, err, "its 'scores': %s", why.message);
        if (tensor->n_dims != 1 || tensor->n != s->n_scores)
                return hap_stream_in_fail(in, err, "its 'scores' are %zu numbers; the graph has "
                                          "%zu %s", tensor->n, s->n_scores,
                                          s->of_nodes ? "nodes" : "edges");
        return HAP_OK;
}

/* Space for one more example. */
static int grow(struct hap_example_scores *s, struct hap_error *err)
{
        float *grown;

        if ((s->n & (s->n - 1)) != 0) /* the array doubles */
                return HAP_OK;
        grown = reallocarray(s->values, (s->n ? 2 * s->n : 1) * s->n_scores, sizeof *grown);
        if (!grown)
                return hap_fail_memory(err, "the scores of examples");
        s->values = grown;
        return HAP_OK;
}

static int read_values(struct hap_stream_in *in, const msgpack_object *record,
                       struct hap_example_scores *s, struct hap_error *err)
{
        const double scale = scale_of(hap_map_get(record, "scale"));
        struct hap_tensor tensor;
        float *to;

        if (find_scores(in, record, s, &tensor, err) < 0 || grow(s, err) < 0)
                return err->code;
        to = s->values + s->n * s->n_scores;
        hap_tensor_read(&tensor, 0, s->n_scores, to);
        for (size_t i = 0; i < s->n_scores; i++) {
                to[i] = (float)(scale * (double)to[i]);
                if (!isfinite(to[i]))
                        return hap_stream_in_fail(in, err, "its 'scores' are not all finite");
        }
        return HAP_OK;
}

static int add_example(struct hap_stream_in *in, const msgpack_object *record,
                       struct hap_example_scores *s, struct hap_error *err)
{
        const msgpack_object *id = hap_map_get(record, "id");
        json_t *text;

        if (!id || id->type != MSGPACK_OBJECT_STR)
                return hap_stream_in_fail(in, err, "it has no id");
        if (read_values(in, record, s, err) < 0)
                return err->code;
        text = hap_json_plain_text(id);
        if (!text && !hap_memory_was_short())
                return hap_stream_in_fail(in, err, "its id is not UTF-8, or has a NUL");
        if (json_array_append_new(s->ids, text) < 0)
                return hap_fail_memory(err, "the scores of examples");
        s->n++;
        return HAP_OK;
}

static int read_section(struct hap_stream_in *in, const json_t *header,
                        struct hap_example_scores *s, struct hap_error *err)
{
        msgpack_object record;
        int rc = begin_scores(in, header, s, err);

        while (rc == 0 && (rc = hap_stream_in_record(in, &record, err)) > 0)
                rc = add_example(in, &record, s, err);
        if (rc == 0 && s->n == 0)
                rc = hap_fail(err, HAP_EINPUT, "cannot use '%s': it contains scores of no example",
                              s->name);
        if (rc < 0)
                hap_example_scores_release(s);
        return rc;
}

int hap_example_scores_next(struct hap_stream_in *in, struct hap_example_scores *s,
                            struct hap_error *err)
{
        json_t *header;
        int rc;

        *s = (struct hap_example_scores){0};
        while ((rc = hap_stream_in_section(in, &header, err)) > 0) {
                if (!hap_header_is(header, "example-scores"))
                        continue;
                rc = read_section(in, header, s, err);
                return rc < 0 ? rc : 1;
        }
        return rc;
}
