/* hap-forward: a task to a cache of what the clean and the corrupted run of
 * every example leave behind. */
#include <omp.h>
#include <string.h>

#include "common/program.h"
#include "data/chunk.h"
#include "data/inputs.h"
#include "model/description.h"
#include "model/model_open.h"

struct forward_options {
        int dtype;
        bool split_input;
        const char *positions;
};

static const char *const dtypes[] = {"f32", "f16", "bf16", NULL};

static const struct hap_option options[] = {
        {0, "dtype", "NAME", HAP_CHOICE, offsetof(struct forward_options, dtype),
         .help = "store the writers' outputs in this format [f32]", .choices = dtypes},
        {0, "split-input", NULL, HAP_FLAG, offsetof(struct forward_options, split_input),
         .help = "make token and position embeddings two writers, tok and pos"},
        {0, "positions", "NAMES", HAP_TEXT, offsetof(struct forward_options, positions),
         .help = "split every edge by these named positions, such as S1,S2,END; "
                 "all: by the names that every example has"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-forward",
        .summary = "run a model on the prompts of a task and store its activations",
        .operands = "[FILE ...]",
        .uses = HAP_USES_MODEL | HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM |
                HAP_USES_THREADS | HAP_USES_MEMORY,
        .options = options,
};

static void write_records(struct hap_program *p, const struct hap_engine *engine,
                          const struct hap_examples *examples, enum hap_dtype dtype)
{
        const size_t threads = (size_t)omp_get_max_threads();
        struct hap_chunk chunk = {0};

        for (size_t done = 0; done < examples->n; done += chunk.n) {
                hap_must(p, hap_chunk_run(&chunk, engine, examples->items + done,
                                          examples->n - done, threads, &p->error));
                hap_must(p, hap_chunk_write(&chunk, engine, dtype, p->out, &p->error));
                hap_progress(p, done + chunk.n, examples->n, NULL);
        }
        hap_chunk_release(&chunk);
}

/* The section's examples; the model is loaded for the first section, and only
 * described until it is known that these fit where memory is limited. */
static struct hap_memory_estimate read_examples(struct hap_program *p, const json_t *from,
                                      struct hap_model *model, struct hap_engine *engine,
                                      struct hap_examples *examples)
{
        const struct forward_options *opt = p->options;
        const char *name = hap_stream_in_name(p->in);
        struct hap_graph_form form = {.split_input = opt->split_input};
        struct hap_memory_estimate needs = hap_memory_within(&hap_memory_forward, p->max_memory,
                                                  (size_t)p->threads);

        if (!engine->model)
                hap_must(p, (p->max_memory ? hap_model_open_config_for : hap_model_open_for)(
                                    model, p->model, from, name, &p->error));
        hap_must(p, hap_model_check(model, from, name, &p->error));
        hap_must(p, hap_examples_read(p->in, from, model, examples, &p->error));
        if (opt->positions)
                hap_must(p, hap_examples_positions(examples, opt->positions, &form.positions, &p->error));
        if (engine->model && !hap_positions_equal(&form.positions, &engine->graph.positions))
                hap_die(p, HAP_EINPUT, "cannot use '%s': its positions, or where answers stand, are "
                        "not those of the task before it", name);
        hap_memory_examples(&needs, examples);
        hap_must(p, hap_memory_check_model(&needs, model, &form, &p->error));
        if (!engine->model && p->max_memory) {
                hap_model_release(model);
                hap_must(p, hap_model_open_for(model, p->model, from, name, &p->error));
        }
        if (!engine->model)
                hap_must(p, hap_engine_init(engine, model, &form, &p->error));
        return needs;
}

/* One task section to one cache section. */
static size_t forward_section(struct hap_program *p, const json_t *from,
                              struct hap_model *model, struct hap_engine *engine)
{
        const enum hap_dtype dtype = (enum hap_dtype)((struct forward_options *)p->options)->dtype;
        struct hap_examples examples;
        struct hap_memory_estimate needs = read_examples(p, from, model, engine, &examples);
        json_t *header = hap_program_header(p, "cache", examples.header);
        size_t n;

        hap_must(p, hap_cache_describe(header, engine, dtype, examples.n, needs.shortest,
                                       needs.tokens, &p->error));
        hap_must(p, hap_stream_out_begin(p->out, header, &p->error));
        write_records(p, engine, &examples, dtype);
        hap_must(p, hap_stream_out_end(p->out, &p->error));
        json_decref(header);
        n = examples.n;
        hap_examples_release(&examples);
        return n;
}

int main(int argc, char **argv)
{
        struct forward_options opt = {0};
        struct hap_model model = {0};
        struct hap_engine engine = {0};
        struct hap_program p;
        size_t done = 0;
        json_t *header;

        hap_program_begin(&p, &info, argc, argv, &opt);
        while (hap_must(&p, hap_stream_in_section(p.in, &header, &p.error))) {
                const char *kind = json_string_value(json_object_get(header, "kind"));

                if (kind && strcmp(kind, "task") == 0)
                        done += forward_section(&p, header, &model, &engine);
        }
        if (!done)
                hap_must(&p, hap_fail_missing(p.in, "task", &p.error));
        hap_engine_release(&engine);
        hap_model_release(&model);
        return hap_program_end(&p, done, "examples");
}
