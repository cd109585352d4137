#include "forward/sparse.h"

#include <math.h>
#include <stdlib.h>

#include "common/clock.h"
#include "forward/sparse_kernels.h"

/* Columns are worked on in blocks, so that every row's piece of a block stays in the second-level
 * cache (256 or 1,024 floats × some 200 rows), while the next block is prefetched into it. */
enum { PRODUCT_BLOCK = 256, DOTS_BLOCK = 1024, LINE = 16, /* floats of a cache line */
       CHUNK = 8 * LINE,
       PIECE = 4 /* entries between which the next block is prefetched */ };

static int height_of(enum hap_sparse_kind kind)
{
        return kind == HAP_SPARSE_PRODUCT ? HAP_SPARSE_HEIGHT : HAP_SPARSE_ROWS;
}

/* --- what a group costs --- */

enum { COLUMNS = 64, SIZE = 512, ROUNDS = 5 };

/* Seconds for a full matrix of as many rows as a group has. */
static double time_groups(enum hap_sparse_kind kind, const struct hap_sparse *m, const float *x,
                          float *y, double *sum)
{
        const double start = hap_seconds();

        if (kind == HAP_SPARSE_PRODUCT)
                hap_sparse_product(m, SIZE, x, SIZE, false, y, SIZE);
        else
                hap_sparse_dots(m, SIZE, y, SIZE, x, SIZE, sum, COLUMNS);
        return hap_seconds() - start;
}

/* What a column of a group costs, in elements of single rows. */
static double measure(enum hap_sparse_kind kind)
{
        const int height = height_of(kind);
        float *x = calloc((COLUMNS + HAP_SPARSE_HEIGHT) * SIZE, sizeof *x);
        float weight[HAP_SPARSE_HEIGHT * COLUMNS] = {0};
        double sum[HAP_SPARSE_HEIGHT * COLUMNS] = {0}, best[2] = {1, 1};
        int index[COLUMNS], used[COLUMNS];
        struct hap_sparse_group group[HAP_SPARSE_HEIGHT], whole = {0, height, COLUMNS, index, weight};

        if (!x)
                return height;
        for (int k = 0; k < COLUMNS; k++)
                index[k] = used[k] = k;
        for (int i = 0; i < height; i++)
                group[i] = (struct hap_sparse_group){i, 1, COLUMNS, index, weight};
        for (int round = 0; round < ROUNDS; round++)
                for (int single = 0; single < 2; single++) {
                        const struct hap_sparse m = {single ? height : 1, single ? group : &whole,
                                                     COLUMNS, 0, used, NULL};

                        best[single] = fmin(best[single],
                                            time_groups(kind, &m, x, x + COLUMNS * SIZE, sum));
                }
        free(x);
        return best[0] / best[1] * height;
}

/* The sums do not depend on it. */
static double cost_of_column(enum hap_sparse_kind kind)
{
        static double cost[2];
        double known;

#pragma omp critical(hap_sparse_cost)
        {
                if (cost[kind] == 0)
                        cost[kind] = measure(kind);
                known = cost[kind];
        }
        return known;
}

/* --- the matrix --- */

struct matrix {
        int rows, columns;
        const float *m;
        size_t row_step, column_step;
};

static float element(const struct matrix *m, int i, int k)
{
        return m->m[(size_t)i * m->row_step + (size_t)k * m->column_step];
}

static bool any_in_column(const struct matrix *m, int row, int height, int k)
{
        bool any = false;

        for (int b = 0; b < height; b++)
                any |= element(m, row + b, k) != 0;
        return any;
}

/* The group of these rows, whose index and weight have been set to free memory. */
static void fill_group(const struct matrix *m, struct hap_sparse_group *group)
{
        group->n = 0;
        for (int k = 0; k < m->columns; k++) {
                if (!any_in_column(m, group->row, group->height, k))
                        continue;
                for (int b = 0; b < group->height; b++)
                        group->weight[(size_t)group->n * group->height + b] =
                                element(m, group->row + b, k);
                group->index[group->n++] = k;
        }
}

/* Whether rows row … row + height - 1 are cheaper together. */
static bool together(const struct matrix *m, int row, int height, double cost_of_column)
{
        int elements = 0, columns = 0;

        for (int k = 0; k < m->columns; k++) {
                columns += any_in_column(m, row, height, k);
                for (int b = 0; b < height; b++)
                        elements += element(m, row + b, k) != 0;
        }
        return cost_of_column * columns < elements;
}

static void make_groups(struct hap_sparse *sparse, enum hap_sparse_kind kind, const struct matrix *m,
                        int *index, float *weight)
{
        const int height = height_of(kind);
        const double cost = cost_of_column(kind);
        int grouped = 0; /* the rows before it may not begin a group */

        for (int row = 0; row < m->rows; row = grouped) {
                const bool join = row + height <= m->rows && together(m, row, height, cost);

                grouped = row + height < m->rows ? row + height : m->rows;
                for (int step = join ? height : 1; row < grouped; row += step) {
                        struct hap_sparse_group *group = &sparse->group[sparse->n++];

                        *group = (struct hap_sparse_group){row, step, 0, index, weight};
                        fill_group(m, group);
                        index += group->n;
                        weight += (size_t)group->n * step;
                }
        }
        for (int k = 0; k < m->columns; k++)
                if (any_in_column(m, 0, m->rows, k))
                        sparse->used[sparse->n_used++] = k;
        for (int i = 0; i < sparse->n; i++)
                for (int b = 0; b < sparse->group[i].height && sparse->group[i].n > 0; b++)
                        sparse->filled[sparse->n_filled++] = sparse->group[i].row + b;
}

int hap_sparse_of(struct hap_sparse *sparse, struct hap_scratch *scratch, enum hap_sparse_kind kind,
                  int rows, int columns, const float *m, int ld, bool transpose)
{
        const struct matrix matrix = {transpose ? columns : rows, transpose ? rows : columns, m,
                                      transpose ? 1 : (size_t)ld, transpose ? (size_t)ld : 1};
        const size_t max = (size_t)rows * columns;
        int *index = hap_scratch_alloc(scratch, max, sizeof *index);
        float *weight = hap_scratch_alloc(scratch, max, sizeof *weight);

        *sparse = (struct hap_sparse){0};
        sparse->group = hap_scratch_alloc(scratch, (size_t)matrix.rows, sizeof *sparse->group);
        sparse->used = hap_scratch_alloc(scratch, (size_t)matrix.columns, sizeof *sparse->used);
        sparse->filled = hap_scratch_alloc(scratch, (size_t)matrix.rows, sizeof *sparse->filled);
        if (scratch->error.code == 0 && !scratch->counting)
                make_groups(sparse, kind, &matrix, index, weight);
        return scratch->error.code;
}

/* --- products --- */

/* The columns after the last whole tile. */
static void product_rest(const struct hap_sparse_group *g, size_t n, const float *x, size_t ldx,
                         bool add, float *y, size_t ldy)
{
        for (int b = 0; b < g->height; b++)
                for (size_t c = 0; c < n; c++) {
                        float sum = add ? y[b * ldy + c] : 0;

                        for (int k = 0; k < g->n; k++)
                                sum += g->weight[(size_t)k * g->height + b] *
                                       x[(size_t)g->index[k] * ldx + c];
                        y[b * ldy + c] = sum;
                }
}

/* Some rows of a matrix. */
struct rows {
        const float *at;
        size_t ld;
        const int *index;
        int n;
};

/* What is prefetched: the first `columns` of rows of two matrices, in steps of CHUNK columns. A share
 * of the steps is made before each of a number of pieces of work. */
struct ahead {
        struct rows rows[2];
        size_t columns, c;
        int which, k, share;
};

static struct ahead ahead_of(struct rows x, struct rows y, size_t columns, size_t pieces)
{
        struct ahead a = {.rows = {x, y}, .columns = columns};

        if (pieces > 0)
                a.share = (int)(((size_t)(x.n + y.n) * (columns / CHUNK) + pieces - 1) / pieces);
        return a;
}

static void prefetch(struct ahead *a)
{
        for (int i = 0; i < a->share; i++) {
                const struct rows *rows = &a->rows[a->which];
                const float *at;

                if (a->k == rows->n) {
                        if (a->which == 1)
                                return;
                        rows = &a->rows[a->which = 1];
                        a->k = 0;
                        if (rows->n == 0)
                                return;
                }
                at = rows->at + (size_t)rows->index[a->k] * rows->ld + a->c;
                for (int line = 0; line < CHUNK; line += LINE)
                        __builtin_prefetch(at + line, 0, 2);
                a->c += CHUNK;
                if (a->c + CHUNK > a->columns) {
                        a->c = 0;
                        a->k++;
                }
        }
}

/* The columns of a block that are to be prefetched while the one before `from` is worked on. */
static size_t columns_ahead(size_t size, size_t from, size_t block)
{
        return from >= size ? 0 : size - from < block ? size - from : block;
}

/* A block of n columns. Groups take one row of tiles after another; single rows, of which each
 * reads other columns of x, take one tile after another, whose pieces of x stay in the first-level
 * cache. */
static void product_block(const struct hap_sparse *m, size_t n, const float *x, size_t ldx, bool add,
                          float *y, size_t ldy, struct ahead *ahead)
{
        const struct hap_sparse_kernels *kernels = hap_sparse_kernels();
        const size_t whole = n / HAP_SPARSE_TILE * HAP_SPARSE_TILE;

        for (int i = 0; i < m->n; i++) {
                const struct hap_sparse_group *g = &m->group[i];
                float *to = y + (size_t)g->row * ldy;

                for (size_t c = 0; g->height > 1 && c < whole; c += HAP_SPARSE_TILE) {
                        prefetch(ahead);
                        kernels->product(g, x + c, ldx, add, to + c, ldy);
                }
                if (whole < n)
                        product_rest(g, n - whole, x + whole, ldx, add, to + whole, ldy);
        }
        for (size_t c = 0; c < whole; c += HAP_SPARSE_TILE)
                for (int i = 0; i < m->n; i++) {
                        const struct hap_sparse_group *g = &m->group[i];

                        if (g->height > 1)
                                continue;
                        prefetch(ahead);
                        if (!add || g->n > 0)
                                kernels->product(g, x + c, ldx, add, y + (size_t)g->row * ldy + c, ldy);
                }
}

void hap_sparse_product(const struct hap_sparse *m, size_t size, const float *x, size_t ldx,
                        bool add, float *y, size_t ldy)
{
        for (size_t from = 0; from < size; from += PRODUCT_BLOCK) {
                const size_t next = from + PRODUCT_BLOCK, n = columns_ahead(size, from, PRODUCT_BLOCK);
                struct ahead ahead =
                        ahead_of((struct rows){x + next, ldx, m->used, m->n_used},
                                 (struct rows){y + next, ldy, m->filled, add ? m->n_filled : 0},
                                 columns_ahead(size, next, PRODUCT_BLOCK),
                                 (size_t)m->n * (n / HAP_SPARSE_TILE));

                product_block(m, n, x + from, ldx, add, y + from, ldy, &ahead);
        }
}

/* A group's entries from number k on, at most PIECE of them. */
static struct hap_sparse_group piece_of(const struct hap_sparse_group *group, int k)
{
        struct hap_sparse_group piece = *group;

        piece.index += k;
        piece.n = group->n - k < PIECE ? group->n - k : PIECE;
        return piece;
}

void hap_sparse_dots(const struct hap_sparse *m, size_t size, const float *g, size_t ldg,
                     const float *x, size_t ldx, double *sum, size_t ld_sum)
{
        const struct hap_sparse_kernels *kernels = hap_sparse_kernels();
        size_t pieces = 0;

        for (int i = 0; i < m->n; i++)
                pieces += (size_t)(m->group[i].n + PIECE - 1) / PIECE;
        for (size_t from = 0; from < size; from += DOTS_BLOCK) {
                const size_t next = from + DOTS_BLOCK, n = columns_ahead(size, from, DOTS_BLOCK);
                struct ahead ahead = ahead_of((struct rows){x + next, ldx, m->used, m->n_used},
                                              (struct rows){g + next, ldg, m->filled, m->n_filled},
                                              columns_ahead(size, next, DOTS_BLOCK), pieces);

                for (int i = 0; i < m->n; i++)
                        for (int k = 0; k < m->group[i].n; k += PIECE) {
                                const struct hap_sparse_group piece = piece_of(&m->group[i], k);
                                const size_t row = (size_t)piece.row;

                                prefetch(&ahead);
                                kernels->dots(&piece, n, g + row * ldg + from, ldg, x + from, ldx,
                                              sum + row * ld_sum, ld_sum);
                        }
        }
}
