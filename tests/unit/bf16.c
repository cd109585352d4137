/* Products in BF16 against sums in double precision of the same rounded inputs, and runs in
 * BF16 against runs in F32. */
#include "engine_bench.h"

#include "common/tensor.h"
#include "forward/bf16.h"
#include "forward/onednn.h"
#include "forward/product.h"

static float rounded(float x)
{
        uint16_t half;
        const struct hap_tensor one = {.dtype = HAP_BF16, .data = &half};
        float y;

        hap_halves_of(HAP_BF16, &x, 1, &half);
        hap_tensor_read(&one, 0, 1, &y);
        return y;
}

/* The product's exact value, and the sum of the sizes of its terms. */
static double exact(const struct hap_block *w, bool backward, const float *x, int column,
                    double *size)
{
        const int k = backward ? w->rows : w->columns;
        double sum = 0;

        *size = 0;
        for (int i = 0; i < k; i++) {
                const int row = w->row + (backward ? i : column);
                const int c = w->column + (backward ? column : i);
                const double term = (double)rounded(x[i]) *
                                    rounded(w->matrix->data[(size_t)row * w->matrix->columns + c]);

                sum += term;
                *size += fabs(term);
        }
        return sum;
}

/* m rows with leading dimensions larger than the rows; what is between them must stay. */
static void check_product(struct bench *b, struct hap_block w, bool backward, int m, float beta)
{
        const int k = backward ? w.rows : w.columns, n = backward ? w.columns : w.rows;
        const int ldx = k + 3, ldy = beta == 0 && m % 2 ? n : n + 5;
        float *x = calloc((size_t)m * ldx, sizeof *x), *y = calloc((size_t)m * ldy, sizeof *y);
        double worst = 0, between = 0;

        for (int i = 0; i < m * ldx; i++)
                x[i] = (float)hap_random_normal(key, 5, (uint64_t)i);
        for (int i = 0; i < m * ldy; i++)
                y[i] = 2;
        hap_product_begin(&b->work, true);
        if (backward)
                hap_product_backward(&b->work, w, m, x, ldx, beta, y, ldy);
        else
                hap_product_forward(&b->work, w, m, x, ldx, beta, y, ldy);
        CHECK(hap_product_end(&b->work, 0) == 0);
        for (int r = 0; r < m; r++) {
                for (int c = 0; c < n; c++) {
                        double size, sum = exact(&w, backward, x + (size_t)r * ldx, c, &size);
                        const double miss = fabs(y[(size_t)r * ldy + c] - sum - 2. * beta);

                        worst = fmax(worst, miss / (size + 2. * beta + 1e-30));
                        worst = isnan(miss) ? INFINITY : worst;
                }
                for (int c = n; c < ldy; c++)
                        between += fabs(y[(size_t)r * ldy + c] - 2);
        }
        CHECK_NEAR(worst, 0, 1e-6); /* rounding of inputs would be 4e-3 */
        CHECK_NEAR(between, 0, 0);
        free(x);
        free(y);
}

static void check_products(struct bench *b, struct hap_block w)
{
        static const int rows[] = {1, 16, 37, 150};

        for (int i = 0; i < 4; i++)
                for (int which = 0; which < 4; which++)
                        check_product(b, w, which & 1, rows[i], which >> 1 ? 1 : 0);
}

static void check_model(const char *path)
{
        struct hap_error err = {0};
        struct bench b;
        const struct hap_layer *l;
        int dh;

        set_up(&b, path, &hap_interchange);
        CHECK(hap_engine_use_bf16(&b.engine, &err) == 0);
        l = &b.model.layers[1];
        dh = b.model.config.d_head;
        check_products(&b, hap_block_rows(&l->q.weight, dh, dh));
        check_products(&b, hap_block_all(&l->v.weight));
        check_products(&b, hap_block_columns(&l->o.weight, dh, dh));
        check_products(&b, hap_block_all(&l->o.weight));
        check_products(&b, hap_block_all(&l->in.weight));
        check_products(&b, hap_block_all(&l->out.weight));
        check_products(&b, hap_block_all(&b.model.unembedding));
        tear_down(&b);
}

TEST("a product in BF16 is the exact one of rounded inputs, but for sums in F32")
{
        if (hap_bf16_missing())
                SKIP("no products in BF16 here");
        for (int i = 0; i < 2; i++)
                check_model(models[i]);
}

/* Gradients of all masks in F32 and in BF16: cosine of the two, and the largest difference as a
 * share of the largest gradient. */
static void compare_gradients(const char *path, double open)
{
        struct hap_error err = {0};
        struct bench b;
        float *z[PROMPTS], *d_z[2], *d_logits;
        const float *zs[PROMPTS];
        bool *wanted;
        double loss[2], dot = 0, square[2] = {0}, most = 0, apart;

        set_up(&b, path, &hap_interchange);
        CHECK(hap_engine_use_bf16(&b.engine, &err) == 0);
        random_masks(&b, open, z, zs);
        wanted = calloc(b.edges, sizeof *wanted);
        memset(wanted, true, b.edges);
        for (int i = 0; i < 2; i++) {
                struct hap_masked run = {.z = zs, .wanted = wanted, .bf16 = i == 1};
                struct hap_batch batch;

                d_z[i] = calloc(b.edges, sizeof **d_z);
                b.work.used = 0;
                CHECK(hap_batch_init(&batch, &b.work, b.pointers, PROMPTS, true) == 0);
                CHECK(hap_masked_forward(&b.work, &batch, &run) == 0);
                loss[i] = losses(&b, &hap_metric_kl, run.logits, &d_logits);
                CHECK(hap_masked_backward(&b.work, &batch, &run, d_logits, d_z[i]) == 0);
                CHECK(!b.work.bf16);
        }
        for (size_t e = 0; e < b.edges; e++) {
                dot += (double)d_z[0][e] * d_z[1][e];
                for (int i = 0; i < 2; i++)
                        square[i] += (double)d_z[i][e] * d_z[i][e];
                most = fmax(most, fabs(d_z[0][e]));
        }
        apart = most_apart(b.edges, d_z[0], d_z[1]);
        CHECK(apart > 0); /* it is another computation */
        CHECK_NEAR(dot / sqrt(square[0] * square[1]), 1, 1e-3);
        CHECK_NEAR(apart / most, 0, .05);
        CHECK_NEAR(loss[1] / loss[0], 1, .02);
        for (int i = 0; i < PROMPTS; i++)
                free(z[i]);
        free(d_z[0]);
        free(d_z[1]);
        free(wanted);
        tear_down(&b);
}

TEST("gradients of masks in BF16 agree with those in F32: cosine .999, each within 5 % of the largest")
{
        if (hap_bf16_missing())
                SKIP("no products in BF16 here");
        for (int i = 0; i < 2; i++) {
                compare_gradients(models[i], 1);
                compare_gradients(models[i], .3);
        }
}

TEST("a thread's buffers take no more than the estimate says")
{
        struct hap_error err = {0};
        struct bench b;
        float x[150 * 64] = {0}, *y;

        if (hap_bf16_missing())
                SKIP("no products in BF16 here");
        set_up(&b, models[0], &hap_interchange);
        CHECK(hap_engine_use_bf16(&b.engine, &err) == 0 && b.model.config.d_model <= 64);
        y = calloc(150 * (size_t)b.n_out, sizeof *y);
        b.work.used = b.work.peak = 0;
        hap_product_begin(&b.work, true);
        hap_product_forward(&b.work, hap_block_all(&b.model.unembedding), 150, x,
                            b.model.config.d_model, 0, y, b.n_out);
        hap_product_backward(&b.work, hap_block_all(&b.model.unembedding), 150, y, b.n_out, 0, x,
                             b.model.config.d_model);
        CHECK(hap_product_end(&b.work, 0) == 0);
        CHECK(b.work.used == 0 && b.work.peak > 0);
        CHECK(b.work.peak <= hap_bf16_thread_bytes(&b.model));
        free(y);
        tear_down(&b);
}

TEST("without products in BF16 the reason is given")
{
        struct hap_error err = {0};
        struct bench b;

        set_up(&b, models[0], &hap_interchange);
        CHECK((hap_engine_use_bf16(&b.engine, &err) == 0) == (hap_bf16_missing() == NULL));
        CHECK(!hap_bf16_missing() || (err.code == HAP_EUSAGE && strstr(err.message, "f32")));
        CHECK(hap_bf16_description()[0] != '\0');
        tear_down(&b);
}

RUN_TESTS
