#include "forward/mix.h"

#include <string.h>

#include "forward/span.h"
#include "forward/sparse.h"

/* Rows that share one mask: one product serves them. */
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

/* m[i][s − first] = the mask of the edge from slot s; row i starts at m + i · ld. */
static void gather_masks(const struct hap_scratch *scratch, const struct hap_mix *mix,
                         const int *writer, const float *z, float *m, int ld)
{
        for (int i = 0; i < mix->n; i++, m += ld)
                for (int s = mix->first; s < mix->slots; s++)
                        m[s - mix->first] = in_prefix(scratch, mix, i, writer[s])
                                                    ? z[edge(scratch, mix, i, writer[s])] : 0;
}

int hap_mix_forward(struct hap_scratch *scratch, const struct hap_mix *mix, float *x)
{
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const size_t ld = hap_slot_stride(mix->rows->n, (int)d), mark = scratch->used;
        const int k = 1 + mix->slots;
        const int *writer = slot_writers(scratch, mix);
        float *m = hap_scratch_alloc(scratch, (size_t)mix->n * k, sizeof(*m));
        const size_t ready = scratch->used;
        struct hap_span span = {0};
        struct hap_sparse sparse;

        if (writer == NULL || m == NULL)
                return scratch->error.code;
        while (next_span(scratch, mix, &span)) {
                const size_t from = (size_t)span.begin * d;

                for (int i = 0; i < mix->n; i++)
                        m[(size_t)i * k] = 1;
                gather_masks(scratch, mix, writer, span.z, m + 1, k);
                if (hap_sparse_of(&sparse, scratch, HAP_SPARSE_PRODUCT, mix->n, k, m, k, false) < 0)
                        return scratch->error.code;
                if (!scratch->counting)
                        hap_sparse_product(&sparse, (size_t)span.end * d - from,
                                           mix->stream + from, ld, false, x + from, ld);
                scratch->used = ready;
        }
        scratch->used = mark;
        return HAP_OK;
}

/* m[i][s − first] = 1 for edges whose gradient is wanted at the span's position, otherwise 0. Returns
 * whether there are any. */
static bool gather_wanted(const struct hap_scratch *scratch, const struct hap_mix *mix,
                          const int *writer, const bool *wanted, float *m)
{
        bool any = false;

        for (int i = 0; i < mix->n; i++)
                for (int s = mix->first; s < mix->slots; s++, m++) {
                        const bool is = in_prefix(scratch, mix, i, writer[s]) &&
                                        wanted[edge(scratch, mix, i, writer[s])];

                        any |= is;
                        *m = is ? 1 : 0;
                }
        return any;
}

/* The wanted edges at a span's rows. */
static int span_gradients(struct hap_scratch *scratch, const struct hap_mix *mix, const int *writer,
                          const struct hap_span *span, const float *g, float *d_z)
{
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const size_t ld = hap_slot_stride(mix->rows->n, (int)d), from = (size_t)span->begin * d;
        const size_t first = (size_t)span->position * scratch->engine->graph.edges_per_position;
        const int slots = mix->slots - mix->first;
        const size_t n = (size_t)mix->n * slots;
        float *m = hap_scratch_alloc(scratch, n, sizeof(*m));
        double *sum = hap_scratch_alloc(scratch, n, sizeof(*sum));
        struct hap_sparse sparse;

        if (m == NULL || sum == NULL)
                return scratch->error.code;
        if (!gather_wanted(scratch, mix, writer, mix->plan->wanted + first, m) ||
            hap_sparse_of(&sparse, scratch, HAP_SPARSE_DOTS, mix->n, slots, m, slots, false) <
                    0 ||
            scratch->counting)
                return scratch->error.code;
        memset(sum, 0, n * sizeof(*sum));
        hap_sparse_dots(&sparse, (size_t)span->end * d - from, g + from, ld,
                        mix->stream + (size_t)(1 + mix->first) * ld + from, ld, sum, (size_t)slots);
        for (int i = 0; i < mix->n; i++)
                for (int s = 0; s < slots; s++, m++, sum++)
                        if (*m != 0)
                                d_z[first + edge(scratch, mix, i, writer[mix->first + s])] +=
                                        (float)*sum;
        return HAP_OK;
}

static int edge_gradients(struct hap_scratch *scratch, const struct hap_mix *mix, const int *writer,
                          const float *g, float *d_z)
{
        const size_t mark = scratch->used;
        struct hap_span span = {0};
        int rc = HAP_OK;

        while (rc == 0 && mix->plan->wanted != NULL &&
               hap_span_next(&scratch->engine->graph, mix->batch, mix->rows, NULL, &span)) {
                rc = span_gradients(scratch, mix, writer, &span, g, d_z);
                scratch->used = mark;
        }
        return rc;
}

int hap_mix_backward(struct hap_scratch *scratch, const struct hap_mix *mix, const float *g,
                     float *d_z, float *d_delta)
{
        const size_t d = (size_t)scratch->engine->model->config.d_model;
        const size_t ld = hap_slot_stride(mix->rows->n, (int)d), mark = scratch->used;
        const int k = mix->slots - mix->first;
        const int *writer = slot_writers(scratch, mix);
        float *m = hap_scratch_alloc(scratch, (size_t)mix->n * k, sizeof(*m));
        const size_t ready = scratch->used;
        struct hap_span span = {0};
        struct hap_sparse sparse;
        int rc;

        if (writer == NULL || m == NULL)
                return scratch->error.code;
        rc = edge_gradients(scratch, mix, writer, g, d_z);
        while (rc == 0 && next_span(scratch, mix, &span)) {
                const size_t from = (size_t)span.begin * d;

                gather_masks(scratch, mix, writer, span.z, m, k);
                rc = hap_sparse_of(&sparse, scratch, HAP_SPARSE_PRODUCT, mix->n, k, m, k, true);
                if (rc == 0 && !scratch->counting)
                        hap_sparse_product(&sparse, (size_t)span.end * d - from, g + from, ld, true,
                                           d_delta + (size_t)mix->first * ld + from, ld);
                scratch->used = ready;
        }
        scratch->used = mark;
        return rc;
}
