#include "forward/mix.h"

#include <string.h>

#include "forward/blas.h"
#include "forward/span.h"
#include "forward/sparse.h"

/* The sparse kernels do about half as many edges a second as one GEMM does: one GEMM
 * is faster when at least this share of the edges is open (measured by
 * bench/engine). */
#define DENSE_SHARE 0.5

/* Rows that share one mask: one GEMM serves them. */
static bool next_span(const struct hap_scratch *scratch, const struct hap_mix *mix,
                      struct hap_span *span)
{
        return hap_span_next(&scratch->engine->graph, mix->batch, mix->rows, mix->z, span);
}

/* The edge from slot s's writer, at position 0; `writer` lists the writers of slots. */
static size_t edge(const struct hap_scratch *scratch, const struct hap_mix *mix, int i, int writer)
{
        return hap_graph_edge(&scratch->engine->graph, writer, mix->reader[i]);
}

static const int *slot_writers(struct hap_scratch *scratch, const struct hap_mix *mix)
{
        const int n = scratch->engine->graph.n_writers;
        int *writer = hap_scratch_alloc(scratch, (size_t)n, sizeof(*writer));

        for (int w = 0; writer != NULL && w < n; w++)
                if (mix->plan->slot[w] >= 0)
                        writer[mix->plan->slot[w]] = w;
        return writer;
}

static int in_prefix(const struct hap_scratch *scratch, const struct hap_mix *mix, int i, int writer)
{
        return writer < hap_graph_in(&scratch->engine->graph, mix->reader[i]);
}

/* m[i][1 + s] with m[i][0] = 1. */
static void gather_masks(const struct hap_scratch *scratch, const struct hap_mix *mix,
                         const int *writer, const float *z, float *m)
{
        for (int i = 0; i < mix->n; i++) {
                float *row = m + (size_t)i * (1 + mix->slots);

                row[0] = 1;
                for (int s = 0; s < mix->slots; s++)
                        row[1 + s] = in_prefix(scratch, mix, i, writer[s])
                                             ? z[edge(scratch, mix, i, writer[s])] : 0;
        }
}

/* The number of the readers' edges at one position that have a flag; [edges_per_position] of bytes. */
static size_t count(const struct hap_scratch *scratch, const struct hap_mix *mix, const int *writer,
                    const void *flags)
{
        const uint8_t *set = flags;
        size_t n = 0;

        for (int i = 0; i < mix->n; i++)
                for (int s = 0; s < mix->slots; s++)
                        if (in_prefix(scratch, mix, i, writer[s]))
                                n += set[edge(scratch, mix, i, writer[s])] != 0;
        return n;
}

static bool dense(const struct hap_mix *mix, size_t edges)
{
        return (double)edges >= DENSE_SHARE * mix->n * mix->slots;
}

int hap_mix_forward(struct hap_scratch *scratch, const struct hap_mix *mix, float *x)
{
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const size_t ld = (size_t)mix->rows->n * d, mark = scratch->used;
        const int k = 1 + mix->slots;
        const int *writer = slot_writers(scratch, mix);
        float *m = hap_scratch_alloc(scratch, (size_t)mix->n * k, sizeof(*m));
        const size_t ready = scratch->used;
        struct hap_span span = {0};
        struct hap_sparse sparse;
        bool open; /* enough open edges for a GEMM */

        if (writer == NULL || m == NULL)
                return scratch->error.code;
        open = dense(mix, count(scratch, mix, writer, mix->plan->open));
        while (next_span(scratch, mix, &span)) {
                const size_t from = (size_t)span.begin * d;
                const size_t size = (size_t)span.end * d - from;

                gather_masks(scratch, mix, writer, span.z, m);
                if (open) {
                        if (scratch->counting)
                                continue;
                        hap_gemm(false, false, mix->n, (int)size, k, 1, m, k,
                                 mix->stream + from, (int)ld, 0, x + from, (int)ld);
                        continue;
                }
                if (hap_sparse_of(&sparse, scratch, mix->n, k, m, k, false) < 0)
                        return scratch->error.code;
                if (!scratch->counting)
                        hap_sparse_product(&sparse, size, mix->stream + from, ld, false, x + from,
                                           ld);
                scratch->used = ready;
        }
        scratch->used = mark;
        return HAP_OK;
}

/* d_z of all edges into the readers of the mix by one GEMM, of which the wanted
 * ones are taken. */
static int dense_gradients(struct hap_scratch *scratch, const struct hap_mix *mix, const int *writer,
                           const struct hap_span *span, const float *g, float *d_z)
{
        const int d = scratch->engine->model->config.d_model, ld = mix->rows->n * d;
        const size_t from = (size_t)span->begin * (size_t)d;
        const size_t edges = (size_t)span->position * scratch->engine->graph.edges_per_position;
        const bool *wanted = mix->plan->wanted + edges;
        float *product = hap_scratch_alloc(scratch, (size_t)mix->n * mix->slots, sizeof(*product));

        if (product == NULL || scratch->counting)
                return scratch->error.code;
        hap_gemm(false, true, mix->n, mix->slots, (span->end - span->begin) * d, 1, g + from, ld,
                 mix->stream + ld + from, ld, 0, product, mix->slots);
        for (int i = 0; i < mix->n; i++)
                for (int s = 0; s < mix->slots; s++)
                        if (in_prefix(scratch, mix, i, writer[s]) &&
                            wanted[edge(scratch, mix, i, writer[s])])
                                d_z[edges + edge(scratch, mix, i, writer[s])] +=
                                        product[(size_t)i * mix->slots + s];
        return HAP_OK;
}

/* The wanted edges, n at the span's position, one by one. */
static int sparse_gradients(struct hap_scratch *scratch, const struct hap_mix *mix, const int *writer,
                            const struct hap_span *span, size_t n, const float *g, float *d_z)
{
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const size_t ld = (size_t)mix->rows->n * d, from = (size_t)span->begin * d;
        const size_t first = (size_t)span->position * scratch->engine->graph.edges_per_position;
        const bool *wanted = mix->plan->wanted + first;
        double *sum = hap_scratch_alloc(scratch, n, sizeof(*sum));
        size_t *edges = hap_scratch_alloc(scratch, n, sizeof(*edges));
        struct hap_sparse sparse = {.n = mix->n};

        sparse.start = hap_scratch_alloc(scratch, (size_t)mix->n + 1, sizeof(*sparse.start));
        sparse.index = hap_scratch_alloc(scratch, n, sizeof(*sparse.index));
        if (scratch->error.code < 0 || scratch->counting)
                return scratch->error.code;
        n = 0;
        for (int i = 0; i < mix->n; i++) {
                sparse.start[i] = (int)n;
                for (int s = 0; s < mix->slots; s++) {
                        if (!in_prefix(scratch, mix, i, writer[s]) ||
                            !wanted[edge(scratch, mix, i, writer[s])])
                                continue;
                        sparse.index[n] = s;
                        sum[n] = 0;
                        edges[n++] = first + edge(scratch, mix, i, writer[s]);
                }
        }
        sparse.start[mix->n] = (int)n;
        hap_sparse_dots(&sparse, (size_t)span->end * d - from, g + from, ld,
                        mix->stream + ld + from, ld, sum);
        for (size_t e = 0; e < n; e++)
                d_z[edges[e]] += (float)sum[e];
        return HAP_OK;
}

static int edge_gradients(struct hap_scratch *scratch, const struct hap_mix *mix, const int *writer,
                          const float *g, float *d_z)
{
        const struct hap_graph *graph = &scratch->engine->graph;
        const size_t mark = scratch->used;
        struct hap_span span = {0};
        int rc = HAP_OK;

        if (mix->plan->wanted == NULL)
                return HAP_OK;
        while (rc == 0 && hap_span_next(graph, mix->batch, mix->rows, NULL, &span)) {
                const size_t n = count(scratch, mix, writer, mix->plan->wanted +
                                       (size_t)span.position * graph->edges_per_position);

                if (n > 0)
                        rc = dense(mix, n) ? dense_gradients(scratch, mix, writer, &span, g, d_z)
                                           : sparse_gradients(scratch, mix, writer, &span, n, g, d_z);
                scratch->used = mark;
        }
        return rc;
}

int hap_mix_backward(struct hap_scratch *scratch, const struct hap_mix *mix, const float *g,
                     float *d_z, float *d_delta)
{
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const size_t ld = (size_t)mix->rows->n * d, mark = scratch->used;
        const int k = 1 + mix->slots;
        const int *writer = slot_writers(scratch, mix);
        float *m = hap_scratch_alloc(scratch, (size_t)mix->n * k, sizeof(*m));
        const size_t ready = scratch->used;
        struct hap_span span = {0};
        struct hap_sparse sparse;
        bool open;
        int rc;

        if (writer == NULL || m == NULL)
                return scratch->error.code;
        rc = edge_gradients(scratch, mix, writer, g, d_z);
        open = dense(mix, count(scratch, mix, writer, mix->plan->open));
        while (rc == 0 && mix->slots > 0 && next_span(scratch, mix, &span)) {
                const size_t from = (size_t)span.begin * d;
                const size_t size = (size_t)span.end * d - from;

                gather_masks(scratch, mix, writer, span.z, m);
                if (open) {
                        if (scratch->counting)
                                continue;
                        hap_gemm(true, false, mix->slots, (int)size, mix->n, 1, m + 1, k,
                                 g + from, (int)ld, 1, d_delta + from, (int)ld);
                        continue;
                }
                rc = hap_sparse_of(&sparse, scratch, mix->n, mix->slots, m + 1, k, true);
                if (rc == 0 && !scratch->counting)
                        hap_sparse_product(&sparse, size, g + from, ld, true, d_delta + from, ld);
                scratch->used = ready;
        }
        scratch->used = mark;
        return rc;
}
