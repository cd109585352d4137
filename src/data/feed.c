/* Prompts a few batches at a time. A task's examples are all read at once, they
 * are only tokens; so are a cache's when its outputs are not needed (zero and
 * mean ablation). Under interchange a cache is read as it is used. */
#include "data/feed.h"

#include <stdlib.h>
#include <string.h>

#include "data/cache.h"
#include "data/memory_estimate.h"
#include "model/description.h"

static bool is_kind(const json_t *header, const char *kind)
{
        const char *theirs = json_string_value(json_object_get(header, "kind"));

        return theirs && strcmp(theirs, kind) == 0;
}

static int no_examples(const struct hap_feed *feed, struct hap_error *err)
{
        return hap_fail(err, HAP_EINPUT, "cannot use '%s': it holds no examples", feed->name);
}

/* Room for one more in an array of n; powers of two from 64. */
static void *grown(void *items, size_t n, size_t size)
{
        if (n && (n < 64 || (n & (n - 1))))
                return items;
        return reallocarray(items, n ? 2 * n : 64, size);
}

/* The examples of a whole cache section. */
static int read_cached_examples(struct hap_feed *feed, struct hap_stream_in *in,
                                const struct hap_model *model, struct hap_error *err)
{
        struct hap_examples *examples = &feed->examples;
        msgpack_object record;
        int rc;

        hap_arena_init(&examples->arena);
        while ((rc = hap_stream_in_record(in, &record, err)) > 0) {
                struct hap_example *items = grown(examples->items, examples->n, sizeof *items);

                if (!items)
                        return hap_fail_memory(err, "examples");
                examples->items = items;
                rc = hap_cache_example(in, &record, model, &examples->arena,
                                       items + examples->n, err);
                if (rc < 0)
                        return rc;
                examples->n++;
        }
        return rc < 0 || examples->n ? rc : no_examples(feed, err);
}

static int open_section(struct hap_feed *feed, struct hap_stream_in *in,
                        const json_t *header, const struct hap_model *model,
                        struct hap_error *err)
{
        int rc = hap_model_check(model, header, hap_stream_in_name(in), err);

        if (rc < 0)
                return rc;
        if (is_kind(header, "task"))
                return hap_examples_read(in, header, model, &feed->examples, err);
        if (!is_kind(header, "cache"))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': neither a task nor a cache", feed->name);
        if (!feed->options.ablation->per_prompt)
                return read_cached_examples(feed, in, model, err);
        feed->in = in;
        return HAP_OK;
}

int hap_feed_open(struct hap_feed **feed, struct hap_stream_in *in, const json_t *header,
                  const struct hap_model *model, const struct hap_prompts_options *options,
                  struct hap_error *err)
{
        struct hap_feed *new = calloc(1, sizeof *new);
        int rc;

        *feed = NULL;
        if (!new)
                return hap_fail_memory(err, "prompts");
        new->options = *options;
        new->name = strdup(hap_stream_in_name(in));
        new->header = json_deep_copy(header);
        if (new->name && new->header)
                rc = open_section(new, in, header, model, err);
        else
                rc = hap_fail_memory(err, "prompts");
        if (rc < 0) {
                hap_feed_close(new);
                return rc;
        }
        if (options->limit && new->examples.n > options->limit)
                new->examples.n = options->limit;
        *feed = new;
        return HAP_OK;
}

void hap_feed_close(struct hap_feed *feed)
{
        if (!feed)
                return;
        hap_examples_release(&feed->examples);
        hap_arena_release(&feed->arena);
        json_decref(feed->header);
        free(feed->name);
        free(feed);
}

size_t hap_feed_total(const struct hap_feed *feed)
{
        json_int_t n = json_integer_value(json_object_get(feed->header, "examples"));

        if (!feed->in)
                return feed->examples.n;
        if (feed->options.limit && (json_int_t)feed->options.limit < n)
                n = (json_int_t)feed->options.limit;
        return n > 0 ? (size_t)n : 0;
}

void hap_feed_constants(struct hap_feed *feed, const float *values)
{
        feed->mean = (struct hap_counterfactual){.ablation = &hap_optimal, .data = values, .dtype = HAP_F32};
}

void hap_feed_measure(const struct hap_feed *feed, struct hap_memory_estimate *needs)
{
        hap_memory_examples(needs, &feed->examples);
}

/* --- what comes next --- */

/* What hap_feed_next collects before anything is run. */
struct collecting {
        struct hap_prompts *prompts;
        struct hap_cache_record *cached; /* [prompts->n], or NULL */
        size_t n_batches;
        struct hap_memory_estimate needs; /* of the prompts so far, if any are checked */
};

static bool at_limit(const struct hap_feed *feed, const struct collecting *in)
{
        return feed->options.limit && feed->given + in->prompts->n >= feed->options.limit;
}

static bool enough(const struct hap_feed *feed, const struct collecting *in)
{
        return hap_batches_have(&in->prompts->batches, in->n_batches) || at_limit(feed, in);
}

static int collect_example(const struct hap_feed *feed, struct collecting *in,
                           const struct hap_engine *engine, const struct hap_example *example,
                           struct hap_error *err)
{
        struct hap_prompts *prompts = in->prompts;
        struct hap_example *items = grown(prompts->examples, prompts->n, sizeof *items);
        size_t rows = 0; /* of a full batch; 0: as many as suit */

        if (!items)
                return hap_fail_memory(err, "examples");
        if (feed->options.gradients)
                rows = hap_batches_gradient_rows(&engine->graph, engine->model->config.d_model);
        prompts->examples = items;
        items[prompts->n++] = *example;
        return hap_batches_add(&prompts->batches, example, rows, err);
}

/* A tensor of F32 becomes one of F16 in the arena. */
static int keep_halves(struct hap_prompts *prompts, struct hap_tensor *tensor,
                       struct hap_error *err)
{
        enum { CHUNK = 4096 };
        float values[CHUNK];
        uint16_t *halves = hap_arena_alloc(&prompts->arena, tensor->n, sizeof *halves);

        if (!halves)
                return hap_fail_memory(err, "a cache");
        for (size_t at = 0; at < tensor->n; at += CHUNK) {
                const size_t n = tensor->n - at < CHUNK ? tensor->n - at : CHUNK;
                size_t fit;

                hap_tensor_read(tensor, at, n, values);
                fit = hap_halves_of(HAP_F16, values, n, halves + at);
                if (fit < n)
                        return hap_fail_beyond(err, values[fit]);
        }
        tensor->dtype = HAP_F16;
        tensor->data = halves;
        return HAP_OK;
}

/* The corrupted run's outputs and the clean logits of a cache's record must
 * live as long as the prompts: they stay in a mapped file, else are copied. */
static int keep_tensor(struct hap_prompts *prompts, struct hap_tensor *tensor,
                       struct hap_error *err)
{
        size_t bytes = tensor->n * (tensor->dtype == HAP_F32 ? 4 : 2);
        void *copy;

        if (prompts->mapped)
                return HAP_OK;
        copy = hap_arena_alloc(&prompts->arena, bytes, 1);
        if (!copy)
                return hap_fail_memory(err, "a cache");
        memcpy(copy, tensor->data, bytes);
        tensor->data = copy;
        return HAP_OK;
}

/* The prompts of a cache show only as they are read, so that what is allowed is
 * asked for with each, before anything is kept of it. */
static int check_needs(const struct hap_feed *feed, struct collecting *in,
                       const struct hap_engine *engine,
                       const struct hap_cache_record *record, struct hap_error *err)
{
        const size_t n = in->prompts->n + 1, total = hap_feed_total(feed);

        if (!feed->options.needs)
                return HAP_OK;
        hap_memory_prompt(&in->needs, &record->example);
        in->needs.prompts = n > total ? n : total;
        in->needs.source = in->prompts->mapped ? HAP_COUNTERFACTUALS_MAPPED : HAP_COUNTERFACTUALS_PIPED;
        in->needs.dtype = record->corrupted.outputs.dtype;
        return hap_memory_check(&in->needs, engine->model, &engine->graph, err);
}

static int collect_record(const struct hap_feed *feed, struct collecting *in,
                          const struct hap_engine *engine, const msgpack_object *object,
                          struct hap_error *err)
{
        struct hap_prompts *prompts = in->prompts;
        struct hap_cache_record *cached = grown(in->cached, prompts->n, sizeof *cached);
        struct hap_cache_record *record;
        struct hap_tensor *outputs;
        int rc;

        if (!cached)
                return hap_fail_memory(err, "a cache");
        in->cached = cached;
        record = cached + prompts->n;
        rc = hap_cache_read(feed->in, object, engine, &prompts->arena, record, err);
        if (rc == 0)
                rc = check_needs(feed, in, engine, record, err);
        outputs = &record->corrupted.outputs;
        if (rc == 0 && outputs->dtype == HAP_F32 && feed->options.dtype == HAP_F16)
                rc = keep_halves(prompts, outputs, err);
        else if (rc == 0)
                rc = keep_tensor(prompts, outputs, err);
        if (rc == 0 && feed->options.want_log_p)
                rc = keep_tensor(prompts, &record->clean.logits, err);
        return rc < 0 ? rc : collect_example(feed, in, engine, &record->example, err);
}

static int collect_cache(struct hap_feed *feed, struct collecting *in,
                         const struct hap_engine *engine, struct hap_error *err)
{
        msgpack_object object;
        int rc = 1;

        if (feed->given == 0 &&
            (rc = hap_cache_check(feed->in, feed->header, engine, err)) < 0)
                return rc;
        in->prompts->mapped = hap_stream_in_keeps(feed->in);
        while (!enough(feed, in) &&
               (rc = hap_stream_in_record(feed->in, &object, err)) > 0)
                if ((rc = collect_record(feed, in, engine, &object, err)) < 0)
                        return rc;
        while (rc > 0 && at_limit(feed, in)) /* the rest must be whole, too */
                rc = hap_stream_in_record(feed->in, &object, err);
        return rc < 0 ? rc : HAP_OK;
}

static int collect(struct hap_feed *feed, struct collecting *in,
                   const struct hap_engine *engine, struct hap_error *err)
{
        const struct hap_ablation *ablation = feed->options.ablation;
        int rc = HAP_OK;

        if (feed->in)
                return collect_cache(feed, in, engine, err);
        if (ablation->averaged && !feed->mean.data)
                rc = hap_feed_mean(feed, engine, err);
        if (ablation->learned && !feed->mean.data)
                rc = hap_fail(err, HAP_EINPUT, "optimal ablation needs constants: give those "
                                               "that hap-ablate learned, too");
        while (rc == 0 && feed->next < feed->examples.n && !enough(feed, in))
                rc = collect_example(feed, in, engine, feed->examples.items + feed->next++, err);
        return rc;
}

int hap_feed_next(struct hap_feed *feed, const struct hap_engine *engine, size_t n_batches,
                  struct hap_prompts *prompts, struct hap_error *err)
{
        struct collecting in = {.prompts = prompts, .n_batches = n_batches};
        int rc;

        if (feed->options.needs)
                in.needs = *feed->options.needs;
        *prompts = (struct hap_prompts){0};
        hap_arena_init(&prompts->arena);
        rc = collect(feed, &in, engine, err);
        if (rc == 0 && prompts->n)
                rc = hap_prompts_build(prompts, feed, engine, in.cached, err);
        else if (rc == 0 && feed->given == 0)
                rc = no_examples(feed, err);
        free(in.cached);
        feed->given += prompts->n;
        if (rc == 0 && prompts->n)
                return 1;
        hap_prompts_release(prompts);
        return rc;
}
