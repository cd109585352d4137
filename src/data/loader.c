#include "data/loader.h"

#include <stdlib.h>
#include <string.h>

#include "common/header.h"
#include "data/means.h"
#include "forward/counterfactual.h"
#include "forward/engine.h"
#include "model/description.h"

struct hap_loader {
        struct hap_prompts_options options;
        const struct hap_memory_estimate *estimate; /* borrowed, or NULL */
        json_t *header;               /* owned */
        char *name;                   /* of the stream, for messages */
        struct hap_stream_in *in;     /* of a cache that is read in parts, or NULL */
        struct hap_examples examples; /* without `in`: all of them */
        size_t next;                  /* the first of the examples not yet given */
        size_t given;                 /* prompts given so far */
        struct hap_counterfactual common; /* means or constants; data NULL until known */
        struct hap_arena arena;       /* of the means */
};

static int fail_empty(const struct hap_loader *loader, struct hap_error *err)
{
        return hap_fail(err, HAP_EINPUT, "cannot use '%s': it contains no examples", loader->name);
}

/* Space for one more element after n; capacities are powers of two from 64. */
static void *grow_array(void *items, size_t n, size_t size)
{
        if (n && (n < 64 || (n & (n - 1))))
                return items;
        return reallocarray(items, n ? 2 * n : 64, size);
}

/* The examples of a whole cache section. */
static int read_cached_examples(struct hap_loader *loader, struct hap_stream_in *in,
                                const struct hap_model *model, struct hap_error *err)
{
        struct hap_examples *examples = &loader->examples;
        msgpack_object record;
        int rc;

        hap_examples_init(examples);
        while ((rc = hap_stream_in_record(in, &record, err)) > 0) {
                struct hap_example *example = hap_examples_next(examples);

                if (!example)
                        return hap_fail_memory(err, "examples");
                rc = hap_cache_example(in, &record, model, &examples->arena, example, err);
                if (rc < 0)
                        return rc;
                examples->n++;
        }
        return rc < 0 || examples->n ? rc : fail_empty(loader, err);
}

static int open_section(struct hap_loader *loader, struct hap_stream_in *in,
                        const json_t *header, const struct hap_model *model,
                        struct hap_error *err)
{
        int rc = hap_model_check(model, header, hap_stream_in_name(in), err);

        if (rc < 0)
                return rc;
        if (hap_header_is(header, "task"))
                return hap_examples_read(in, header, model, &loader->examples, err);
        if (!loader->options.ablation->per_prompt)
                return read_cached_examples(loader, in, model, err);
        loader->in = in;
        return HAP_OK;
}

int hap_loader_open(struct hap_loader **loader, struct hap_stream_in *in, const json_t *header,
                    const struct hap_model *model, const struct hap_prompts_options *options,
                    const struct hap_memory_estimate *estimate, struct hap_error *err)
{
        struct hap_loader *new = calloc(1, sizeof *new);
        int rc;

        *loader = NULL;
        if (!new)
                return hap_fail_memory(err, "prompts");
        new->options = *options;
        new->estimate = estimate;
        new->name = strdup(hap_stream_in_name(in));
        new->header = json_deep_copy(header);
        if (new->name && new->header)
                rc = open_section(new, in, header, model, err);
        else
                rc = hap_fail_memory(err, "prompts");
        if (rc < 0) {
                hap_loader_close(new);
                return rc;
        }
        if (options->limit && new->examples.n > options->limit)
                new->examples.n = options->limit;
        *loader = new;
        return HAP_OK;
}

void hap_loader_close(struct hap_loader *loader)
{
        if (!loader)
                return;
        hap_examples_release(&loader->examples);
        hap_arena_release(&loader->arena);
        json_decref(loader->header);
        free(loader->name);
        free(loader);
}

size_t hap_loader_total(const struct hap_loader *loader)
{
        json_int_t n = json_integer_value(json_object_get(loader->header, "examples"));

        if (!loader->in)
                return loader->examples.n;
        if (loader->options.limit && (json_int_t)loader->options.limit < n)
                n = (json_int_t)loader->options.limit;
        return n > 0 ? (size_t)n : 0;
}

void hap_loader_set_constants(struct hap_loader *loader, const float *values)
{
        loader->common = (struct hap_counterfactual){.ablation = &hap_optimal, .data = values,
                                                     .dtype = HAP_F32};
}

void hap_loader_set_outputs(struct hap_loader *loader, enum hap_outputs outputs)
{
        loader->options.outputs = outputs;
}

const struct hap_examples *hap_loader_examples(const struct hap_loader *loader)
{
        return &loader->examples;
}

/* --- the next prompts --- */

/* A chunk: what hap_loader_next collects before anything is run. */
struct collection {
        struct hap_prompts *prompts;
        struct hap_cache_record *cached; /* [prompts->n], owned, or NULL */
        size_t n_batches;
        struct hap_memory_estimate estimate; /* of the prompts so far, if there is a limit */
};

static bool at_limit(const struct hap_loader *loader, const struct collection *c)
{
        return loader->options.limit &&
               loader->given + c->prompts->n >= loader->options.limit;
}

static bool is_full(const struct hap_loader *loader, const struct collection *c)
{
        return hap_batches_have(&c->prompts->batches, c->n_batches) || at_limit(loader, c);
}

static int collect_example(const struct hap_loader *loader, struct collection *c,
                           const struct hap_engine *engine, const struct hap_example *example,
                           struct hap_error *err)
{
        struct hap_prompts *prompts = c->prompts;
        struct hap_example *items = grow_array(prompts->examples, prompts->n, sizeof *items);
        size_t rows = 0; /* of a full batch; 0: the default */

        if (!items)
                return hap_fail_memory(err, "examples");
        if (loader->options.single)
                rows = 1;
        else if (loader->options.gradients)
                rows = hap_batches_gradient_rows(&engine->graph, engine->model->config.d_model);
        prompts->examples = items;
        items[prompts->n++] = *example;
        return hap_batches_add(&prompts->batches, example, rows, err);
}

/* Copies a tensor of F32 to the prompts' arena as F16 or BF16. */
static int copy_as_halves(struct hap_prompts *prompts, struct hap_tensor *tensor,
                          enum hap_dtype dtype, struct hap_error *err)
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
                fit = hap_halves_of(dtype, values, n, halves + at);
                if (fit < n)
                        return hap_fail_beyond(err, values[fit]);
        }
        tensor->dtype = dtype;
        tensor->data = halves;
        return HAP_OK;
}

/* A tensor of a record must live as long as the prompts: it stays in a mapped file, or is
 * copied to the prompts' arena. */
static int copy_unless_mapped(struct hap_prompts *prompts, struct hap_tensor *tensor,
                              struct hap_error *err)
{
        size_t bytes = tensor->n * (tensor->dtype == HAP_F32 ? 4 : 2);
        void *copy;

        if (prompts->mapped) {
                const unsigned char *data = tensor->data;

                if (!prompts->mapped_begin || data < prompts->mapped_begin)
                        prompts->mapped_begin = data;
                if (data + bytes > prompts->mapped_end)
                        prompts->mapped_end = data + bytes;
                return HAP_OK;
        }
        copy = hap_arena_alloc(&prompts->arena, bytes, 1);
        if (!copy)
                return hap_fail_memory(err, "a cache");
        memcpy(copy, tensor->data, bytes);
        tensor->data = copy;
        return HAP_OK;
}

/* A cache's prompts are known only as they are read. The limit is checked before the tensors of
 * a prompt are copied; those of a mapped file are not, so all prompts are looked at first. The
 * masks of circuits that follow are not known. */
static int check_memory(const struct hap_loader *loader, struct collection *c, size_t n,
                        const struct hap_engine *engine, struct hap_error *err)
{
        const size_t total = hap_loader_total(loader);

        if (!loader->estimate)
                return HAP_OK;
        c->estimate.prompts = n > total ? n : total;
        c->estimate.at_least = c->n_batches == 0;
        c->estimate.source = c->prompts->mapped ? HAP_COUNTERFACTUALS_MAPPED
                                                : HAP_COUNTERFACTUALS_PIPED;
        return hap_memory_check(&c->estimate, engine->model, &engine->graph, err);
}

static int estimate_record(const struct hap_loader *loader, struct collection *c,
                           const struct hap_engine *engine, const struct hap_cache_record *record,
                           struct hap_error *err)
{
        const bool copies = !c->prompts->mapped || loader->options.dtype != HAP_F32;

        hap_memory_prompt(&c->estimate, &record->example, engine->model);
        c->estimate.dtype = record->corrupted.outputs.dtype;
        return copies ? check_memory(loader, c, c->prompts->n + 1, engine, err) : HAP_OK;
}

static int collect_record(const struct hap_loader *loader, struct collection *c,
                          const struct hap_engine *engine, const msgpack_object *object,
                          struct hap_error *err)
{
        struct hap_prompts *prompts = c->prompts;
        struct hap_cache_record *cached = grow_array(c->cached, prompts->n, sizeof *cached);
        struct hap_cache_record *record;
        struct hap_tensor *outputs;
        int rc;

        if (!cached)
                return hap_fail_memory(err, "a cache");
        c->cached = cached;
        record = cached + prompts->n;
        rc = hap_cache_read(loader->in, object, engine, &prompts->arena, record, err);
        if (rc == 0)
                rc = estimate_record(loader, c, engine, record, err);
        outputs = &record->corrupted.outputs;
        if (rc == 0 && outputs->dtype == HAP_F32 && loader->options.dtype != HAP_F32)
                rc = copy_as_halves(prompts, outputs, loader->options.dtype, err);
        else if (rc == 0)
                rc = copy_unless_mapped(prompts, outputs, err);
        if (rc == 0 && loader->options.want_log_p)
                rc = copy_unless_mapped(prompts, &record->clean.logits, err);
        return rc < 0 ? rc : collect_example(loader, c, engine, &record->example, err);
}

static int collect_records(struct hap_loader *loader, struct collection *c,
                           const struct hap_engine *engine, struct hap_error *err)
{
        msgpack_object object;
        int rc = 1;

        if (loader->given == 0 &&
            (rc = hap_cache_check(loader->in, loader->header, engine, err)) < 0)
                return rc;
        c->prompts->mapped = hap_stream_in_keeps(loader->in);
        while (!is_full(loader, c) &&
               (rc = hap_stream_in_record(loader->in, &object, err)) > 0)
                if ((rc = collect_record(loader, c, engine, &object, err)) < 0)
                        return rc;
        while (rc > 0 && at_limit(loader, c)) /* the rest must be intact, too */
                rc = hap_stream_in_record(loader->in, &object, err);
        return rc < 0 || c->prompts->n == 0 ? rc
                                              : check_memory(loader, c, c->prompts->n, engine, err);
}

static int collect_examples(struct hap_loader *loader, struct collection *c,
                            const struct hap_engine *engine, struct hap_error *err)
{
        const struct hap_ablation *ablation = loader->options.ablation;
        int rc = HAP_OK;

        if (ablation->averaged && !loader->common.data)
                rc = hap_means(engine, &loader->examples, ablation, &loader->arena, &loader->common,
                               err);
        while (rc == 0 && loader->next < loader->examples.n && !is_full(loader, c))
                rc = collect_example(loader, c, engine,
                                     hap_examples_at(&loader->examples, loader->next++), err);
        return rc;
}

static int build_prompts(const struct hap_loader *loader, const struct collection *c,
                         const struct hap_engine *engine, struct hap_error *err)
{
        const struct hap_prompts_source source = {
                .options = loader->options,
                .common = loader->common,
                .cached = c->cached,
        };

        return hap_prompts_build(c->prompts, engine, &source, err);
}

int hap_loader_next(struct hap_loader *loader, const struct hap_engine *engine,
                    size_t n_batches, struct hap_prompts *prompts, struct hap_error *err)
{
        struct collection c = {.prompts = prompts, .n_batches = n_batches};
        int rc;

        if (loader->estimate)
                c.estimate = *loader->estimate;
        *prompts = (struct hap_prompts){0};
        hap_arena_init(&prompts->arena);
        rc = loader->in ? collect_records(loader, &c, engine, err)
                        : collect_examples(loader, &c, engine, err);
        if (rc == 0 && prompts->n)
                rc = build_prompts(loader, &c, engine, err);
        else if (rc == 0 && loader->given == 0)
                rc = fail_empty(loader, err);
        free(c.cached);
        loader->given += prompts->n;
        if (rc == 0 && prompts->n)
                return 1;
        hap_prompts_release(prompts);
        return rc;
}
