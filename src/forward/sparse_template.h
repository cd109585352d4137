/* The inner loops of sparse.c. Like a template: sparse_kernels.c includes it once for each kind of
 * vectors, with these macros:
 *
 *      NAME(x)  the name of function x
 *      TARGET   the attribute of a function that may use the vectors, or nothing
 *      LANES    floats in a vector: 4, 8 or 16
 *      WIDTH    vectors of a row that a group's sums have in registers: HEIGHT · WIDTH + WIDTH + 1
 *               are needed
 *
 * Which vectors are used does not change the order of any sum; those with FMA round less. */

#define INLINE TARGET static inline __attribute__((always_inline))

typedef float NAME(vector) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* y[b] (+)= Σ_k weight[k][b] · x[index[k]], b < height, over width · LANES columns. height, width:
 * constants. */
INLINE void NAME(columns)(const int height, const int width, const struct hap_sparse_group *g,
                          const float *x, size_t ldx, bool add, float *y, size_t ldy)
{
        NAME(vector) sum[HAP_SPARSE_HEIGHT][HAP_SPARSE_TILE / LANES];

        for (int b = 0; b < height; b++)
                for (int j = 0; j < width; j++)
                        sum[b][j] = add ? *(const NAME(vector) *)(y + b * ldy + j * LANES)
                                        : (NAME(vector)){0};
        for (int k = 0; k < g->n; k++) {
                const NAME(vector) *from = (const NAME(vector) *)(x + (size_t)g->index[k] * ldx);

                for (int b = 0; b < height; b++) {
                        const float a = g->weight[(size_t)k * height + b];

                        for (int j = 0; j < width; j++)
                                sum[b][j] += a * from[j];
                }
        }
        for (int b = 0; b < height; b++)
                for (int j = 0; j < width; j++)
                        *(NAME(vector) *)(y + b * ldy + j * LANES) = sum[b][j];
}

/* One group, HAP_SPARSE_TILE columns. */
TARGET static void NAME(product)(const struct hap_sparse_group *g, const float *x, size_t ldx,
                                 bool add, float *y, size_t ldy)
{
        if (g->height == 1) {
                NAME(columns)(1, HAP_SPARSE_TILE / LANES, g, x, ldx, add, y, ldy);
                return;
        }
        for (int c = 0; c < HAP_SPARSE_TILE; c += WIDTH * LANES)
                NAME(columns)(HAP_SPARSE_HEIGHT, WIDTH, g, x + c, ldx, add, y + c, ldy);
}

/* lanes[i · columns + k] = the partial sums of ⟨g[i], x[k]⟩ over n columns, a multiple of
 * HAP_SPARSE_LANES. rows, columns: constants. */
INLINE void NAME(lanes)(const int rows, const int columns, size_t n, const float *const *g,
                        const float *const *x, float (*lanes)[HAP_SPARSE_LANES])
{
        enum { VECTORS = HAP_SPARSE_LANES / LANES };
        NAME(vector) part[16][VECTORS];
        const float *a[4], *b[4];

        for (int i = 0; i < rows; i++)
                a[i] = g[i];
        for (int k = 0; k < columns; k++)
                b[k] = x[k];
        for (int p = 0; p < rows * columns; p++)
                for (int j = 0; j < VECTORS; j++)
                        part[p][j] = (NAME(vector)){0};
        for (size_t c = 0; c < n; c += HAP_SPARSE_LANES)
                for (int j = 0; j < VECTORS; j++) {
                        NAME(vector) row[4];

                        for (int i = 0; i < rows; i++)
                                row[i] = *(const NAME(vector) *)(a[i] + c + j * LANES);
                        for (int k = 0; k < columns; k++) {
                                const NAME(vector) v = *(const NAME(vector) *)(b[k] + c + j * LANES);

                                for (int i = 0; i < rows; i++)
                                        part[i * columns + k][j] += row[i] * v;
                        }
                }
        for (int p = 0; p < rows * columns; p++)
                for (int j = 0; j < VECTORS; j++)
                        *(NAME(vector) *)(lanes[p] + j * LANES) = part[p][j];
}

/* Not inlined, so that nothing else takes registers. */
#define DEFINE_LANES(rows, columns)                                                                \
        TARGET static __attribute__((noinline)) void NAME(lanes_##rows##columns)(                  \
                size_t n, const float *const *g, const float *const *x,                            \
                float (*lanes)[HAP_SPARSE_LANES])                                                  \
        {                                                                                          \
                NAME(lanes)(rows, columns, n, g, x, lanes);                                        \
        }
DEFINE_LANES(1, 1)
DEFINE_LANES(1, 4)
DEFINE_LANES(4, 1)
DEFINE_LANES(4, 4)
#undef DEFINE_LANES

/* sum[i][index[k]] += ⟨row i of g, row index[k] of x⟩ for i < rows, k < columns. */
TARGET static void NAME(some)(int rows, int columns, const int *index, size_t n, const float *g,
                              size_t ldg, const float *x, size_t ldx, double *sum, size_t ld_sum)
{
        const size_t whole = n / HAP_SPARSE_LANES * HAP_SPARSE_LANES;
        float lanes[16][HAP_SPARSE_LANES];
        const float *row[4], *column[4];

        for (int i = 0; i < rows; i++)
                row[i] = g + (size_t)i * ldg;
        for (int k = 0; k < columns; k++)
                column[k] = x + (size_t)index[k] * ldx;
        if (rows == 1 && columns == 1)
                NAME(lanes_11)(whole, row, column, lanes);
        else if (rows == 1)
                NAME(lanes_14)(whole, row, column, lanes);
        else if (columns == 1)
                NAME(lanes_41)(whole, row, column, lanes);
        else
                NAME(lanes_44)(whole, row, column, lanes);
        for (int p = 0; p < rows * columns; p++) {
                double total = 0;

                for (size_t j = 0; whole + j < n; j++)
                        lanes[p][j] += row[p / columns][whole + j] * column[p % columns][whole + j];
                for (int j = 0; j < HAP_SPARSE_LANES; j++)
                        total += lanes[p][j];
                sum[(size_t)(p / columns) * ld_sum + index[p % columns]] += (double)(float)total;
        }
}

/* One group: see hap_sparse_dots. */
TARGET static void NAME(dots)(const struct hap_sparse_group *group, size_t n, const float *g,
                              size_t ldg, const float *x, size_t ldx, double *sum, size_t ld_sum)
{
        const int *index = group->index;
        int k = 0;

        if (group->height == 1) {
                for (; k + 4 <= group->n; k += 4)
                        NAME(some)(1, 4, index + k, n, g, ldg, x, ldx, sum, ld_sum);
                for (; k < group->n; k++)
                        NAME(some)(1, 1, index + k, n, g, ldg, x, ldx, sum, ld_sum);
                return;
        }
        for (; LANES == HAP_SPARSE_LANES && k + 4 <= group->n; k += 4)
                NAME(some)(4, 4, index + k, n, g, ldg, x, ldx, sum, ld_sum);
        for (; k < group->n; k++)
                NAME(some)(4, 1, index + k, n, g, ldg, x, ldx, sum, ld_sum);
}

#undef INLINE
#undef NAME
#undef TARGET
#undef LANES
#undef WIDTH
