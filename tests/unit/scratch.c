/* Scratch: handing out memory, and counting what a run would need. */
#include "engine_bench.h"

/* What a run is asked for. */
struct request {
        bool full, gradients, counterfactuals;
        double open; /* share of open edges */
};

/* A masked or full run, forward and maybe backward, of the bench's prompts. */
static void run_once(struct hap_scratch *scratch, const struct bench *b, const struct request *how,
                     const float *const *z, const bool *wanted, float *values)
{
        struct hap_masked masked_run = {.z = z, .wanted = how->gradients ? wanted : NULL,
                                        .d_counterfactual = how->counterfactuals ? values : NULL};
        struct hap_full_run full_run = {.gradients = how->gradients};
        struct hap_batch batch;
        float *d_logits;

        scratch->used = scratch->peak = 0;
        CHECK(hap_batch_init(&batch, scratch, b->pointers, PROMPTS, true) == 0);
        if (how->full)
                CHECK(hap_full_forward(scratch, &batch, &full_run) == 0);
        else
                CHECK(hap_masked_forward(scratch, &batch, &masked_run) == 0);
        d_logits = hap_scratch_alloc(scratch, (size_t)PROMPTS * b->n_out, sizeof(*d_logits));
        if (!scratch->counting)
                memset(d_logits, 0, (size_t)PROMPTS * b->n_out * sizeof(*d_logits));
        if (how->full && how->gradients)
                CHECK(hap_full_backward(scratch, &batch, &full_run, d_logits, values) == 0);
        else if (how->gradients || how->counterfactuals)
                CHECK(hap_masked_backward(scratch, &batch, &masked_run, d_logits, values) == 0);
}

static void compare(const char *path, const struct request *how)
{
        struct hap_engine described = {0};
        struct hap_scratch counted;
        struct hap_model config;
        struct hap_error err = {0};
        struct bench b;
        float *z[PROMPTS], *values;
        const float *zs[PROMPTS];
        bool *wanted;

        set_up(&b, path, &hap_interchange);
        random_masks(&b, how->open, z, zs);
        wanted = calloc(b.edges, sizeof(*wanted));
        memset(wanted, true, b.edges);
        values = calloc((size_t)b.engine.graph.n_readers * 40 * (size_t)b.model.config.d_model +
                        b.edges, sizeof(*values));
        run_once(&b.work, &b, how, zs, wanted, values);

        CHECK(hap_model_load_config(&config, path, &err) == 0);
        CHECK(config.token_embedding == NULL);
        described = b.engine;
        described.model = &config;
        CHECK(hap_scratch_init_counting(&counted, &described, &err) == 0);
        run_once(&counted, &b, how, zs, wanted, values);
        CHECK(b.work.peak > 1000);
        CHECK_NEAR((double)counted.peak, (double)b.work.peak, 0);

        hap_scratch_release(&counted);
        hap_model_release(&config);
        for (int i = 0; i < PROMPTS; i++)
                free(z[i]);
        free(wanted);
        free(values);
        tear_down(&b);
}

static void compare_models(const struct request *how)
{
        for (int i = 0; i < 2; i++)
                compare(models[i], how);
        for (int i = 0; i < OTHERS; i++)
                compare(others[i], how);
}

TEST("a full run is counted to the byte, without weights")
{
        compare_models(&(struct request){.full = true});
        compare_models(&(struct request){.full = true, .gradients = true});
}

TEST("a masked run is counted to the byte, with many open edges and with few")
{
        for (int few = 0; few < 2; few++) {
                const double open = few ? .02 : .9;

                compare_models(&(struct request){.open = open});
                compare_models(&(struct request){.open = open, .gradients = true});
                compare_models(&(struct request){.open = open, .counterfactuals = true});
        }
}

TEST("memory that is not reserved is refused with a message")
{
        struct hap_scratch scratch;
        struct hap_error err;

        CHECK(hap_scratch_init(&scratch, NULL, 10000, &err) == 0);
        CHECK(hap_scratch_alloc(&scratch, 1000, 4) != NULL);
        CHECK(hap_scratch_alloc(&scratch, 5000, 4) == NULL);
        CHECK(scratch.error.code == HAP_ESYSTEM);
        CHECK(strstr(scratch.error.message, "needs more scratch") != NULL);
        hap_scratch_release(&scratch);
}

RUN_TESTS
