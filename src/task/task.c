#include "task/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/nearest.h"
#include "task/task_files.h"
#include "tokenizer/description.h"

#define DEFAULT_NUMBER 200

static char *with_dashes(struct hap_arena *arena, const char *name, size_t length)
{
        char *copy = hap_arena_text(arena, name, length);

        for (char *c = copy; c && *c; c++)
                if (*c == '_')
                        *c = '-';
        return copy;
}

/* The corruption's name for the header; "corrupted" is the default one. */
static int name_corruption(struct hap_task_source *source, const struct hap_task_kind *task,
                           const char *wanted, struct hap_error *err)
{
        if (!wanted || strcmp(wanted, "corrupted") == 0)
                wanted = task ? task->corruptions[0] : "corrupted";
        source->corruption = with_dashes(&source->arena, wanted, strlen(wanted));
        return source->corruption ? 0 : hap_fail_memory(err, "a name");
}

/* The user's file. The task's default name is the file's. */
static int name_file(struct hap_task_source *source, const struct hap_task_request *request,
                     struct hap_error *err)
{
        const char *slash = strrchr(request->from, '/');
        const char *base = slash ? slash + 1 : request->from;
        const char *dot = strrchr(base, '.');

        source->origin = request->from;
        if (strcmp(request->from, "-") == 0)
                source->origin = base = "standard input";
        if (request->name)
                source->name = with_dashes(&source->arena, request->name, strlen(request->name));
        else
                source->name = hap_arena_text(&source->arena, base,
                                              dot > base ? (size_t)(dot - base) : strlen(base));
        return source->name ? 0 : hap_fail_memory(err, "a name");
}

static int open_from(struct hap_task_source *source, const struct hap_task_request *request,
                     const struct hap_task_model *model, struct hap_error *err)
{
        const struct hap_lines_options options = {
                .task = request->name ? hap_task_find(request->name) : NULL,
                .corruption = request->corruption,
                .seed = request->seed,
                .n = request->n,
                .unique = true,
                .bos = !model->tokenizer ? -1 : hap_tokenizer_bos(model->tokenizer) >= 0,
        };
        int rc = name_file(source, request, err);

        if (rc == 0)
                rc = name_corruption(source, options.task, request->corruption, err);
        if (rc == 0)
                rc = hap_lines_open(&source->lines, request->from, &options, err);
        return rc;
}

static int open_files(struct hap_task_source *source, const struct hap_task_request *request,
                      const char *path, struct hap_error *err)
{
        const struct hap_task_kind *task = hap_task_find(request->name);
        char id[128];
        struct hap_lines_options options = {
                .task = task,
                .corruption = request->corruption,
                .seed = request->seed,
                .n = request->n ? request->n : DEFAULT_NUMBER,
                .at_most = request->n == 0,
        };

        source->has_split = true;
        source->origin = request->model_path ? "model" : "demo";
        source->name = with_dashes(&source->arena, request->name, strlen(request->name));
        if (!source->name)
                return hap_fail_memory(err, "a name");
        snprintf(id, sizeof id, "%.64s-%s", source->name, hap_split_names[request->split]);
        options.id = hap_arena_text(&source->arena, id, strlen(id));
        if (!options.id)
                return hap_fail_memory(err, "a name");
        if (name_corruption(source, task, request->corruption, err) < 0)
                return err->code;
        return hap_lines_open(&source->lines, path, &options, err);
}

/* The corruptions of generated prompts, separated by ", ". */
static void list_generated(const struct hap_task_kind *task, char *text, size_t size)
{
        size_t used = 0;

        *text = '\0';
        for (size_t i = 0; i < HAP_TASK_MAX_CORRUPTIONS && task->corruptions[i] && used < size; i++)
                used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                         task->corruptions[i]);
}

static int find_generated_corruption(const struct hap_task_kind *task, const char *wanted,
                                     size_t *index, struct hap_error *err)
{
        char have[256];

        *index = 0;
        if (!wanted || strcmp(wanted, "corrupted") == 0)
                return 0;
        for (size_t i = 0; i < HAP_TASK_MAX_CORRUPTIONS && task->corruptions[i]; i++)
                if (hap_same_name(task->corruptions[i], wanted)) {
                        *index = i;
                        return 0;
                }
        list_generated(task, have, sizeof have);
        return hap_fail(err, HAP_EUSAGE, "cannot corrupt by '%s': task '%s' has %s", wanted,
                        task->name, have);
}

static int open_generated(struct hap_task_source *source, const struct hap_task_request *request,
                          const struct hap_task_kind *task, const struct hap_task_model *model,
                          struct hap_error *err)
{
        struct hap_maker_options options = {
                .task = task,
                .split = request->split,
                .seed = request->seed,
                .n = request->n ? request->n : DEFAULT_NUMBER,
                .tokenizer = model->tokenizer,
                .n_context = model->model->config.n_context,
        };
        int rc = find_generated_corruption(task, request->corruption, &options.corruption, err);

        source->n = options.n;
        if (rc < 0)
                return rc;
        source->name = task->name;
        source->corruption = task->corruptions[options.corruption];
        source->origin = "made";
        source->has_split = true;
        return hap_maker_open(&source->maker, &options, err);
}

static int fail_unknown_task(const struct hap_task_request *request, struct hap_error *err)
{
        struct hap_nearest best = {NULL, 0};
        char have[256] = "";
        size_t used = 0;
        bool made = request->model_path != NULL;

        for (const struct hap_task_kind *task = hap_tasks; task->name; task++)
                if (!made || task->generated)
                        used += (size_t)snprintf(have + used, sizeof have - used, "%s%s",
                                                 used ? ", " : "", task->name);
        for (const struct hap_task_kind *task = hap_tasks; task->name; task++)
                hap_nearest_try(&best, request->name, strlen(request->name), task->name);
        if (made)
                hap_fail(err, HAP_EUSAGE,
                         "there is no task '%s' for model '%s': prompts can be generated for %s, "
                         "and others are read from its folder 'tasks'",
                         request->name, request->model_path, have);
        else
                hap_fail(err, HAP_EUSAGE, "there is no task '%s'; the tasks are %s", request->name,
                         have);
        return hap_fail_meant(err, &best);
}

static bool is_plain_name(const char *name)
{
        return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-_") == strlen(name) && strlen(name) <= 64;
}

static int open_named(struct hap_task_source *source, const struct hap_task_request *request,
                      const struct hap_task_model *model, struct hap_error *err)
{
        const struct hap_task_kind *task = hap_task_find(request->name);
        char folder[1024], path[1200];
        bool found = hap_task_folder(request->model_path, folder, sizeof folder) == 0;

        if (!is_plain_name(request->name))
                return fail_unknown_task(request, err);
        if (found && !request->make &&
            hap_task_file(folder, request->name, request->split, path, sizeof path) == 0)
                return open_files(source, request, path, err);
        if (task && task->generated && request->model_path)
                return open_generated(source, request, task, model, err);
        if (!found && task && !request->model_path)
                return hap_fail(err, HAP_ESYSTEM, "cannot find the demo model's prompts: set "
                                "HAP_DATA to the folder that contains models/demo");
        return fail_unknown_task(request, err);
}

json_t *hap_task_describe(const struct hap_task_source *source,
                          const struct hap_task_request *request,
                          const struct hap_tokenizer *tokenizer)
{
        json_t *task = json_pack("{s:s, s:s, s:s, s:I, s:I}", "name", source->name, "source",
                                 source->origin, "corruption", source->corruption, "seed",
                                 (json_int_t)request->seed, "examples", (json_int_t)source->n);
        json_t *fields = json_pack("{s:o}", "task", task);

        if (request->bos)
                json_object_set_new(task, "bos", json_string(request->bos));
        if (request->bootstrap)
                json_object_set_new(task, "bootstrap",
                                    json_integer((json_int_t)request->bootstrap));
        if (source->has_split)
                json_object_set_new(task, "split",
                                    json_string(hap_split_names[request->split]));
        if (tokenizer)
                json_object_set_new(fields, "tokenizer", hap_tokenizer_describe(tokenizer));
        return fields;
}

void hap_task_set_digest(json_t *fields, uint64_t digest)
{
        char text[HAP_DIGEST_TEXT];

        hap_digest_text(digest, text);
        json_object_set_new(json_object_get(fields, "task"), "digest", json_string(text));
}

static int next_record(struct hap_task_source *source, json_t **record, char *where, size_t size,
                       struct hap_error *err)
{
        if (source->lines)
                return hap_lines_next(source->lines, record, where, size, err);
        snprintf(where, size, "a prompt made for task '%s'", source->name);
        return hap_maker_next(source->maker, record, err);
}

/* Reads all records, so that a bootstrap sample can draw from them. */
static int read_all_records(struct hap_task_source *source, struct hap_error *err)
{
        json_t *record;
        char where[512];
        int rc;

        source->sampled = json_array();
        while ((rc = next_record(source, &record, where, sizeof where, err)) > 0) {
                json_t *drawn = json_pack("[o, o]", record, json_string_nocheck(where));

                if (json_array_append_new(source->sampled, drawn) < 0)
                        return hap_fail_memory(err, "the prompts");
        }
        return rc;
}

int hap_task_open(struct hap_task_source *source, const struct hap_task_request *request,
                  const struct hap_task_model *model, struct hap_error *err)
{
        int rc;

        *source = (struct hap_task_source){ 0 };
        hap_arena_init(&source->arena);
        rc = request->from ? open_from(source, request, model, err)
                           : open_named(source, request, model, err);
        if (rc == 0 && source->lines)
                source->n = hap_lines_count(source->lines);
        if (rc == 0 && request->bootstrap) {
                source->key = (struct hap_random_key){request->bootstrap, 0};
                rc = read_all_records(source, err);
        }
        if (rc < 0)
                hap_task_close(source);
        return rc;
}

int hap_task_next(struct hap_task_source *source, json_t **record, char *where, size_t size,
                  struct hap_error *err)
{
        json_t *drawn;
        size_t n;

        if (!source->sampled)
                return next_record(source, record, where, size, err);
        n = json_array_size(source->sampled);
        if (source->given == n)
                return 0;
        drawn = json_array_get(source->sampled, (size_t)(hap_random_uniform(source->key, 0,
                                                         source->given++) * (double)n));
        snprintf(where, size, "%s", json_string_value(json_array_get(drawn, 1)));
        *record = json_incref(json_array_get(drawn, 0));
        return 1;
}

void hap_task_close(struct hap_task_source *source)
{
        json_decref(source->sampled);
        hap_lines_close(source->lines);
        hap_maker_close(source->maker);
        hap_arena_release(&source->arena);
}

int hap_task_list(const char *name, enum hap_split split, const char *model_path, size_t *n,
                  char *text, size_t size, struct hap_error *err)
{
        const struct hap_task_kind *task = hap_task_find(name);
        const struct hap_lines_options options = { .task = task };
        char folder[1024], path[1200];
        struct hap_lines *lines;
        int rc;

        if (hap_task_folder(model_path, folder, sizeof folder) == 0 &&
            hap_task_file(folder, name, split, path, sizeof path) == 0) {
                if ((rc = hap_lines_open(&lines, path, &options, err)) < 0)
                        return rc;
                *n = hap_lines_count(lines);
                rc = hap_lines_corruptions(lines, text, size, err);
                hap_lines_close(lines);
                return rc < 0 ? rc : 1;
        }
        if (!model_path || !task || !task->generated)
                return 0;
        *n = HAP_TASK_MAX_EXAMPLES;
        list_generated(task, text, size);
        return 1;
}
