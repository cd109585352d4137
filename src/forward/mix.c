#include "forward/mix.h"

#include <string.h>

/* One GEMM multiplies about ten times faster per edge than one pass over two
 * vectors does, so the dense way pays where at least one edge in ten is open. */
#define DENSE_SHARE 10

/* Prompts from `at` on that share one mask: one GEMM serves their rows. */
static int shared(const struct hap_mix *mix, int at)
{
        int end = at + 1;

        while (end < mix->batch->n && mix->z[end] == mix->z[at])
                end++;
        return end;
}

/* The edge from slot s's writer; `writer` lists the writers of slots. */
static size_t edge(const struct hap_work *work, const struct hap_mix *mix, int i, int writer)
{
        return hap_graph_edge(&work->engine->graph, writer, mix->reader[i]);
}

static const int *slot_writers(struct hap_work *work, const struct hap_mix *mix)
{
        const int n = work->engine->graph.n_writers;
        int *writer = hap_work_take(work, (size_t)n, sizeof(*writer));

        for (int w = 0; writer != NULL && w < n; w++)
                if (mix->plan->slot[w] >= 0)
                        writer[mix->plan->slot[w]] = w;
        return writer;
}

static int in_prefix(const struct hap_work *work, const struct hap_mix *mix, int i, int writer)
{
        return writer < hap_graph_in(&work->engine->graph, mix->reader[i]);
}

/* m[i][1 + s] with m[i][0] = 1. */
static void gather_masks(const struct hap_work *work, const struct hap_mix *mix,
                         const int *writer, const float *z, float *m)
{
        for (int i = 0; i < mix->n; i++) {
                float *row = m + (size_t)i * (1 + mix->slots);

                row[0] = 1;
                for (int s = 0; s < mix->slots; s++)
                        row[1 + s] = in_prefix(work, mix, i, writer[s])
                                             ? z[edge(work, mix, i, writer[s])] : 0;
        }
}

static size_t count(const struct hap_work *work, const struct hap_mix *mix, const int *writer,
                    const void *flags)
{
        const uint8_t *set = flags;
        size_t n = 0;

        for (int i = 0; set != NULL && i < mix->n; i++)
                for (int s = 0; s < mix->slots; s++)
                        if (in_prefix(work, mix, i, writer[s]))
                                n += set[edge(work, mix, i, writer[s])] != 0;
        return n;
}

static bool dense(const struct hap_mix *mix, size_t edges)
{
        return edges * DENSE_SHARE >= (size_t)mix->n * (size_t)mix->slots;
}

/* Vectors are worked on in pieces that stay in the cache across readers. */
#define PIECE 4096

/* y[i] += m[i][s] x[s] for non-zero m, over `size` columns. */
static void sparse_product(int n, int slots, size_t size, const float *m, int ldm, bool transpose,
                           const float *x, size_t ldx, float *y, size_t ldy)
{
        for (size_t from = 0; from < size; from += PIECE) {
                const size_t piece = size - from < PIECE ? size - from : PIECE;

                for (int i = 0; i < n; i++)
                        for (int s = 0; s < slots; s++) {
                                const float a = m[(size_t)i * ldm + s];
                                const size_t in = transpose ? (size_t)i : (size_t)s;
                                const size_t out = transpose ? (size_t)s : (size_t)i;

                                if (a != 0)
                                        hap_axpy(piece, a, x + in * ldx + from, y + out * ldy + from);
                        }
        }
}

int hap_mix_forward(struct hap_work *work, const struct hap_mix *mix, float *x)
{
        const size_t d = (size_t)work->engine->model->config.d_model;
        const size_t ld = (size_t)mix->rows->n * d, mark = work->used;
        const int k = 1 + mix->slots;
        const int *writer = slot_writers(work, mix);
        float *m = hap_work_take(work, (size_t)mix->n * k, sizeof(*m));

        if (writer == NULL || m == NULL)
                return work->error.code;
        for (int at = 0, end; at < mix->batch->n; at = end) {
                end = shared(mix, at);
                const size_t from = (size_t)mix->rows->start[at] * d;
                const size_t size = (size_t)mix->rows->start[end] * d - from;

                gather_masks(work, mix, writer, mix->z[at], m);
                if (dense(mix, count(work, mix, writer, mix->plan->open))) {
                        hap_gemm(false, false, mix->n, (int)size, k, 1, m, k,
                                 mix->stream + from, (int)ld, 0, x + from, (int)ld);
                        continue;
                }
                for (int i = 0; i < mix->n; i++)
                        memcpy(x + (size_t)i * ld + from, mix->stream + from, size * sizeof(*x));
                sparse_product(mix->n, mix->slots, size, m + 1, k, false,
                               mix->stream + ld + from, ld, x + from, ld);
        }
        work->used = mark;
        return HAP_OK;
}

/* d_z of the wanted edges into the readers of the mix. */
static int edge_gradients(struct hap_work *work, const struct hap_mix *mix, const int *writer,
                          const float *g, float *d_z)
{
        const size_t d = (size_t)work->engine->model->config.d_model;
        const size_t ld = (size_t)mix->rows->n * d;
        const bool *wanted = mix->plan->wanted;
        const bool all = dense(mix, count(work, mix, writer, wanted));
        float *product = NULL;

        if (wanted == NULL || mix->slots == 0)
                return HAP_OK;
        if (all) {
                product = hap_work_take(work, (size_t)mix->n * mix->slots, sizeof(*product));
                if (product == NULL)
                        return work->error.code;
                hap_gemm(false, true, mix->n, mix->slots, (int)ld, 1, g, (int)ld,
                         mix->stream + ld, (int)ld, 0, product, mix->slots);
        }
        for (int i = 0; i < mix->n; i++)
                for (int s = 0; s < mix->slots; s++) {
                        if (!in_prefix(work, mix, i, writer[s]))
                                continue;
                        const size_t e = edge(work, mix, i, writer[s]);

                        if (wanted[e])
                                d_z[e] += all ? product[(size_t)i * mix->slots + s]
                                              : hap_dot(ld, g + (size_t)i * ld,
                                                    mix->stream + (size_t)(1 + s) * ld);
                }
        return HAP_OK;
}

int hap_mix_backward(struct hap_work *work, const struct hap_mix *mix, const float *g,
                     float *d_z, float *d_delta)
{
        const size_t d = (size_t)work->engine->model->config.d_model;
        const size_t ld = (size_t)mix->rows->n * d, mark = work->used;
        const int k = 1 + mix->slots;
        const int *writer = slot_writers(work, mix);
        float *m = hap_work_take(work, (size_t)mix->n * k, sizeof(*m));
        int rc;

        if (writer == NULL || m == NULL)
                return work->error.code;
        rc = edge_gradients(work, mix, writer, g, d_z);
        for (int at = 0, end; rc == 0 && mix->slots > 0 && at < mix->batch->n; at = end) {
                end = shared(mix, at);
                const size_t from = (size_t)mix->rows->start[at] * d;
                const size_t size = (size_t)mix->rows->start[end] * d - from;

                gather_masks(work, mix, writer, mix->z[at], m);
                if (dense(mix, count(work, mix, writer, mix->plan->open)))
                        hap_gemm(true, false, mix->slots, (int)size, mix->n, 1, m + 1, k,
                                 g + from, (int)ld, 1, d_delta + from, (int)ld);
                else
                        sparse_product(mix->n, mix->slots, size, m + 1, k, true,
                                       g + from, ld, d_delta + from, ld);
        }
        work->used = mark;
        return rc;
}
