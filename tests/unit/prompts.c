/* Reading prompts: whole or in parts, from a file or a pipe, with counterfactuals. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/random.h"
#include "data/cache.h"
#include "data/loader.h"
#include "unit.h"

#define EXAMPLES 37
#define MODEL "tests/golden/gpt2-a/model"

static struct hap_error err;
static struct hap_model model;
static struct hap_engine engine;
static char folder[] = P_tmpdir "/hap-prompts-XXX" "XXX";
static char task[64], cache[64], half[64];
/* The loaders of prompts that were read at once; each must outlive its prompts. */
static struct hap_loader *loaders[32];
static int n_loaders;

static const int32_t *tokens(struct hap_arena *arena, const int32_t *first, uint64_t i, int n)
{
        static const struct hap_random_key key = {.seed = 5};
        int32_t *ids = hap_arena_alloc(arena, (size_t)n, sizeof *ids);

        for (int t = 0; t < n; t++)
                ids[t] = first && t < n / 2 ? first[t]
                                            : (int32_t)(hap_random_word(key, i, (uint64_t)t) % 97);
        return ids;
}

/* EXAMPLES prompts of 3 to 20 tokens; the first halves of a pair are the same. */
static struct hap_example *make_examples(struct hap_arena *arena)
{
        struct hap_example *examples = hap_arena_alloc(arena, EXAMPLES, sizeof *examples);

        for (int i = 0; i < EXAMPLES; i++) {
                const int n = 3 + 7 * i % 18;
                int32_t *answers = hap_arena_alloc(arena, 2, sizeof *answers);

                answers[0] = i;
                answers[1] = i + 1;
                examples[i] = (struct hap_example){
                        .id = "x", .n_tokens = n, .n_answers = 1, .n_wrongs = 1,
                        .answers = answers, .wrongs = answers + 1,
                        .answer_first = n - 1, .n_answer_positions = 1,
                };
                examples[i].clean = tokens(arena, NULL, 2 * (uint64_t)i, n);
                examples[i].corrupted = tokens(arena, examples[i].clean, 2 * (uint64_t)i + 1, n);
        }
        return examples;
}

static void write_task(const struct hap_example *examples)
{
        json_t *header = json_pack("{s:i, s:s}", "hap", HAP_STREAM_VERSION, "kind", "task");
        struct hap_stream_out *out;

        CHECK(hap_stream_out_open(&out, task, false, &err) == 0);
        CHECK(hap_stream_out_begin(out, header, &err) == 0);
        for (int i = 0; i < EXAMPLES; i++) {
                const struct hap_example *e = examples + i;
                json_t *clean = json_array(), *corrupted = json_array();

                for (int t = 0; t < e->n_tokens; t++) {
                        json_array_append_new(clean, json_integer(e->clean[t]));
                        json_array_append_new(corrupted, json_integer(e->corrupted[t]));
                }
                json_t *record = json_pack("{s:s, s:o, s:o, s:i, s:i}", "id", e->id, "clean", clean,
                                           "corrupted", corrupted, "answer", (int)e->answers[0],
                                           "wrong", (int)e->wrongs[0]);
                hap_pack_json(hap_stream_out_record(out), record);
                CHECK(hap_stream_out_end_record(out, &err) == 0);
                json_decref(record);
        }
        CHECK(hap_stream_out_end(out, &err) == 0 && hap_stream_out_close(out, &err) == 0);
        json_decref(header);
}

/* Every example's run, as hap-forward would write it. */
static void write_cache(const char *path, const struct hap_example *examples, enum hap_dtype dtype)
{
        json_t *header = json_pack("{s:i, s:s}", "hap", HAP_STREAM_VERSION, "kind", "cache");
        struct hap_batches batches = {0};
        struct hap_arena arena = {0};
        float *logits[2][EXAMPLES];
        void *outputs[2][EXAMPLES];
        struct hap_stream_out *out;

        for (int i = 0; i < EXAMPLES; i++)
                for (int side = 0; side < 2; side++) {
                        outputs[side][i] = hap_arena_alloc(&arena, (size_t)examples[i].n_tokens,
                                                           16 * 32 * sizeof(float));
                        logits[side][i] = hap_arena_alloc(&arena, 97, sizeof(float));
                }
        for (int i = 0; i < EXAMPLES; i++)
                CHECK(hap_batches_add(&batches, examples + i, 0, &err) == 0);
        for (int side = 0; side < 2; side++)
                CHECK(hap_run_examples(&engine, examples, &batches, side == 1, HAP_F32,
                                       outputs[side], logits[side], &err) == 0);
        CHECK(hap_cache_describe(header, &engine, dtype, EXAMPLES, 5, 9, &err) == 0);
        CHECK(hap_stream_out_open(&out, path, false, &err) == 0);
        CHECK(hap_stream_out_begin(out, header, &err) == 0);
        for (int i = 0; i < EXAMPLES; i++) {
                const struct hap_run_values clean = {outputs[0][i], logits[0][i]};
                const struct hap_run_values corrupted = {outputs[1][i], logits[1][i]};

                CHECK(hap_cache_write(out, &engine, dtype, examples + i, &clean, &corrupted,
                                      &err) == 0);
        }
        CHECK(hap_stream_out_end(out, &err) == 0 && hap_stream_out_close(out, &err) == 0);
        json_decref(header);
        hap_batches_release(&batches);
        hap_arena_release(&arena);
}

static void clean_up(void)
{
        unlink(task);
        unlink(cache);
        unlink(half);
        rmdir(folder);
        while (n_loaders)
                hap_loader_close(loaders[--n_loaders]);
        hap_engine_release(&engine);
        hap_model_release(&model);
}

static void set_up(void)
{
        struct hap_arena arena = {0};
        struct hap_example *examples;

        if (engine.model)
                return;
        if (!mkdtemp(folder) || hap_model_load(&model, MODEL, &err) < 0 ||
            hap_engine_init(&engine, &model, NULL, &err) < 0) {
                printf("Bail out! %s\n", err.message);
                exit(1);
        }
        snprintf(task, sizeof task, "%s/task", folder);
        snprintf(cache, sizeof cache, "%s/cache", folder);
        snprintf(half, sizeof half, "%s/half", folder);
        examples = make_examples(&arena);
        write_task(examples);
        write_cache(cache, examples, HAP_F32);
        write_cache(half, examples, HAP_F16);
        hap_arena_release(&arena);
        atexit(clean_up);
}

static struct hap_stream_in *open_section(const char *path, json_t **header)
{
        struct hap_stream_in *in = NULL;

        CHECK(hap_stream_in_open(&in, &path, 1, &err) == 0);
        CHECK(hap_stream_in_section(in, header, &err) == 1);
        return in;
}

static void close_prompts(struct hap_prompts *prompts, struct hap_stream_in *in)
{
        hap_prompts_release(prompts);
        hap_stream_in_close(in);
}

static struct hap_stream_in *read_prompts(const char *path, struct hap_prompts_options options,
                                       struct hap_prompts *prompts)
{
        json_t *header;
        struct hap_stream_in *in = open_section(path, &header);

        CHECK(hap_loader_open(loaders + n_loaders, in, header, &model, &options, NULL, &err) == 0);
        CHECK(hap_loader_next(loaders[n_loaders++], &engine, 0, prompts, &err) == 1);
        return in;
}

/* The largest difference of two arrays of floats. */
static double apart(const float *a, const float *b, size_t n)
{
        double most = 0;

        for (size_t i = 0; i < n; i++) {
                double here = fabs((double)a[i] - (double)b[i]);

                most = fmax(most, isnan(here) ? INFINITY : here);
        }
        return n ? most : INFINITY;
}

/* Compares all prepared arrays of two sets. */
static double sets_apart(const struct hap_prompts *a, const struct hap_prompts *b)
{
        double most = a->n == b->n ? 0 : INFINITY;

        for (size_t i = 0; i < a->n && i < b->n; i++) {
                const struct hap_prompt *x = a->items + i, *y = b->items + i;
                const size_t n = (size_t)x->n_tokens;

                CHECK(x->n_tokens == y->n_tokens && x->first == y->first);
                most = fmax(most, apart(x->residual, y->residual,
                                         7 * (n - (size_t)x->first) * 32));
                most = fmax(most, apart(x->q, y->q, 3 * n * 32));
                most = fmax(most, apart(x->k, y->k, 3 * n * 32));
                most = fmax(most, apart(x->v, y->v, 3 * n * 32));
                most = fmax(most, apart(x->log_p, y->log_p, 97));
        }
        return most;
}

static const struct hap_prompts_options all = {
        .ablation = &hap_interchange, .want_q = true, .want_log_p = true};

TEST("a task gives the prompts of its cache, a mapped one stays in the file")
{
        struct hap_prompts from_task, from_cache;
        struct hap_stream_in *a, *b;

        set_up();
        a = read_prompts(task, all, &from_task);
        b = read_prompts(cache, all, &from_cache);
        CHECK(from_task.n == EXAMPLES && !from_task.mapped && from_cache.mapped);
        CHECK(sets_apart(&from_task, &from_cache) < 1e-5);
        close_prompts(&from_task, a);
        close_prompts(&from_cache, b);
}

TEST("a cache through a pipe gives the same prompts as a mapped one")
{
        struct hap_prompts mapped, piped;
        struct hap_stream_in *a = read_prompts(cache, all, &mapped), *b;
        int ends[2], saved = dup(STDIN_FILENO);
        pid_t child;

        CHECK(pipe(ends) == 0);
        child = fork();
        if (child == 0) {
                dup2(ends[1], STDOUT_FILENO);
                close(ends[0]);
                close(ends[1]);
                execlp("cat", "cat", cache, (char *)NULL);
                _exit(1);
        }
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        close(ends[1]);
        b = read_prompts("-", all, &piped);
        CHECK(!piped.mapped);
        CHECK(sets_apart(&mapped, &piped) == 0);
        waitpid(child, NULL, 0);
        hap_stream_in_close(b);
        /* prompts that came through the pipe do not need the stream */
        CHECK(sets_apart(&mapped, &piped) == 0);
        dup2(saved, STDIN_FILENO);
        close(saved);
        hap_prompts_release(&mapped);
        close_prompts(&piped, a);
}

TEST("a loader gives all prompts, in order, in the batches of the whole set")
{
        const char *paths[] = {task, cache};

        for (int p = 0; p < 2; p++) {
                struct hap_prompts whole, part;
                struct hap_stream_in *a = read_prompts(paths[p], all, &whole), *b;
                struct hap_loader *loader;
                size_t n = 0, batches = 0;
                json_t *header;

                b = open_section(paths[p], &header);
                CHECK(hap_loader_open(&loader, b, header, &model, &all, NULL, &err) == 0);
                CHECK(hap_loader_total(loader) == EXAMPLES);
                while (hap_loader_next(loader, &engine, 2, &part, &err) == 1) {
                        CHECK(part.batches.n == 2 || n + part.n == EXAMPLES);
                        for (size_t i = 0; i < part.batches.n; i++, batches++)
                                CHECK(n + part.batches.start[i] == whole.batches.start[batches]);
                        for (size_t i = 0; i < part.n; i++) {
                                const struct hap_prompt *item = part.items + i;
                                const size_t size = (size_t)(item->n_tokens - item->first) * 7 * 32;

                                CHECK(apart(item->residual, whole.items[n + i].residual,
                                            size) == 0);
                        }
                        n += part.n;
                        hap_prompts_release(&part);
                }
                CHECK(n == EXAMPLES && batches == whole.batches.n);
                CHECK(hap_loader_next(loader, &engine, 2, &part, &err) == 0);
                hap_loader_close(loader);
                close_prompts(&whole, a);
                hap_stream_in_close(b);
        }
}

TEST("a limit takes the first examples and still reads the section's end")
{
        const char *paths[] = {task, cache};

        for (int p = 0; p < 2; p++) {
                struct hap_prompts_options options = all;
                struct hap_prompts prompts;
                struct hap_stream_in *in;
                json_t *header;

                options.limit = 5;
                in = read_prompts(paths[p], options, &prompts);
                CHECK(prompts.n == 5);
                CHECK(prompts.examples[4].answers[0] == 4);
                CHECK(hap_stream_in_section(in, &header, &err) == 0);
                close_prompts(&prompts, in);
        }
}

/* Σ over prompts and positions of a writer's clean output, and how many. */
static void sum_outputs(const struct hap_prompts *prompts, int writer, int position, double *sum,
                        size_t *n)
{
        memset(sum, 0, 32 * sizeof *sum);
        *n = 0;
        for (size_t i = 0; i < prompts->n; i++) {
                const struct hap_example *e = prompts->examples + i;
                float *outputs = calloc((size_t)e->n_tokens * 16 * 32, sizeof *outputs);
                struct hap_batches one = {0};

                CHECK(hap_batches_add(&one, e, 0, &err) == 0);
                CHECK(hap_run_examples(&engine, e, &one, false, HAP_F32, (void *[]){outputs}, NULL,
                                    &err) == 0);
                for (int t = 0; t < e->n_tokens; t++) {
                        if (position >= 0 && t != position)
                                continue;
                        for (int d = 0; d < 32; d++)
                                sum[d] += (double)outputs[(writer * e->n_tokens + t) * 32 + d];
                        ++*n;
                }
                hap_batches_release(&one);
                free(outputs);
        }
}

TEST("means are over all positions of the clean prompts, each weighing the same")
{
        struct hap_prompts_options options = all;
        const char *paths[] = {task, cache};

        options.ablation = &hap_mean;
        for (int p = 0; p < 2; p++) {
                struct hap_prompts prompts;
                struct hap_stream_in *in = read_prompts(paths[p], options, &prompts);
                const float *mean = prompts.items[EXAMPLES - 1].counterfactual.data;
                double sum[32];
                size_t n;

                for (int writer = 0; writer < 16; writer += 5) {
                        sum_outputs(&prompts, writer, -1, sum, &n);
                        for (int d = 0; d < 32; d++)
                                CHECK_NEAR((double)mean[writer * 32 + d], sum[d] / (double)n, 2e-6);
                }
                CHECK(n > 300);
                CHECK(prompts.items[3].first == 0);
                close_prompts(&prompts, in);
        }
}

TEST("means by position are over the prompts that have it")
{
        struct hap_prompts_options options = all;
        struct hap_prompts prompts;
        struct hap_stream_in *in;
        const struct hap_counterfactual *source;
        double sum[32];
        size_t n = 0;

        options.ablation = &hap_mean_position;
        in = read_prompts(task, options, &prompts);
        source = &prompts.items[0].counterfactual;
        CHECK(source->n_positions == 20);
        for (int position = 2; position < 20; position += 17) {
                sum_outputs(&prompts, 7, position, sum, &n);
                for (int d = 0; d < 32; d++)
                        CHECK_NEAR(
                                (double)((const float *)source->data)[(7 * 20 + position) * 32 + d],
                                sum[d] / (double)n, 2e-6);
        }
        CHECK(n == 2); /* prompts of 20 tokens */
        close_prompts(&prompts, in);
}

TEST("half precision is stored unchanged and converted when needed")
{
        struct hap_prompts full, halved;
        struct hap_stream_in *a = read_prompts(cache, all, &full),
                             *b = read_prompts(half, all, &halved);

        CHECK(halved.items[0].counterfactual.dtype == HAP_F16);
        CHECK(sets_apart(&full, &halved) < 0.05);
        CHECK(apart(full.items[3].log_p, halved.items[3].log_p, 97) == 0);
        close_prompts(&full, a);
        close_prompts(&halved, b);
}

/* The bytes that the prompts of `path` keep, and the estimate. */
static void check_told(const char *path, enum hap_counterfactuals_from source, enum hap_dtype dtype,
                       enum hap_dtype cached)
{
        struct hap_prompts_options options = all;
        struct hap_memory_estimate needs = hap_memory_prune;
        struct hap_prompts prompts;
        struct hap_stream_in *in;
        size_t kept = 0;

        options.dtype = dtype;
        in = read_prompts(path, options, &prompts);
        needs.options = options;
        needs.source = source;
        needs.dtype = cached;
        needs.positions = 1;
        for (size_t i = 0; i < prompts.n; i++) {
                struct hap_memory_estimate one = needs;

                one.prompts = 1;
                one.tokens = (size_t)prompts.examples[i].n_tokens;
                needs.tokens = one.tokens;
                kept += hap_memory_bytes(&one, engine.model, &engine.graph) -
                        hap_memory_bytes(&needs, engine.model, &engine.graph);
                kept -= source == HAP_COUNTERFACTUALS_MAPPED ? HAP_FAULT_AROUND : 0;
                /* the estimate cannot know that prompts begin with the same tokens */
                kept -= (size_t)prompts.items[i].first * 7 * 32 * sizeof(float);
                CHECK(prompts.items[i].counterfactual.dtype == dtype);
        }
        if (prompts.mapped && dtype == cached) /* these stay in the file */
                for (size_t i = 0; i < prompts.n; i++)
                        kept -= (size_t)prompts.examples[i].n_tokens * 16 * 32 *
                                (dtype == HAP_F32 ? 4 : 2);
        /* ids and tokens of a cache's examples take memory too */
        CHECK(prompts.arena.bytes >= kept && prompts.arena.bytes < kept + EXAMPLES * 640);
        close_prompts(&prompts, in);
}

TEST("prompts take the estimated memory in every format of their outputs")
{
        check_told(task, HAP_COUNTERFACTUALS_RUNS, HAP_F32, HAP_F32);
        check_told(task, HAP_COUNTERFACTUALS_RUNS, HAP_F16, HAP_F32);
        check_told(cache, HAP_COUNTERFACTUALS_MAPPED, HAP_F32, HAP_F32);
        check_told(cache, HAP_COUNTERFACTUALS_MAPPED, HAP_F16, HAP_F32);
        check_told(half, HAP_COUNTERFACTUALS_MAPPED, HAP_F16, HAP_F16);
}

TEST("a task's outputs kept as f16 are the cache's in half precision")
{
        struct hap_prompts_options halves = all;
        struct hap_prompts run, converted, stored;
        struct hap_stream_in *a, *b, *c;

        halves.dtype = HAP_F16;
        a = read_prompts(task, halves, &run);
        b = read_prompts(cache, halves, &converted);
        c = read_prompts(half, all, &stored);
        CHECK(sets_apart(&run, &stored) < 1e-2);
        CHECK(sets_apart(&converted, &stored) == 0);
        for (size_t i = 0; i < stored.n; i++)
                CHECK(memcmp(converted.items[i].counterfactual.data,
                             stored.items[i].counterfactual.data,
                             (size_t)stored.examples[i].n_tokens * 16 * 32 * 2) == 0);
        close_prompts(&run, a);
        close_prompts(&converted, b);
        close_prompts(&stored, c);
}

TEST("a batch takes prompts until it has 128 tokens or 16 of them")
{
        struct hap_batches batches = {0};
        struct hap_example e = {.n_answer_positions = 1};
        const int lengths[] = {100, 27, 1, 200, 127, 5, 1};

        for (int i = 0; i < 7; i++) {
                e.n_tokens = lengths[i];
                CHECK(hap_batches_add(&batches, &e, 0, &err) == 0);
        }
        CHECK(batches.n == 4);
        CHECK(batches.start[1] == 3 && batches.start[2] == 4 && batches.start[3] == 6);
        CHECK(batches.start[4] == 7);
        CHECK(hap_batches_have(&batches, 3) == false); /* the fourth is begun */
        e.n_tokens = 1;
        for (int i = 0; i < 40; i++)
                CHECK(hap_batches_add(&batches, &e, 0, &err) == 0);
        CHECK(batches.n == 6 && batches.start[4] == 6 + 16 && batches.start[5] == 6 + 32);
        hap_batches_release(&batches);
}

RUN_TESTS
