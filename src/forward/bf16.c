#include "forward/bf16.h"

#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "common/tensor.h"
#include "forward/blas.h"
#include "forward/onednn.h"
#include "model/kept.h"

#ifdef HAP_ONEDNN

/* Kernels are made for these numbers of rows; a product is divided into such pieces. */
static const int heights[] = {16, 32, 64, 128};
enum { HEIGHTS = sizeof heights / sizeof *heights }; /* the last is HAP_BF16_ROWS */

/* The blocks that a matrix of weights is packed in. */
struct blocks {
        int rows, columns;
};

static struct blocks blocks_of(const struct hap_model *model, const struct hap_layer *layer,
                               const struct hap_matrix *matrix)
{
        if (layer && (matrix == &layer->q.weight || matrix == &layer->k.weight ||
                      matrix == &layer->v.weight))
                return (struct blocks){model->config.d_head, matrix->columns};
        if (layer && matrix == &layer->o.weight)
                return (struct blocks){matrix->rows, model->config.d_head};
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): never NULL */
        return (struct blocks){matrix->rows, matrix->columns};
}

/* The matrices of a layer; those that the model does not have are without data. */
enum { PER_LAYER = 7 };

static const struct hap_matrix *layer_matrix(const struct hap_layer *layer, int i)
{
        const struct hap_matrix *all[PER_LAYER] = {
                &layer->q.weight, &layer->k.weight,  &layer->v.weight, &layer->o.weight,
                &layer->gate.weight, &layer->in.weight, &layer->out.weight};

        return all[i];
}

/* The kernels for y[rows][n] = x[rows][k] · W[k][n] (+ y). */
struct kernel {
        int k, n;
        dnnl_memory_desc_t weights; /* their layout */
        dnnl_memory_desc_t x[HEIGHTS], y[HEIGHTS], scratchpad[HEIGHTS][2];
        dnnl_primitive_t run[HEIGHTS][2]; /* [1] adds to y */
};

enum direction { FORWARD, BACKWARD };

/* A matrix of weights, packed for both directions. */
struct pack {
        const struct hap_matrix *matrix;
        struct blocks size;
        int n_rows, n_columns;     /* blocks */
        void *data[2];             /* of all blocks */
        dnnl_memory_t *weights[2]; /* [n_rows][n_columns] */
        int kernel[2];
};

struct hap_bf16 {
        const struct hap_onednn *dnnl;
        dnnl_engine_t engine;
        dnnl_stream_t stream; /* products take no time on it: they are done when they return */
        struct pack *packs;   /* [n_packs], by the addresses of their matrices */
        int n_packs;
        struct kernel *kernels; /* [n_kernels] */
        int n_kernels;
};

/* --- kernels --- */

static bool make_kernel(const struct hap_bf16 *b, struct kernel *kernel, int height, bool add)
{
        const struct hap_onednn *dnnl = b->dnnl;
        dnnl_memory_desc_t *x = &kernel->x[height], *y = &kernel->y[height];
        dnnl_post_ops_t sum = NULL;
        dnnl_primitive_attr_t attributes = NULL;
        dnnl_primitive_desc_t description = NULL;
        dnnl_matmul_desc_t product;
        bool good = dnnl->primitive_attr_create(&attributes) == dnnl_success &&
                    dnnl->post_ops_create(&sum) == dnnl_success &&
                    dnnl->primitive_attr_set_scratchpad_mode(
                            attributes, dnnl_scratchpad_mode_user) == dnnl_success &&
                    dnnl->memory_desc_init_by_tag(x, 2, (dnnl_dims_t){heights[height], kernel->k},
                                                  dnnl_bf16, dnnl_ab) == dnnl_success &&
                    dnnl->memory_desc_init_by_tag(y, 2, (dnnl_dims_t){heights[height], kernel->n},
                                                  dnnl_f32, dnnl_ab) == dnnl_success;

        if (good && add)
                good = dnnl->post_ops_append_sum(sum, 1) == dnnl_success &&
                       dnnl->primitive_attr_set_post_ops(attributes, sum) == dnnl_success;
        good = good &&
               dnnl->matmul_desc_init(&product, x, &kernel->weights, NULL, y) == dnnl_success &&
               dnnl->primitive_desc_create(&description, &product, attributes, b->engine, NULL) ==
                       dnnl_success &&
               dnnl->primitive_create(&kernel->run[height][add], description) == dnnl_success;
        if (good) {
                kernel->weights =
                        *dnnl->primitive_desc_query_md(description, dnnl_query_weights_md, 0);
                kernel->scratchpad[height][add] =
                        *dnnl->primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
        }
        dnnl->primitive_desc_destroy(description);
        dnnl->primitive_attr_destroy(attributes);
        dnnl->post_ops_destroy(sum);
        return good;
}

/* The number of the kernel for these sizes, which is made if there is none; −1: none can be. */
static int kernel_for(struct hap_bf16 *b, int k, int n)
{
        struct kernel *kernel;
        bool good;

        for (int i = 0; i < b->n_kernels; i++)
                if (b->kernels[i].k == k && b->kernels[i].n == n)
                        return i;
        kernel = &b->kernels[b->n_kernels++];
        *kernel = (struct kernel){.k = k, .n = n};
        good = b->dnnl->memory_desc_init_by_tag(&kernel->weights, 2, (dnnl_dims_t){k, n}, dnnl_bf16,
                                                dnnl_format_tag_any) == dnnl_success;
        for (int height = HEIGHTS - 1; height >= 0; height--) /* the first one chooses the layout */
                for (int add = 0; add < 2; add++)
                        good = good && make_kernel(b, kernel, height, add);
        return good ? b->n_kernels - 1 : -1;
}

/* --- packing --- */

/* Reorders a block of BF16 values, [rows][columns], to the kernel's layout at `to`. */
static bool pack_block(const struct hap_bf16 *b, const struct kernel *kernel,
                       enum direction direction, uint16_t *values, dnnl_memory_t to)
{
        const struct hap_onednn *dnnl = b->dnnl;
        const int columns = direction == FORWARD ? kernel->k : kernel->n;
        const dnnl_dims_t strides = {direction == FORWARD ? 1 : columns,
                                     direction == FORWARD ? columns : 1};
        dnnl_memory_desc_t plain;
        dnnl_memory_t from = NULL;
        dnnl_primitive_desc_t description = NULL;
        dnnl_primitive_t reorder = NULL;
        bool good = dnnl->memory_desc_init_by_strides(&plain, 2,
                                                      (dnnl_dims_t){kernel->k, kernel->n},
                                                      dnnl_bf16, strides) == dnnl_success &&
                    dnnl->memory_create(&from, &plain, b->engine, values) == dnnl_success &&
                    dnnl->reorder_primitive_desc_create(&description, &plain, b->engine,
                                                        &kernel->weights, b->engine, NULL) ==
                            dnnl_success &&
                    dnnl->primitive_create(&reorder, description) == dnnl_success &&
                    dnnl->primitive_execute(reorder, b->stream, 2,
                                            (dnnl_exec_arg_t[]){{DNNL_ARG_FROM, from},
                                                                {DNNL_ARG_TO, to}}) == dnnl_success;

        dnnl->primitive_destroy(reorder);
        dnnl->primitive_desc_destroy(description);
        dnnl->memory_destroy(from);
        return good;
}

static size_t block_bytes(const struct hap_bf16 *b, const struct pack *pack, int direction)
{
        const dnnl_memory_desc_t *layout = &b->kernels[pack->kernel[direction]].weights;

        return (b->dnnl->memory_desc_get_size(layout) + 63) & ~(size_t)63;
}

/* Columns of a matrix that are read to have the block's, whose first one is `column`. */
static int read_columns(const struct pack *pack, int column, int *first)
{
        const int align = hap_matrix_align(pack->matrix);

        *first = column / align * align;
        return (column + pack->size.columns - *first + align - 1) / align * align;
}

/* The block's values in BF16, [rows][columns]. f32: a buffer for a row of it. */
static void round_block(const struct pack *pack, int row, int column, float *f32,
                        uint16_t *values)
{
        const struct hap_matrix *matrix = pack->matrix;
        const int from = column * pack->size.columns;
        int first, width = read_columns(pack, from, &first);

        for (int i = 0; i < pack->size.rows; i++) {
                const int r = row * pack->size.rows + i;
                const float *at = matrix->data ? matrix->data + (size_t)r * matrix->columns + from
                                               : f32 + (from - first);

                if (!matrix->data)
                        hap_matrix_read(matrix, r, 1, first, width, f32);
                hap_halves_of(HAP_BF16, at, (size_t)pack->size.columns,
                              values + (size_t)i * pack->size.columns);
        }
}

static bool fill_pack(const struct hap_bf16 *b, struct pack *pack)
{
        const size_t size = (size_t)pack->size.rows * pack->size.columns;
        uint16_t *values = aligned_alloc(64, (size * sizeof *values + 63) & ~(size_t)63);
        float *f32 = calloc((size_t)pack->size.columns + 2 * (size_t)hap_matrix_align(pack->matrix),
                            sizeof *f32);
        bool good = values != NULL && f32 != NULL;

        for (int i = 0; i < pack->n_rows * pack->n_columns && good; i++) {
                round_block(pack, i / pack->n_columns, i % pack->n_columns, f32, values);
                for (int direction = 0; direction < 2 && good; direction++) {
                        const struct kernel *kernel = &b->kernels[pack->kernel[direction]];
                        char *at = (char *)pack->data[direction] +
                                   (size_t)i * block_bytes(b, pack, direction);
                        dnnl_memory_t *to = &pack->weights[direction][i];

                        good = b->dnnl->memory_create(to, &kernel->weights, b->engine, at) ==
                                       dnnl_success &&
                               pack_block(b, kernel, direction, values, *to);
                }
        }
        free(values);
        free(f32);
        return good;
}

/* Makes the kernels and the memory of a matrix's pack, if this process has the matrix. */
static bool add_pack(struct hap_bf16 *b, const struct hap_model *model,
                     const struct hap_layer *layer, const struct hap_matrix *matrix)
{
        const struct blocks size = blocks_of(model, layer, matrix);
        struct pack *pack = &b->packs[b->n_packs];
        bool good = true;

        if (!hap_matrix_exists(matrix))
                return true;
        b->n_packs++;
        *pack = (struct pack){.matrix = matrix, .size = size,
                              .n_rows = matrix->rows / size.rows,
                              .n_columns = matrix->columns / size.columns};
        for (int direction = 0; direction < 2 && good; direction++) {
                const bool forward = direction == FORWARD;
                const size_t n = (size_t)pack->n_rows * (size_t)pack->n_columns;

                pack->kernel[direction] = kernel_for(b, forward ? size.columns : size.rows,
                                                     forward ? size.rows : size.columns);
                if (pack->kernel[direction] < 0)
                        return false;
                pack->data[direction] = aligned_alloc(64, n * block_bytes(b, pack, direction));
                pack->weights[direction] = calloc(n, sizeof *pack->weights[direction]);
                good = pack->data[direction] && pack->weights[direction];
        }
        return good;
}

static int by_matrix(const void *a, const void *b)
{
        const struct pack *x = a, *y = b;

        return ((uintptr_t)x->matrix > (uintptr_t)y->matrix) -
               ((uintptr_t)x->matrix < (uintptr_t)y->matrix);
}

static bool make_packs(struct hap_bf16 *b, const struct hap_model *model, int threads)
{
        const int n = 1 + PER_LAYER * model->config.n_layers;
        bool good;

        b->packs = calloc((size_t)n, sizeof *b->packs);
        b->kernels = calloc(2 * (size_t)n, sizeof *b->kernels);
        good = b->packs && b->kernels && add_pack(b, model, NULL, &model->unembedding);
        for (int i = 0; i + 1 < n && good; i++)
                good = add_pack(b, model, &model->layers[i / PER_LAYER],
                                layer_matrix(&model->layers[i / PER_LAYER], i % PER_LAYER));
        if (!good)
                return false;
        qsort(b->packs, (size_t)b->n_packs, sizeof *b->packs, by_matrix);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) reduction(&& : good)
        for (int i = 0; i < b->n_packs; i++) {
                omp_set_num_threads(1);
                good = good && fill_pack(b, &b->packs[i]);
        }
        return good;
}

int hap_bf16_new(struct hap_bf16 **bf16, const struct hap_model *model, struct hap_error *err)
{
        const int threads = omp_get_max_threads();
        const char *missing = hap_bf16_missing();
        struct hap_bf16 *b = calloc(1, sizeof *b);
        bool good;

        *bf16 = NULL;
        if (!b)
                return hap_fail_memory(err, "weights in BF16");
        if (missing) {
                free(b);
                return hap_fail(err, HAP_EUSAGE, "no products in BF16: %s; use --precision f32",
                                missing);
        }
        b->dnnl = hap_onednn();
        omp_set_num_threads(1); /* kernels are made for one thread; the threads are the engine's */
        good = b->dnnl->engine_create(&b->engine, dnnl_cpu, 0) == dnnl_success &&
               b->dnnl->stream_create(&b->stream, b->engine, dnnl_stream_default_flags) ==
                       dnnl_success;
        good = good && make_packs(b, model, threads);
        omp_set_num_threads(threads);
        if (!good) {
                hap_bf16_free(b);
                return hap_fail_memory(err, "weights in BF16");
        }
        *bf16 = b;
        return HAP_OK;
}

void hap_bf16_free(struct hap_bf16 *b)
{
        if (!b)
                return;
        for (int p = 0; p < b->n_packs; p++)
                for (int direction = 0; direction < 2; direction++) {
                        struct pack *pack = &b->packs[p];

                        for (int i = 0; pack->weights[direction] &&
                                        i < pack->n_rows * pack->n_columns; i++)
                                b->dnnl->memory_destroy(pack->weights[direction][i]);
                        free(pack->weights[direction]);
                        free(pack->data[direction]);
                }
        for (int i = 0; i < b->n_kernels; i++)
                for (int height = 0; height < HEIGHTS; height++)
                        for (int add = 0; add < 2; add++)
                                b->dnnl->primitive_destroy(b->kernels[i].run[height][add]);
        if (b->stream)
                b->dnnl->stream_destroy(b->stream);
        if (b->engine)
                b->dnnl->engine_destroy(b->engine);
        free(b->packs);
        free(b->kernels);
        free(b);
}

/* --- products --- */

static const struct pack *pack_of(const struct hap_bf16 *b, const struct hap_matrix *matrix)
{
        const struct pack key = {.matrix = matrix};

        return bsearch(&key, b->packs, (size_t)b->n_packs, sizeof key, by_matrix);
}

/* y = x · W (+ y) with one block of weights; x is [height][k] in BF16, y [height][n]. */
static bool multiply(const struct hap_bf16 *b, struct hap_scratch *scratch,
                     const struct kernel *kernel, int height, bool add, uint16_t *x,
                     dnnl_memory_t weights, float *y)
{
        const struct hap_onednn *dnnl = b->dnnl;
        const dnnl_memory_desc_t *scratchpad = &kernel->scratchpad[height][add];
        const size_t mark = scratch->used;
        dnnl_memory_t of_x = NULL, of_y = NULL, of_scratchpad = NULL;
        void *space = hap_scratch_alloc(scratch, dnnl->memory_desc_get_size(scratchpad) + 64, 1);
        bool good = space &&
                    dnnl->memory_create(&of_x, &kernel->x[height], b->engine, x) == dnnl_success &&
                    dnnl->memory_create(&of_y, &kernel->y[height], b->engine, y) == dnnl_success &&
                    dnnl->memory_create(&of_scratchpad, scratchpad, b->engine, space) ==
                            dnnl_success &&
                    dnnl->primitive_execute(
                            kernel->run[height][add], b->stream, 4,
                            (dnnl_exec_arg_t[]){{DNNL_ARG_SRC, of_x},
                                                {DNNL_ARG_WEIGHTS, weights},
                                                {DNNL_ARG_DST, of_y},
                                                {DNNL_ARG_SCRATCHPAD, of_scratchpad}}) ==
                            dnnl_success;

        dnnl->memory_destroy(of_x);
        dnnl->memory_destroy(of_y);
        dnnl->memory_destroy(of_scratchpad);
        scratch->used = mark;
        return good;
}

/* The same for y with the leading dimension ldy, of which the first `rows` are wanted. */
static bool multiply_into(const struct hap_bf16 *b, struct hap_scratch *scratch,
                          const struct kernel *kernel, int height, int rows, bool add, uint16_t *x,
                          dnnl_memory_t weights, float *y, int ldy)
{
        const size_t n = (size_t)kernel->n, mark = scratch->used;
        float *t;
        bool good;

        if (ldy == kernel->n && rows == heights[height])
                return multiply(b, scratch, kernel, height, add, x, weights, y);
        t = hap_scratch_alloc(scratch, (size_t)heights[height] * n, sizeof *t);
        good = t && multiply(b, scratch, kernel, height, false, x, weights, t);
        for (int i = 0; i < rows && good; i++)
                if (add)
                        hap_add(n, t + (size_t)i * n, y + (size_t)i * ldy);
                else
                        memcpy(y + (size_t)i * ldy, t + (size_t)i * n, n * sizeof *t);
        scratch->used = mark;
        return good;
}

/* The largest height that the rows fill, or the smallest one. */
static int height_of(int rows)
{
        int height = HEIGHTS - 1;

        while (height > 0 && heights[height] > rows)
                height--;
        return height;
}

/* Some rows of a product: [at, at + rows) of x and y. The blocks along k are added up. */
static bool multiply_rows(const struct hap_bf16 *b, struct hap_scratch *scratch,
                          const struct hap_block *w, enum direction direction, int height, int rows,
                          const float *x, int ldx, bool add, float *y, int ldy)
{
        const struct pack *pack = pack_of(b, w->matrix);
        const struct kernel *kernel = &b->kernels[pack->kernel[direction]];
        const int row = w->row / pack->size.rows, n_rows = w->rows / pack->size.rows;
        const int column = w->column / pack->size.columns;
        const int n_columns = w->columns / pack->size.columns;
        const int along_k = direction == FORWARD ? n_columns : n_rows;
        const int along_n = direction == FORWARD ? n_rows : n_columns;
        const size_t k = (size_t)kernel->k, mark = scratch->used;
        uint16_t *rounded = hap_scratch_alloc(scratch, (size_t)heights[height] * k, sizeof *rounded);
        bool good = rounded != NULL;

        for (int i = 0; i < along_k && good; i++) {
                for (int r = 0; r < rows; r++)
                        hap_halves_of(HAP_BF16, x + (size_t)r * ldx + (size_t)i * k, k,
                                      rounded + (size_t)r * k);
                memset(rounded + (size_t)rows * k, 0,
                       (size_t)(heights[height] - rows) * k * sizeof *rounded);
                for (int j = 0; j < along_n && good; j++) {
                        const int block = direction == FORWARD
                                                  ? (row + j) * pack->n_columns + column + i
                                                  : (row + i) * pack->n_columns + column + j;

                        good = multiply_into(b, scratch, kernel, height, rows, add || i > 0, rounded,
                                             pack->weights[direction][block],
                                             y + (size_t)j * kernel->n, ldy);
                }
        }
        scratch->used = mark;
        return good;
}

void hap_bf16_product(const struct hap_bf16 *b, struct hap_scratch *scratch,
                      const struct hap_block *w, bool backward, int m, const float *x, int ldx,
                      float beta, float *y, int ldy)
{
        const int threads = omp_get_max_threads();
        bool good = true;
        int height, rows;

        omp_set_num_threads(1);
        for (int at = 0; at < m && good; at += rows) {
                height = height_of(m - at);
                rows = m - at < heights[height] ? m - at : heights[height];
                good = multiply_rows(b, scratch, w, backward ? BACKWARD : FORWARD, height, rows,
                                     x + (size_t)at * ldx, ldx, beta != 0, y + (size_t)at * ldy,
                                     ldy);
        }
        omp_set_num_threads(threads);
        if (!good && scratch->error.code == 0)
                hap_fail_memory(&scratch->error, "a product in BF16");
}

#else

int hap_bf16_new(struct hap_bf16 **bf16, const struct hap_model *model, struct hap_error *err)
{
        (void)model;
        *bf16 = NULL;
        return hap_fail(err, HAP_EUSAGE, "no products in BF16: %s; use --precision f32",
                        hap_bf16_missing());
}

void hap_bf16_free(struct hap_bf16 *bf16)
{
        (void)bf16;
}

void hap_bf16_product(const struct hap_bf16 *bf16, struct hap_scratch *scratch,
                      const struct hap_block *w, bool backward, int m, const float *x, int ldx,
                      float beta, float *y, int ldy)
{
        (void)bf16, (void)scratch, (void)w, (void)backward, (void)m;
        (void)x, (void)ldx, (void)beta, (void)y, (void)ldy;
}

#endif
