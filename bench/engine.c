/* Times the engine on a model: the time of one example, and its rate as a fraction of sgemm's.
 *
 *      engine MODEL TOKENS BATCH [SCORES [SHARE]]
 *
 * Prompts are random tokens; clean and corrupted differ from the third token on. SCORES: a MIB
 * exchange file's edges (JSON of "edges") by whose absolute scores the 20 % and 5 % subgraphs are
 * chosen; without it they are random. SHARE: only steps at this share of the edges, to be
 * profiled. Prints one JSON object of medians over the rounds. */
#include <omp.h>

#include "forward/blas_rate.h"
#include "steps.h"

/* --- sgemm's own rate at the engine's shapes --- */

static double gemm_rate(int m, int n, int k, bool tb)
{
        double rates[ROUNDS];

        for (int round = 0; round < ROUNDS; round++)
                rates[round] = hap_blas_sgemm_rate(omp_get_max_threads(), m, n, k, tb, .05);
        return median(rates, ROUNDS);
}

/* Floating point operations of the products of a masked forward and backward of one
 * example with all edges open: of every row from the first difference on, and in the
 * last layer of the answer's row alone but for keys and values. */
static double dense_flop(const struct bench *b)
{
        const struct hap_config *c = &b->model.config;
        const struct hap_graph *g = &b->engine.graph;
        const double rows = b->examples[0].n_tokens - b->prompts[0].first;
        const double d = c->d_model, h = (double)c->n_heads * c->d_head;
        const double mlp = (c->gated ? 3.0 : 2.0) * d * c->d_mlp;
        const double weights = (4 * h * d + mlp) * rows * (c->n_layers - 1) +
                               2 * h * d * (rows + 1) + mlp + d * c->n_out;
        double mixing = 0;

        for (int r = 0; r < g->n_readers; r++) {
                const struct hap_node node = hap_graph_reader(g, r);
                const bool whole = node.kind != HAP_READS_LOGITS &&
                                   (node.layer < c->n_layers - 1 || node.kind == HAP_READS_K ||
                                    node.kind == HAP_READS_V);

                mixing += hap_graph_in(g, r) * (whole ? rows : 1) * d;
        }
        return 2 * 2 * weights + 3 * 2 * mixing;
}

int main(int argc, char **argv)
{
        static const double shares[] = {1, .2, .05};
        static const char *const names[] = {"ep_step_dense_s_per_example",
                                            "ep_step_20pct_s_per_example",
                                            "ep_step_5pct_s_per_example"};
        struct hap_error err = {0};
        struct bench b = {0};
        double times[6][ROUNDS], load, rate, seconds[6], forward[ROUNDS];
        double *score;
        int tokens;
        bool has_bf16;

        if (argc < 4) {
                fprintf(stderr, "usage: engine MODEL TOKENS BATCH [SCORES [SHARE]]\n");
                return 2;
        }
        tokens = atoi(argv[2]);
        load = now();
        if (hap_model_load(&b.model, argv[1], &err) < 0 ||
            hap_engine_init(&b.engine, &b.model, NULL, &err) < 0)
                die(&err);
        load = now() - load;
        has_bf16 = hap_engine_use_bf16(&b.engine, &err) == 0;
        b.bf16 = has_bf16 && getenv("BENCH_BF16"); /* with SHARE */
        score = make_steps(&b, tokens, strtoul(argv[3], NULL, 10), argc > 4 ? argv[4] : NULL);
        for (int round = 0; argc > 5 && round < ROUNDS; round++) {
                open_share(&b, score, strtod(argv[5], NULL));
                printf("%.5f s an example\n", step(&b));
        }
        if (argc > 5)
                return 0;
        for (int round = -1; round < ROUNDS; round++)
                for (int s = 0; s < (has_bf16 ? 6 : 3); s++) {
                        b.bf16 = s >= 3;
                        open_share(&b, score, shares[s % 3]);
                        const double t = step(&b);

                        if (round >= 0)
                                times[s][round] = t;
                }
        b.bf16 = false;
        open_share(&b, score, 1);
        free(b.wanted);
        b.wanted = NULL;
        for (int round = 0; round < ROUNDS; round++)
                forward[round] = step(&b);
        rate = gemm_rate(GROUP * tokens, b.model.config.d_mlp, b.model.config.d_model, true);
        printf("{\"threads\": %d, \"load_s\": %.3f, \"sgemm_gflops\": %.1f, \"sgemm_head_gflops\": %.1f, "
               "\"sgemm_mix_gflops\": %.1f, \"masked_forward_s_per_example\": %.5f",
               omp_get_max_threads(), load, rate,
               gemm_rate(GROUP * tokens, b.model.config.d_head, b.model.config.d_model, true),
               gemm_rate(3 * b.model.config.n_heads + 1, tokens * GROUP * b.model.config.d_model,
                         b.engine.graph.n_writers / 2, false), median(forward, ROUNDS));
        for (int s = 3; s < 6 && has_bf16; s++) {
                seconds[s] = median(times[s], ROUNDS);
                printf(", \"bf16_%s\": %.5f", names[s - 3], seconds[s]);
        }
        for (int s = 0; s < 3; s++) {
                seconds[s] = median(times[s], ROUNDS);
                printf(", \"%s\": %.5f", names[s], seconds[s]);
        }
        printf(", \"ep_step_dense_gflops\": %.1f, \"ep_step_dense_fraction_of_sgemm\": %.3f, "
               "\"ep_step_20pct_speedup\": %.2f, \"ep_step_5pct_speedup\": %.2f}\n",
               dense_flop(&b) / seconds[0] * 1e-9, dense_flop(&b) / seconds[0] * 1e-9 / rate,
               seconds[0] / seconds[1], seconds[0] / seconds[2]);
        return 0;
}
