#include "prune/precision.h"

#include <math.h>
#include <stdlib.h>

#include "common/number.h"
#include "forward/bf16.h"
#include "forward/onednn.h"

#define SAME_DIRECTION .99

bool hap_prune_wants_bf16(const struct hap_prune_options *options)
{
        return options->precision == HAP_PRECISION_BF16 ||
               (options->precision == HAP_PRECISION_AUTO &&
                hap_bf16_support() >= HAP_BF16_AVX512);
}

static double cosine(const float *a, const float *b, size_t n)
{
        double dot = 0, of_a = 0, of_b = 0;

        for (size_t i = 0; i < n; i++) {
                dot += (double)a[i] * (double)b[i];
                of_a += (double)a[i] * (double)a[i];
                of_b += (double)b[i] * (double)b[i];
        }
        return dot / sqrt(of_a * of_b);
}

/* Sets gradient[precision] for n prompts with all masks ½. */
static int both_gradients(struct hap_pruning *p, size_t n, const uint32_t *which, float *z,
                          const float **zs, double *kl, float *gradient[2], struct hap_error *err)
{
        const struct hap_runs runs = {.n = n, .which = which, .z = zs, .wanted = p->allowed};
        int rc = HAP_OK;

        for (size_t e = 0; e < p->graph->n_edges; e++)
                z[e] = p->allowed[e] ? .5f : 0;
        for (size_t i = 0; i < n; i++)
                zs[i] = z;
        for (int bf16 = 0; bf16 < 2 && rc == HAP_OK; bf16++) {
                p->masked_kl.bf16 = bf16;
                rc = hap_masked_kl_run(&p->masked_kl, &runs, kl, gradient[bf16], err);
        }
        return rc;
}

/* Sets *agree to whether the gradients of both precisions have the same direction. */
static int compare(struct hap_pruning *p, bool *agree, struct hap_error *err)
{
        const size_t n_edges = p->graph->n_edges;
        const size_t n = hap_min((size_t)p->options->batch, p->prompts->n);
        const double before = p->masked_kl.runs;
        uint32_t *which = calloc(n, sizeof *which);
        float *z = calloc(n_edges, sizeof *z);
        const float **zs = calloc(n, sizeof *zs);
        double *kl = calloc(n, sizeof *kl);
        float *gradient[2] = {calloc(n_edges, sizeof(float)), calloc(n_edges, sizeof(float))};
        int rc = which && z && zs && kl && gradient[0] && gradient[1]
                         ? HAP_OK : hap_fail_memory(err, "gradients");

        for (size_t i = 0; which && i < n; i++)
                which[i] = (uint32_t)i;
        if (rc == HAP_OK)
                rc = both_gradients(p, n, which, z, zs, kl, gradient, err);
        if (rc == HAP_OK)
                *agree = cosine(gradient[0], gradient[1], n_edges) >= SAME_DIRECTION;
        p->masked_kl.runs = before;
        free(which);
        free(z);
        free(zs);
        free(kl);
        free(gradient[0]);
        free(gradient[1]);
        return rc;
}

int hap_prune_set_precision(struct hap_pruning *p, struct hap_engine *engine, struct hap_error *err)
{
        bool agree = true;
        int rc;

        if (!hap_prune_wants_bf16(p->options))
                return HAP_OK;
        /* Mixtures of experts have no products in BF16. */
        if (p->options->precision == HAP_PRECISION_AUTO && engine->model->config.n_experts > 0)
                return HAP_OK;
        rc = hap_engine_use_bf16(engine, err);
        if (rc == HAP_OK && p->options->precision == HAP_PRECISION_AUTO)
                rc = compare(p, &agree, err);
        p->masked_kl.bf16 = agree;
        return rc;
}
