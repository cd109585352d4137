/* Files of prompts: hap-task reads them, as they are or with the demo model, and what it would write
 * is an example for every program. */
#include <string.h>

#include "task/example.h"
#include "task/task.h"
#include "task/task_read.h"
#include "target.h"

#define DEMO "models/demo"

static const struct hap_task_model *demo(void)
{
        static struct hap_model model;
        static struct hap_tokenizer *tokenizer;
        static struct hap_task_model task_model;
        struct hap_error err;

        if (task_model.model)
                return &task_model;
        MUST(hap_model_load_config(&model, DEMO, &err) == 0);
        MUST(hap_tokenizer_load(&tokenizer, DEMO, &err) == 0);
        task_model = (struct hap_task_model){&model, tokenizer, ""};
        return &task_model;
}

static void count_bad(void *context, const char *message)
{
        MUST(message && *message);
        ++*(size_t *)context;
}

/* A record that was accepted is accepted again. */
static void check_record(const json_t *record, const struct hap_task_model *with)
{
        struct hap_arena arena = {0};
        struct hap_example example;
        struct hap_error err;

        if (with->model) {
                MUST(hap_example_of(record, with->model, with->tokenizer, "again", &arena, &example,
                                    &err) == 0);
                MUST(example.n_tokens > 0 && example.n_tokens <= with->model->config.n_context);
                hap_arena_release(&arena);
        } else {
                MUST(hap_example_check(record, "again", &err) == 0);
        }
}

static bool read_all(const struct hap_task_request *request, const struct hap_task_model *with,
                     bool skip)
{
        struct hap_task_source source;
        size_t n_bad = 0;
        struct hap_task_reading reading = {.source = &source, .model = with,
                                           .bad = skip ? count_bad : NULL, .context = &n_bad};
        struct hap_error err;
        json_t *record;
        char where[512];
        int rc;

        if (!fuzz_done(hap_task_open(&source, request, with, &err), &err))
                return false;
        while ((rc = hap_task_read(&reading, &record, where, sizeof where, &err)) == 1) {
                check_record(record, with);
                json_decref(record);
        }
        MUST(rc < 0 || reading.n_bad == n_bad);
        hap_task_close(&source);
        return fuzz_done(rc, &err) && reading.n > n_bad;
}

bool fuzz_prompts(const uint8_t *data, size_t n)
{
        static const struct hap_task_model none = {NULL, NULL, "no model"};
        const char *path = fuzz_file("prompts", "prompts", data, n);
        const bool plain = read_all(&(struct hap_task_request){.from = path}, &none, false);
        const bool shuffled = read_all(&(struct hap_task_request){.from = path, .seed = 3,
                                                                  .bootstrap = 1}, &none, true);
        const bool ready = read_all(&(struct hap_task_request){.from = path}, demo(), true);

        return plain || shuffled || ready;
}
