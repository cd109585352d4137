/* Products with sparse matrices against sums in double precision, and matrices of many rows against
 * their rows one by one. */
#include <stdlib.h>

#include "common/random.h"
#include "forward/sparse.h"
#include "unit.h"

static const struct hap_random_key key = {.seed = 3, .stream = 1};

enum { MOST = 40 };

/* A product's matrices. Row r of x is at x + r · ldx. */
struct problem {
        struct hap_scratch scratch;
        int rows, columns;
        size_t size, ldx, ldy;
        float *m, *x, *y;
};

static float *random_values(size_t n, uint64_t which)
{
        float *values = calloc(n + 1, sizeof *values);

        for (size_t i = 0; i < n; i++)
                values[i] = (float)hap_random_normal(key, which, i);
        return values;
}

/* share: of the elements that are not zero. */
static void set_up(struct problem *p, int rows, int columns, size_t size, double share)
{
        *p = (struct problem){.rows = rows, .columns = columns, .size = size, .ldx = size + 3,
                              .ldy = size + 5};
        hap_scratch_init(&p->scratch, NULL);
        p->m = random_values((size_t)rows * columns, 1);
        for (int i = 0; i < rows * columns; i++)
                if (hap_random_uniform(key, 2, (uint64_t)i) >= share)
                        p->m[i] = 0;
        p->x = random_values((size_t)MOST * p->ldx, 3);
        p->y = random_values((size_t)MOST * p->ldy, 4);
}

static void tear_down(struct problem *p)
{
        hap_scratch_release(&p->scratch);
        free(p->m);
        free(p->x);
        free(p->y);
}

/* --- products --- */

static void product(struct problem *p, const float *m, int rows, int columns, int ld, bool transpose,
                    bool add, float *y)
{
        struct hap_sparse sparse;

        p->scratch.used = 0;
        CHECK(hap_sparse_of(&sparse, &p->scratch, HAP_SPARSE_PRODUCT, rows, columns, m, ld,
                            transpose) == 0);
        hap_sparse_product(&sparse, p->size, p->x, p->ldx, add, y, p->ldy);
}

static double exact_product(const struct problem *p, int row, size_t c, bool transpose, bool add)
{
        const int n = transpose ? p->rows : p->columns;
        double sum = add ? p->y[row * p->ldy + c] : 0;

        for (int k = 0; k < n; k++)
                sum += (double)(transpose ? p->m[k * p->columns + row] : p->m[row * p->columns + k]) *
                       p->x[k * p->ldx + c];
        return sum;
}

static void check_product(int rows, int columns, size_t size, double share, bool transpose, bool add)
{
        struct problem p;
        float *together, *alone;
        double worst = 0;
        int n;

        set_up(&p, rows, columns, size, share);
        n = transpose ? columns : rows;
        together = malloc((size_t)MOST * p.ldy * sizeof *together);
        alone = malloc((size_t)MOST * p.ldy * sizeof *alone);
        memcpy(together, p.y, (size_t)MOST * p.ldy * sizeof *together);
        memcpy(alone, p.y, (size_t)MOST * p.ldy * sizeof *alone);
        product(&p, p.m, rows, columns, columns, transpose, add, together);
        for (int i = 0; i < n; i++) {
                if (transpose)
                        product(&p, p.m + i, rows, 1, columns, true, add, alone + i * p.ldy);
                else
                        product(&p, p.m + i * columns, 1, columns, columns, false, add,
                                alone + i * p.ldy);
                for (size_t c = 0; c < size; c++)
                        worst = fmax(worst, fabs(together[i * p.ldy + c] -
                                                 exact_product(&p, i, c, transpose, add)));
        }
        CHECK_NEAR(worst, 0, 1e-5 * MOST);
        CHECK(memcmp(together, alone, (size_t)MOST * p.ldy * sizeof *alone) == 0);
        free(together);
        free(alone);
        tear_down(&p);
}

static const double shares[] = {0, .05, .3, .7, 1};
static const size_t sizes[] = {1, 63, 64, 130, 1100};
enum { SHARES = sizeof shares / sizeof *shares, SIZES = sizeof sizes / sizeof *sizes };

TEST("a product with a sparse matrix is the sum over its elements, and its rows one by one give the same bits")
{
        for (int s = 0; s < SHARES * SIZES * 4; s++)
                check_product(19 + s % 2, 23, sizes[s / 4 % SIZES], shares[s / 4 / SIZES], s & 1, s & 2);
}

TEST("a row without elements is zero, or stays as it is if the product is added")
{
        struct problem p;

        set_up(&p, 2, 3, 70, 0);
        product(&p, p.m, 2, 3, 3, false, true, p.y);
        for (size_t c = 0; c < p.ldy; c++)
                CHECK(p.y[c] == (float)hap_random_normal(key, 4, c));
        product(&p, p.m, 2, 3, 3, false, false, p.y);
        for (size_t c = 0; c < p.size; c++)
                CHECK(p.y[c] == 0);
        for (size_t c = p.size; c < p.ldy; c++)
                CHECK(p.y[c] == (float)hap_random_normal(key, 4, c));
        tear_down(&p);
}

/* --- dot products --- */

static void dots(struct problem *p, int row, int rows, double *sum)
{
        struct hap_sparse sparse;

        p->scratch.used = 0;
        CHECK(hap_sparse_of(&sparse, &p->scratch, HAP_SPARSE_DOTS, rows, p->columns,
                            p->m + row * p->columns, p->columns, false) == 0);
        hap_sparse_dots(&sparse, p->size, p->y + (size_t)row * p->ldy, p->ldy, p->x, p->ldx, sum,
                        (size_t)p->columns);
}

static void check_dots(int rows, int columns, size_t size, double share)
{
        double together[MOST * MOST], alone[MOST * MOST];
        struct problem p;

        set_up(&p, rows, columns, size, share);
        for (int i = 0; i < rows * columns; i++)
                together[i] = alone[i] = .5;
        dots(&p, 0, rows, together);
        for (int i = 0; i < rows; i++) {
                dots(&p, i, 1, alone + i * columns);
                for (int k = 0; k < columns; k++) {
                        double sum = .5;

                        if (p.m[i * columns + k] == 0)
                                continue;
                        for (size_t c = 0; c < size; c++)
                                sum += (double)p.y[i * p.ldy + c] * p.x[k * p.ldx + c];
                        CHECK_NEAR(together[i * columns + k], sum, 1e-6 * (double)(size + 30));
                        CHECK(together[i * columns + k] == alone[i * columns + k]);
                }
        }
        tear_down(&p);
}

TEST("dot products of a sparse pattern are sums over the columns, and rows one by one give the same bits")
{
        for (int s = 0; s < SHARES * SIZES; s++)
                check_dots(14 + s % 2, 23 + s % 3, sizes[s % SIZES], shares[s / SIZES]);
}

RUN_TESTS
