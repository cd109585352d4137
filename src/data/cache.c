#include "data/cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "graph/graph_json.h"
#include "model/description.h"

int hap_cache_describe(json_t *header, const struct hap_engine *engine,
                       enum hap_dtype dtype, size_t n_examples, size_t shortest,
                       size_t longest, struct hap_error *err)
{
        if (json_object_set_new(header, "model", hap_model_describe(engine->model)) < 0 ||
            hap_graph_into(header, &engine->graph) < 0 ||
            json_object_set_new(header, "dtype", json_string(hap_dtype_name(dtype))) < 0 ||
            json_object_set_new(header, "examples", json_integer((json_int_t)n_examples)) < 0 ||
            json_object_set_new(header, "tokens", json_integer((json_int_t)longest)) < 0 ||
            json_object_set_new(header, "shortest", json_integer((json_int_t)shortest)) < 0)
                return hap_fail_memory(err, "a header");
        return HAP_OK;
}

void hap_cache_undescribe(json_t *header)
{
        json_object_del(header, "dtype");
        json_object_del(header, "tokens");
        json_object_del(header, "shortest");
}

int hap_cache_check(struct hap_stream_in *in, const json_t *header,
                    const struct hap_engine *engine, struct hap_error *err)
{
        const char *name = hap_stream_in_name(in);
        struct hap_graph graph;
        bool equal;
        int rc = hap_model_check(engine->model, header, name, err);

        if (rc < 0)
                return rc;
        if (!json_object_get(header, "graph"))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': its header has no graph", name);
        rc = hap_graph_of_json(&graph, json_object_get(header, "graph"), err);
        if (rc < 0)
                return hap_fail_within(err, "cannot use '%s'", name);
        equal = hap_graph_equal(&graph, &engine->graph);
        hap_graph_release(&graph);
        if (!equal)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': made for another graph",
                                name);
        return HAP_OK;
}

/* --- reading --- */

int hap_cache_example(struct hap_stream_in *in, const msgpack_object *object,
                      const struct hap_model *model, struct hap_arena *arena,
                      struct hap_example *example, struct hap_error *err)
{
        static const char *const keys[] = {"id", "clean", "corrupted", "answers",
                                           "wrongs", "at", "positions"};
        char where[512], number[32];
        json_t *task = json_object();
        int rc = task ? HAP_OK : hap_fail_memory(err, "an example");

        snprintf(number, sizeof number, "%" PRIu64, hap_stream_in_record_number(in));
        snprintf(where, sizeof where, "record %s of '%.400s'", number,
                 hap_stream_in_name(in));
        for (size_t i = 0; rc == 0 && i < sizeof keys / sizeof *keys; i++) {
                const msgpack_object *value = hap_map_get(object, keys[i]);
                json_t *json = value ? hap_json_of(value) : NULL;

                if (value && (!json || json_object_set_new(task, keys[i], json) < 0))
                        rc = hap_stream_in_fail(in, err, "its '%s' cannot be read", keys[i]);
        }
        if (rc == 0)
                rc = hap_example_of(task, model, NULL, where, arena, example, err);
        json_decref(task);
        if (rc == 0 && !*example->id &&
            !(example->id = hap_arena_text(arena, number, strlen(number))))
                rc = hap_fail_memory(err, "an id");
        return rc;
}

static int read_tensor(struct hap_stream_in *in, const msgpack_object *object,
                       const char *key, int n_dims, const size_t *shape,
                       struct hap_tensor *tensor, struct hap_error *err)
{
        const msgpack_object *value = hap_map_get(object, key);
        struct hap_error why;

        if (!value)
                return hap_stream_in_fail(in, err, "it has no '%s'", key);
        if (hap_tensor_of(value, tensor, &why) < 0)
                return hap_stream_in_fail(in, err, "its '%s': %s", key, why.message);
        if (tensor->n_dims != n_dims)
                return hap_stream_in_fail(in, err, "its '%s' has %d dimensions, not %d",
                                       key, tensor->n_dims, n_dims);
        for (int i = 0; i < n_dims; i++)
                if (tensor->shape[i] != shape[i])
                        return hap_stream_in_fail(in, err,
                                               "its '%s' has %zu values along dimension %d, "
                                               "not %zu", key, tensor->shape[i], i + 1, shape[i]);
        return HAP_OK;
}

int hap_cache_read(struct hap_stream_in *in, const msgpack_object *object,
                   const struct hap_engine *engine, struct hap_arena *arena,
                   struct hap_cache_record *record, struct hap_error *err)
{
        const struct hap_config *config = &engine->model->config;
        size_t outputs[3], logits[2];
        int rc = hap_cache_example(in, object, engine->model, arena, &record->example,
                                   err);

        if (rc < 0)
                return rc;
        outputs[0] = (size_t)engine->graph.n_writers;
        outputs[1] = (size_t)record->example.n_tokens;
        outputs[2] = (size_t)config->d_model;
        logits[0] = (size_t)record->example.n_answer_positions;
        logits[1] = (size_t)config->n_out;
        if ((rc = read_tensor(in, object, "clean_outputs", 3, outputs,
                              &record->clean.outputs, err)) < 0 ||
            (rc = read_tensor(in, object, "corrupted_outputs", 3, outputs,
                              &record->corrupted.outputs, err)) < 0 ||
            (rc = read_tensor(in, object, "clean_logits", 2, logits,
                              &record->clean.logits, err)) < 0)
                return rc;
        return read_tensor(in, object, "corrupted_logits", 2, logits,
                           &record->corrupted.logits, err);
}

/* --- writing --- */

static void pack_ids(msgpack_packer *packer, const char *key, const int32_t *ids, int n)
{
        hap_pack_text(packer, key);
        msgpack_pack_array(packer, (size_t)n);
        for (int i = 0; i < n; i++)
                msgpack_pack_int32(packer, ids[i]);
}

/* The answers `first` to first + n − 1 of all: an id, or the ids of an answer of several tokens. */
static void pack_answers(msgpack_packer *packer, const char *key, const struct hap_example *example,
                         const int32_t *ids, int first, int n)
{
        if (n == 0)
                return;
        hap_pack_text(packer, key);
        msgpack_pack_array(packer, (size_t)n);
        for (int i = 0; i < n; i++) {
                const struct hap_answer *answer = example->whole ? example->whole + first + i : NULL;

                if (!answer || answer->n == 1) {
                        msgpack_pack_int32(packer, ids[i]);
                        continue;
                }
                msgpack_pack_array(packer, (size_t)answer->n);
                for (int k = 0; k < answer->n; k++)
                        msgpack_pack_int32(packer, answer->tokens[k]);
        }
}

/* Where the example has the positions of the graph; all but HAP_REST, the last. */
static void pack_positions(msgpack_packer *packer, const struct hap_example *example,
                           const struct hap_positions *positions)
{
        if (!positions->n)
                return;
        hap_pack_text(packer, "positions");
        msgpack_pack_map(packer, (size_t)positions->n - 1);
        for (int p = 0; p < positions->n - 1; p++) {
                hap_pack_text(packer, positions->name[p]);
                msgpack_pack_int32(packer, hap_example_position(example, positions->name[p]));
        }
}

static void pack_example(msgpack_packer *packer, const struct hap_example *example)
{
        const int n_at = example->whole ? 1 : example->n_answer_positions;

        hap_pack_text_entry(packer, "id", example->id);
        pack_ids(packer, "clean", example->clean, hap_example_prompt_tokens(example));
        pack_ids(packer, "corrupted", example->corrupted, hap_example_prompt_tokens(example));
        pack_answers(packer, "answers", example, example->answers, 0, example->n_answers);
        pack_answers(packer, "wrongs", example, example->wrongs, example->n_answers,
                     example->n_wrongs);
        hap_pack_text(packer, "at");
        msgpack_pack_array(packer, (size_t)n_at);
        for (int i = 0; i < n_at; i++)
                msgpack_pack_int32(packer, example->answer_first + i);
}

int hap_cache_write(struct hap_stream_out *out, const struct hap_engine *engine,
                    enum hap_dtype dtype, const struct hap_example *example,
                    const struct hap_run_values *clean,
                    const struct hap_run_values *corrupted, struct hap_error *err)
{
        const struct hap_config *config = &engine->model->config;
        const size_t outputs[3] = {(size_t)engine->graph.n_writers,
                                   (size_t)example->n_tokens, (size_t)config->d_model};
        const size_t logits[2] = {(size_t)example->n_answer_positions, (size_t)config->n_out};
        const struct {
                const char *key;
                enum hap_dtype dtype;
                int n_dims;
                const size_t *shape;
                const float *values;
        } tensors[] = {
                {"clean_outputs", dtype, 3, outputs, clean->outputs},
                {"corrupted_outputs", dtype, 3, outputs, corrupted->outputs},
                {"clean_logits", HAP_F32, 2, logits, clean->logits},
                {"corrupted_logits", HAP_F32, 2, logits, corrupted->logits},
        };
        msgpack_packer *packer = hap_stream_out_record(out);

        msgpack_pack_map(packer, 8u + (example->n_answers > 0) + (example->n_wrongs > 0) +
                                         (engine->graph.positions.n > 0));
        pack_example(packer, example);
        pack_positions(packer, example, &engine->graph.positions);
        for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
                int rc;

                hap_pack_text(packer, tensors[i].key);
                rc = hap_stream_out_tensor(out, tensors[i].dtype, tensors[i].n_dims,
                                       tensors[i].shape, tensors[i].values, err);
                if (rc < 0)
                        return rc;
        }
        return hap_stream_out_end_record(out, err);
}
