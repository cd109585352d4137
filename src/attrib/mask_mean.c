#include "attrib/mask.h"

#include <math.h>
#include <string.h>

#include "common/random.h"
#include "forward/blas.h"

/* Use of the seed. */
enum { UNIFORM_GRADIENTS = 0x0969 };

/* --- all masks from 0 to 1 --- */

static int score_mask_path(struct hap_attrib *attrib, const struct hap_prompts *prompts, size_t b,
                           struct hap_scratch *scratch, const void *context, float *out)
{
        const size_t n = scratch->engine->graph.n_edges;
        const int steps = attrib->options.steps;
        float *z = hap_scratch_alloc(scratch, n, sizeof *z);
        float *d_z = hap_scratch_alloc(scratch, n, sizeof *d_z);
        int rc = z && d_z ? HAP_OK : scratch->error.code;

        (void)context;
        for (int k = 0; k < steps && rc == 0; k++) {
                for (size_t e = 0; e < n; e++)
                        z[e] = ((float)k + 0.5f) / (float)steps;
                rc = hap_mask_slope(attrib, prompts, scratch, b, z, d_z);
                if (rc == 0)
                        hap_axpy(n, -1.f / (float)steps, d_z, out);
        }
        return rc;
}

int hap_method_mask_ig(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                       struct hap_error *err)
{
        return hap_attrib_batches(attrib, prompts, score_mask_path, NULL, err);
}

/* --- uniform gradient sampling --- */

static void sample_masks(const struct hap_attrib_options *options, uint64_t draw, size_t n,
                         float *z)
{
        const struct hap_random_key key = {options->seed, UNIFORM_GRADIENTS};
        const float p = (float)options->open_share, w = p * (1 - p);

        hap_random_fill(key, draw, 0, n, z);
        for (size_t e = 0; e < n; e++)
                z[e] = 1 - fminf(fmaxf((z[e] - p) / w + 0.5f, 0), 1);
}

/* The batch is one example; its number in the task makes the random numbers. */
static int score_samples(struct hap_attrib *attrib, const struct hap_prompts *prompts, size_t b,
                         struct hap_scratch *scratch, const void *context, float *out)
{
        const size_t n = scratch->engine->graph.n_edges;
        const uint64_t example = attrib->first + attrib->n + prompts->batches.start[b];
        const int samples = attrib->options.steps;
        float *z = hap_scratch_alloc(scratch, n, sizeof *z);
        float *d_z = hap_scratch_alloc(scratch, n, sizeof *d_z);
        int *between = hap_scratch_alloc(scratch, n, sizeof *between);
        int rc = z && d_z && between ? HAP_OK : scratch->error.code;

        (void)context;
        if (rc == 0)
                memset(between, 0, n * sizeof *between);
        for (int k = 0; k < samples && rc == 0; k++) {
                sample_masks(&attrib->options, example * (uint64_t)samples + (uint64_t)k, n, z);
                rc = hap_mask_slope(attrib, prompts, scratch, b, z, d_z);
                for (size_t e = 0; e < n && rc == 0; e++)
                        if (z[e] > 0 && z[e] < 1) {
                                out[e] -= d_z[e];
                                between[e]++;
                        }
        }
        for (size_t e = 0; e < n && rc == 0; e++)
                out[e] /= (float)(between[e] > 0 ? between[e] : 1);
        return rc;
}

int hap_method_ugs(struct hap_attrib *attrib, const struct hap_prompts *prompts,
                   struct hap_error *err)
{
        return hap_attrib_batches(attrib, prompts, score_samples, NULL, err);
}
