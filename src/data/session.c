#include "data/session.h"

#include <stdlib.h>
#include <string.h>

#include "common/program.h"
#include "data/cache.h"
#include "data/feed.h"
#include "model/model_open.h"
#include "graph/graph_json.h"
#include "model/description.h"

static bool is_kind(const json_t *header, const char *kind)
{
        const char *theirs = json_string_value(json_object_get(header, "kind"));

        return theirs && strcmp(theirs, kind) == 0;
}

bool hap_session_wants(const json_t *header)
{
        return is_kind(header, "task") || is_kind(header, "cache") ||
               is_kind(header, "constants");
}

/* The model, once a stream or -m names one. */
static int need_model(struct hap_session *s, const char *name, const json_t *header,
                      struct hap_error *err)
{
        if (s->header && !s->unknown)
                return hap_model_check(&s->model, header, name, err);
        s->unknown = is_kind(header, "task") && !s->model_path && !hap_header_model(header);
        if (s->unknown)
                return HAP_OK;
        s->described = s->needs.max_bytes > 0;
        return s->described ? hap_model_open_config_for(&s->model, s->model_path, header, name, err)
                            : hap_model_open_for(&s->model, s->model_path, header, name, err);
}

/* What two headers say of their task, where both say something. */
static bool same_task(const json_t *one, const json_t *other)
{
        const json_t *a = json_object_get(one, "task"), *b = json_object_get(other, "task");

        return !a || !b || json_equal(a, b);
}

/* Only a task that still waits gives way, and only to its own cache. */
static int begin_section(struct hap_session *s, const char *name, const json_t *header,
                         struct hap_error *err)
{
        int rc;

        if (s->header && (is_kind(s->header, "cache") || is_kind(header, "task")))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': there are examples in '%s' already", name,
                                s->name);
        if (s->header && !same_task(s->header, header))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': it is not the cache of the task in '%s'", name,
                                s->name);
        if ((rc = need_model(s, name, header, err)) < 0)
                return rc;
        hap_feed_close(s->feed);
        s->feed = NULL;
        json_decref(s->header);
        free(s->name);
        s->header = json_deep_copy(header);
        s->name = strdup(name);
        return s->header && s->name ? HAP_OK : hap_fail_memory(err, "a header");
}

/* Other ablations pass them over. */
static int take_constants(struct hap_session *s, struct hap_stream_in *stream,
                          const json_t *header, struct hap_error *err)
{
        if (!s->options.ablation->learned)
                return HAP_OK;
        if (s->constants.values)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': there are constants in '%s' already",
                                hap_stream_in_name(stream), s->constants.name);
        if (hap_constants_read(stream, header, &s->constants, err) < 0)
                return err->code;
        s->form.split_input |= s->constants.graph.split_input; /* they know of no positions */
        return HAP_OK;
}

int hap_session_take(struct hap_session *s, struct hap_stream_in *in, const json_t *header,
                     struct hap_error *err)
{
        const bool is_cache = is_kind(header, "cache");
        const bool now = is_cache && s->options.ablation->per_prompt;
        int rc;

        if (s->needs.max_bytes > 0) {
                s->needs.options = s->options;
                s->options.needs = &s->needs;
        }
        if (now && s->hold) /* all its prompts */
                s->needs.batches = 0;
        if (is_kind(header, "constants"))
                return take_constants(s, in, header, err);
        rc = begin_section(s, hap_stream_in_name(in), header, err);
        if (rc < 0 || s->unknown)
                return rc;
        if (is_cache && s->positions)
                return hap_fail(err, HAP_EUSAGE, "--positions is for a task: what '%s' tells apart "
                                "is up to hap-forward, which wrote it", s->name);
        s->form.split_input |= s->split_input;
        if (is_cache && (rc = hap_header_form(header, s->name, &s->form, err)) < 0)
                return rc;
        if (s->split_input && !s->form.split_input)
                return hap_fail(err, HAP_EUSAGE, "--split-input is for a task: '%s' was written by "
                                "hap-forward without it", s->name);
        if (is_cache && (rc = hap_session_engine(s, err)) < 0)
                return rc;
        if (now && s->hold) {
                rc = hap_prompts_read(&s->prompts, in, header, &s->engine, &s->options, err);
                s->held = rc == 0;
                return rc;
        }
        rc = hap_feed_open(&s->feed, in, header, &s->model, &s->options, err);
        return rc < 0 ? rc : now;
}

/* The prompts as far as they are known: those of a feed have been read, of a
 * cache the header may tell the number and the length. */
static bool count_prompts(struct hap_session *s)
{
        struct hap_memory_estimate *needs = &s->needs;

        if (!s->feed) {
                const json_t *n = json_object_get(s->header, "examples");
                const json_int_t longest =
                        json_integer_value(json_object_get(s->header, "tokens"));
                const json_int_t shortest =
                        json_integer_value(json_object_get(s->header, "shortest"));
                const char *dtype = json_string_value(json_object_get(s->header, "dtype"));

                needs->prompts = json_integer_value(n) > 0 ? (size_t)json_integer_value(n) : 0;
                needs->tokens = longest > 0 && longest < INT32_MAX ? (size_t)longest : 0;
                needs->shortest = shortest > 0 && shortest <= longest ? (size_t)shortest : 0;
                needs->source = HAP_COUNTERFACTUALS_MAPPED;
                if (!dtype || hap_dtype_of(dtype, &needs->dtype) < 0)
                        needs->dtype = HAP_F32;
        } else {
                hap_feed_measure(s->feed, needs);
        }
        return needs->prompts > 0 && needs->tokens > 0;
}

/* Asked again of all that has been read, for a cache whose header tells nothing. */
static int check_feed(struct hap_session *s, struct hap_error *err)
{
        struct hap_memory_estimate needs = s->needs;

        hap_feed_measure(s->feed, &needs);
        return needs.prompts > 0 ? hap_memory_check(&needs, &s->model, &s->engine.graph, err)
                                 : HAP_OK;
}

/* The weights, once it is sure that the prompts fit. */
static int load(struct hap_session *s, struct hap_error *err)
{
        if (count_prompts(s) &&
            hap_memory_check_model(&s->needs, &s->model, &s->form, err) < 0)
                return err->code;
        hap_model_release(&s->model);
        s->described = false;
        return hap_model_open_for(&s->model, s->model_path, s->header, s->name, err);
}

int hap_session_engine(struct hap_session *s, struct hap_error *err)
{
        int rc;

        if (s->engine.model)
                return HAP_OK;
        if (s->positions && s->feed &&
            hap_examples_positions(&s->feed->examples, s->positions, &s->form.positions, err) < 0)
                return err->code;
        if (s->unknown) /* says that there is none */
                return hap_model_open_for(&s->model, NULL, s->header, s->name, err);
        if (s->described && (rc = load(s, err)) < 0)
                return rc;
        return hap_engine_init(&s->engine, &s->model, &s->form, err);
}

/* The feed's prompts are to have the constants, which must be there and be this
 * model's and graph's. */
static int need_constants(struct hap_session *s, struct hap_error *err)
{
        const struct hap_constants *c = &s->constants;
        struct hap_graph graph = c->graph;
        int rc;

        if (!s->options.ablation->learned)
                return HAP_OK;
        if (!c->values) /* the feed complains */
                return HAP_OK;
        graph.positions = s->engine.graph.positions; /* of whatever positions they are */
        rc = hap_session_join(s, c->header, &graph, c->name, err);
        if (rc == 0 && c->d_model != s->model.config.d_model)
                rc = hap_fail(err, HAP_EINPUT,
                              "cannot use '%s': its vectors are %d long, those of '%s' %d",
                              c->name, c->d_model, s->name, s->model.config.d_model);
        if (rc == 0)
                hap_feed_constants(s->feed, c->values);
        return rc;
}

static bool differs(const struct hap_example *example)
{
        return memcmp(example->clean, example->corrupted,
                      (size_t)example->n_tokens * sizeof *example->clean) != 0;
}

/* Prompts that are given; with `last`, none follow. */
static int look_at(struct hap_session *s, bool last, struct hap_error *err)
{
        for (size_t i = 0; i < s->prompts.n && !s->differ; i++)
                s->differ = differs(s->prompts.examples + i);
        if (last && s->must_differ && !s->differ && s->options.ablation->per_prompt)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': in none of its prompts do clean "
                                                 "and corrupted differ", s->name);
        return HAP_OK;
}

int hap_session_next(struct hap_session *s, size_t n_batches,
                     const struct hap_prompts **prompts, struct hap_error *err)
{
        int rc;

        *prompts = &s->prompts;
        if (s->held) {
                s->held = false;
                return look_at(s, true, err) < 0 ? err->code : 1;
        }
        hap_prompts_release(&s->prompts);
        if (!s->feed && !s->unknown)
                return 0;
        if ((rc = hap_session_engine(s, err)) < 0 || (rc = need_constants(s, err)) < 0)
                return rc;
        if ((rc = check_feed(s, err)) < 0)
                return rc;
        rc = hap_feed_next(s->feed, &s->engine, n_batches, &s->prompts, err);
        if (rc == 0) {
                hap_feed_close(s->feed);
                s->feed = NULL;
        }
        if (rc >= 0 && look_at(s, rc == 0 || n_batches == 0, err) < 0)
                return err->code;
        return rc;
}

size_t hap_session_total(const struct hap_session *s)
{
        return s->feed ? hap_feed_total(s->feed) : s->prompts.n;
}

int hap_session_join(struct hap_session *s, const json_t *header,
                     const struct hap_graph *graph, const char *name,
                     struct hap_error *err)
{
        char theirs[HAP_POSITIONS_TEXT], ours[HAP_POSITIONS_TEXT];
        int rc = hap_model_check(&s->model, header, name, err);

        if (rc < 0)
                return rc;
        if (!hap_positions_equal(&graph->positions, &s->engine.graph.positions))
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': it %s, but here the graph %s",
                                name, hap_positions_text(&graph->positions, theirs),
                                hap_positions_text(&s->engine.graph.positions, ours));
        if (graph->split_input != s->engine.graph.split_input)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': it was made %s --split-input, "
                                "but here the graph has a %s input", name,
                                graph->split_input ? "with" : "without",
                                graph->split_input ? "joined" : "split");
        if (!hap_graph_equal(graph, &s->engine.graph))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': made for a graph of %zu edges, "
                                "that of '%s' has %zu",
                                name, graph->n_edges, s->name, s->engine.graph.n_edges);
        hap_header_join(s->header, header);
        return HAP_OK;
}

int hap_session_describe(const struct hap_session *s, json_t *header, struct hap_error *err)
{
        hap_cache_undescribe(header);
        if (json_object_set_new(header, "model", hap_model_describe(&s->model)) < 0 ||
            hap_graph_into(header, &s->engine.graph) < 0)
                return hap_fail_memory(err, "a header");
        return HAP_OK;
}

void hap_session_release(struct hap_session *s)
{
        hap_prompts_release(&s->prompts);
        hap_feed_close(s->feed);
        hap_constants_release(&s->constants);
        hap_engine_release(&s->engine);
        hap_model_release(&s->model);
        json_decref(s->header);
        free(s->name);
}
