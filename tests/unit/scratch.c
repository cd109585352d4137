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
        CHECK(config.token_embedding.data == NULL);
        described = b.engine;
        described.model = &config;
        hap_scratch_init(&counted, &described);
        counted.counting = true;
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

/* Fills every allocation and looks at all of them at the end. */
TEST("allocations of all sizes are apart, and given back by the mark")
{
        const size_t sizes[] = {1, 100, 3 << 20, 2 << 20, 64, 9 << 20, 0, 40 << 20, 5};
        enum { N = sizeof sizes / sizeof *sizes };
        struct hap_scratch scratch;
        unsigned char *at[N];

        hap_scratch_init(&scratch, NULL);
        for (int again = 0; again < 3; again++) {
                const size_t mark = scratch.used;

                for (int i = 0; i < N; i++) {
                        at[i] = hap_scratch_alloc(&scratch, sizes[i], 1);
                        CHECK(at[i] && (uintptr_t)at[i] % 64 == 0);
                        memset(at[i], i + 1, sizes[i]);
                }
                for (int i = 0; i < N; i++)
                        CHECK(!sizes[i] || (at[i][0] == i + 1 && at[i][sizes[i] - 1] == i + 1));
                scratch.used = again == 1 ? mark : scratch.used; /* the third is where the second was */
        }
        CHECK_NEAR((double)scratch.peak, 2. * (64 + 128 + 64 + 64 + (54 << 20)), 0);
        hap_scratch_release(&scratch);
}

TEST("a later, larger allocation takes the place of a block that is too small")
{
        struct hap_scratch scratch;
        char *memory;

        hap_scratch_init(&scratch, NULL);
        for (size_t mb = 3; mb < 200; mb *= 4) {
                scratch.used = 64;
                memory = hap_scratch_alloc(&scratch, mb << 20, 1);
                CHECK(memory != NULL);
                memset(memory, 1, mb << 20);
        }
        CHECK(scratch.n_blocks == 2);
        hap_scratch_release(&scratch);
}

TEST("memory that cannot be mapped is refused with a message")
{
        struct hap_scratch scratch;

        hap_scratch_init(&scratch, NULL);
        CHECK(hap_scratch_alloc(&scratch, 1000, 4) != NULL);
        CHECK(hap_scratch_alloc(&scratch, SIZE_MAX / 8, 4) == NULL);
        CHECK(scratch.error.code == HAP_ESYSTEM);
        CHECK(strstr(scratch.error.message, "out of memory for a run's scratch") != NULL);
        CHECK(hap_scratch_alloc(&scratch, SIZE_MAX / 2, 4) == NULL);
        CHECK(hap_scratch_alloc(&scratch, 1000, 4) != NULL);
        hap_scratch_release(&scratch);
}

RUN_TESTS
