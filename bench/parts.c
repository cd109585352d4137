/* Times the parts of a pruning step (docs/engine.md), on one thread.
 *
 *      parts MODEL TOKENS BATCH [SCORES]
 *
 * The arguments are those of `engine`. Prints a table in Markdown for F32 and, where the processor
 * has it, for BF16: milliseconds an example in each part at 100, 20 and 5 % of the edges, and
 * operations and, for mixing, bytes that have to pass between memory and processor, from which
 * the rates follow. The steps of the three shares take turns; times are medians.
 *
 * The linker puts a clock around the functions of the parts (--wrap, in the Makefile): time goes to
 * the innermost part that has begun. */
#include <omp.h>

#include "forward/attention.h"
#include "forward/mix.h"
#include "forward/mlp.h"
#include "forward/product.h"
#include "forward/sparse.h"
#include "forward/unembed.h"
#include "steps.h"

enum part {
        REST, MIX_FORWARD, MIX_EDGES, MIX_WRITERS, MLPS, PROJECTIONS, ATTENTION, UNEMBEDDING, PARTS
};

static const char *const part_names[PARTS] = {
        [MIX_FORWARD] = "mixing: inputs of readers",
        [MIX_EDGES] = "mixing: gradients of edges",
        [MIX_WRITERS] = "mixing: gradients of writers",
        [MLPS] = "MLPs",
        [PROJECTIONS] = "projections of heads",
        [ATTENTION] = "scores and softmax of heads",
        [UNEMBEDDING] = "unembedding",
        [REST] = "norms, counterfactuals, the rest",
};

struct cost {
        double seconds, flop, bytes;
};

static struct cost costs[PARTS];
static enum part current;
static double since;

/* Processor seconds of this thread, so that other programs matter little. */
static double thread_seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum part enter(enum part part)
{
        const enum part before = current;
        const double t = thread_seconds();

        costs[before].seconds += t - since;
        since = t;
        current = part;
        return before;
}

/* --- the wrapped functions --- */

#define WRAP(whose, type, name, parameters, arguments)                                              \
        type __real_##name parameters;                                                             \
        type __wrap_##name parameters;                                                             \
        type __wrap_##name parameters                                                              \
        {                                                                                          \
                const enum part before = enter(whose);                                             \
                const type result = __real_##name arguments;                                       \
                                                                                                   \
                enter(before);                                                                     \
                return result;                                                                     \
        }

WRAP(MIX_FORWARD, int, hap_mix_forward,
     (struct hap_scratch *scratch, const struct hap_mix *mix, float *x), (scratch, mix, x))
WRAP(MIX_WRITERS, int, hap_mix_backward,
     (struct hap_scratch *scratch, const struct hap_mix *mix, const float *g, float *d_z,
      float *d_delta), (scratch, mix, g, d_z, d_delta))
WRAP(MLPS, int, hap_mlp_forward,
     (struct hap_scratch *scratch, struct hap_mlp *mlp, bool gradients, float *out),
     (scratch, mlp, gradients, out))
WRAP(MLPS, int, hap_mlp_backward,
     (struct hap_scratch *scratch, const struct hap_mlp *mlp, const float *d_out, float *g),
     (scratch, mlp, d_out, g))
WRAP(UNEMBEDDING, int, hap_unembed_forward, (struct hap_scratch *scratch, struct hap_unembed *u),
     (scratch, u))
WRAP(UNEMBEDDING, int, hap_unembed_backward,
     (struct hap_scratch *scratch, const struct hap_unembed *u, const float *d_logits, float *g),
     (scratch, u, d_logits, g))
WRAP(ATTENTION, int, hap_heads_backward,
     (struct hap_scratch *scratch, const struct hap_batch *batch, const struct hap_heads *heads,
      const float *d_out, float *dq, float *dk, float *dv),
     (scratch, batch, heads, d_out, dq, dk, dv))

void __real_hap_heads_attend(const struct hap_engine *engine, const struct hap_batch *batch,
                             struct hap_heads *heads, bool keep);
void __wrap_hap_heads_attend(const struct hap_engine *engine, const struct hap_batch *batch,
                             struct hap_heads *heads, bool keep);
void __wrap_hap_heads_attend(const struct hap_engine *engine, const struct hap_batch *batch,
                             struct hap_heads *heads, bool keep)
{
        const enum part before = enter(ATTENTION);

        __real_hap_heads_attend(engine, batch, heads, keep);
        enter(before);
}

/* A product belongs to the part that asks for it; outside of all, it projects a head. */
static enum part enter_product(struct hap_block w, int m)
{
        const enum part before = enter(current == REST ? PROJECTIONS : current);

        costs[current].flop += 2. * m * w.rows * w.columns;
        return before;
}

#define WRAP_PRODUCT(name)                                                                         \
        void __real_##name(struct hap_scratch *scratch, struct hap_block w, int m, const float *x, \
                           int ldx, float beta, float *y, int ldy);                                \
        void __wrap_##name(struct hap_scratch *scratch, struct hap_block w, int m, const float *x, \
                           int ldx, float beta, float *y, int ldy);                                \
        void __wrap_##name(struct hap_scratch *scratch, struct hap_block w, int m, const float *x, \
                           int ldx, float beta, float *y, int ldy)                                 \
        {                                                                                          \
                const enum part before = enter_product(w, m);                                      \
                                                                                                   \
                __real_##name(scratch, w, m, x, ldx, beta, y, ldy);                                \
                enter(before);                                                                     \
        }

WRAP_PRODUCT(hap_product_forward)
WRAP_PRODUCT(hap_product_backward)

/* The elements that are not zero, and in *rows the rows that have some. */
static double elements(const struct hap_sparse *m, int *rows)
{
        double n = 0;

        *rows = 0;
        for (int i = 0; i < m->n; i++) {
                const struct hap_sparse_group *g = &m->group[i];

                *rows += g->n > 0 ? g->height : 0;
                for (int k = 0; k < g->n * g->height; k++)
                        n += g->weight[k] != 0;
        }
        return n;
}

void __real_hap_sparse_product(const struct hap_sparse *m, size_t size, const float *x, size_t ldx,
                               bool add, float *y, size_t ldy);
void __wrap_hap_sparse_product(const struct hap_sparse *m, size_t size, const float *x, size_t ldx,
                               bool add, float *y, size_t ldy);
void __wrap_hap_sparse_product(const struct hap_sparse *m, size_t size, const float *x, size_t ldx,
                               bool add, float *y, size_t ldy)
{
        const enum part before = enter(add ? MIX_WRITERS : MIX_FORWARD);
        int rows;

        costs[current].flop += 2 * elements(m, &rows) * (double)size;
        costs[current].bytes += (double)(m->n_used + (add ? 2 : 1) * rows) * (double)size *
                                sizeof(float);
        __real_hap_sparse_product(m, size, x, ldx, add, y, ldy);
        enter(before);
}

void __real_hap_sparse_dots(const struct hap_sparse *m, size_t size, const float *g, size_t ldg,
                            const float *x, size_t ldx, double *sum, size_t ld_sum);
void __wrap_hap_sparse_dots(const struct hap_sparse *m, size_t size, const float *g, size_t ldg,
                            const float *x, size_t ldx, double *sum, size_t ld_sum);
void __wrap_hap_sparse_dots(const struct hap_sparse *m, size_t size, const float *g, size_t ldg,
                            const float *x, size_t ldx, double *sum, size_t ld_sum)
{
        const enum part before = enter(MIX_EDGES);
        int rows;

        costs[current].flop += 2 * elements(m, &rows) * (double)size;
        costs[current].bytes += (double)(m->n_used + rows) * (double)size * sizeof(float);
        __real_hap_sparse_dots(m, size, g, ldg, x, ldx, sum, ld_sum);
        enter(before);
}

/* --- the table --- */

enum { SHARES = 3 };
static const double shares[SHARES] = {1, .2, .05};

/* One step; what it cost an example, in cost[PARTS]. */
static void timed_step(struct bench *b, struct cost *cost)
{
        memset(costs, 0, sizeof costs);
        current = REST;
        since = thread_seconds();
        step(b);
        enter(REST);
        for (int part = 0; part < PARTS; part++)
                cost[part] = (struct cost){costs[part].seconds / (double)b->n,
                                           costs[part].flop / (double)b->n,
                                           costs[part].bytes / (double)b->n};
}

static void print_cell(struct cost cost)
{
        printf(" %.1f", cost.seconds * 1e3);
        if (cost.flop > 0)
                printf(" (%.2f; %.0f", cost.flop * 1e-9, cost.flop / cost.seconds * 1e-9);
        if (cost.flop > 0 && cost.bytes > 0)
                printf("; %.0f; %.1f", cost.bytes * 1e-6, cost.bytes / cost.seconds * 1e-9);
        printf(cost.flop > 0 ? ") |" : " |");
}

static void print_table(struct bench *b, const double *score)
{
        static struct cost cost[ROUNDS][SHARES][PARTS];
        struct cost middle[SHARES][PARTS], all[SHARES] = {{0}};

        for (int round = -1; round < ROUNDS; round++)
                for (int s = 0; s < SHARES; s++) {
                        open_share(b, score, shares[s]);
                        timed_step(b, cost[round < 0 ? 0 : round][s]);
                }
        for (int s = 0; s < SHARES; s++)
                for (int part = 0; part < PARTS; part++) {
                        double seconds[ROUNDS];

                        for (int round = 0; round < ROUNDS; round++)
                                seconds[round] = cost[round][s][part].seconds;
                        middle[s][part] = cost[0][s][part];
                        middle[s][part].seconds = median(seconds, ROUNDS);
                        all[s].seconds += middle[s][part].seconds;
                        all[s].flop += middle[s][part].flop;
                }
        printf("| %s | 100 %% | 20 %% | 5 %% |\n| --- | --- | --- | --- |\n", b->bf16 ? "BF16" : "F32");
        for (int part = 0; part < PARTS; part++) {
                const int at = (part + 1) % PARTS; /* the rest comes last */

                printf("| %s |", part_names[at]);
                for (int s = 0; s < SHARES; s++)
                        print_cell(middle[s][at]);
                printf("\n");
        }
        printf("| all |");
        for (int s = 0; s < SHARES; s++)
                print_cell(all[s]);
        printf("\n\n");
}

int main(int argc, char **argv)
{
        struct hap_error err = {0};
        struct bench b = {0};
        bool has_bf16;
        double *score;

        if (argc < 4) {
                fprintf(stderr, "usage: parts MODEL TOKENS BATCH [SCORES]\n");
                return 2;
        }
        omp_set_num_threads(1);
        if (hap_model_load(&b.model, argv[1], &err) < 0 ||
            hap_engine_init(&b.engine, &b.model, NULL, &err) < 0)
                die(&err);
        has_bf16 = hap_engine_use_bf16(&b.engine, &err) == 0;
        score = make_steps(&b, atoi(argv[2]), strtoul(argv[3], NULL, 10), argc > 4 ? argv[4] : NULL);
        for (int bf16 = 0; bf16 <= (has_bf16 ? 1 : 0); bf16++) {
                b.bf16 = bf16;
                print_table(&b, score);
        }
        return 0;
}
