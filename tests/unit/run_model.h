/* For tests: a model's logits on one prompt. */
#ifndef HAP_UNIT_RUN_MODEL_H
#define HAP_UNIT_RUN_MODEL_H

#include "forward/full_run.h"
#include "unit.h"

struct loaded {
        struct hap_model model;
        struct hap_engine engine;
        struct hap_scratch work;
};

/* 0, or an error after its message was printed. */
static inline int load(struct loaded *to, const char *path)
{
        struct hap_error err = {0};
        int rc;

        memset(to, 0, sizeof(*to));
        rc = hap_model_load(&to->model, path, &err);
        if (rc == 0)
                rc = hap_engine_init(&to->engine, &to->model, NULL, &err);
        if (rc == 0)
                hap_scratch_init(&to->work, &to->engine);
        if (rc < 0)
                printf("# %s\n", err.message);
        return rc;
}

static inline void unload(struct loaded *what)
{
        hap_scratch_release(&what->work);
        hap_engine_release(&what->engine);
        hap_model_release(&what->model);
}

/* Logits at positions `first` … n - 1; they live until the next call. */
static inline const float *run(struct loaded *with, const int32_t *tokens, int n, int first)
{
        struct hap_prompt prompt = {.n_tokens = n,
                                    .tokens = tokens,
                                    .answer_first = first,
                                    .n_answer_positions = n - first};
        const struct hap_prompt *one = &prompt;
        struct hap_batch batch;
        struct hap_full_run plain = {0};

        with->work.used = 0;
        CHECK(hap_batch_init(&batch, &with->work, &one, 1, first == n - 1) == 0);
        CHECK(hap_full_forward(&with->work, &batch, &plain) == 0);
        return plain.logits;
}

#endif
