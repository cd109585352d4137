#include "prune/sample.h"

#include <math.h>

#include "forward/parallel.h"
#include "prune/hard_concrete.h"

struct sampling {
        struct hap_ranker *r;
        uint64_t index; /* of the first prompt's random numbers */
        enum hap_mask_kind kind;
};

/* Samples the masks of one prompt. */
static int sample_job(void *context, struct hap_scratch *scratch, size_t i)
{
        const struct sampling *s = context;
        const struct hap_pruning *p = s->r->p;
        size_t n = p->n_allowed;
        float *u = hap_scratch_alloc(scratch, n, sizeof *u);
        float *z = hap_scratch_alloc(scratch, n, sizeof *z);

        if (!u || !z)
                return scratch->error.code;
        hap_random_fill(hap_prune_key(p, HAP_PRUNE_MASKS), s->index + i, 0, n, u);
        hap_concrete_uniform(n, u);
        if (s->kind == HAP_MASKS_BERNOULLI)
                hap_concrete_bernoulli(n, u, s->r->log_alpha, z);
        else
                hap_concrete_sample(n, u, s->r->log_alpha, z, NULL);
        for (size_t k = 0; k < n; k++)
                s->r->z[i][s->r->order[k]] = z[k];
        return HAP_OK;
}

static bool masks_of_prompt(const void *context, size_t i, size_t k, struct hap_piece *piece)
{
        const struct sampling *s = context;

        *piece = (struct hap_piece){s->r->z[i], s->r->p->graph->n_edges * sizeof(float)};
        return k == 0;
}

int hap_rank_sample(struct hap_ranker *r, uint64_t index, size_t n, double open,
                    double sharpness, enum hap_mask_kind kind, struct hap_error *err)
{
        struct sampling sampling = {r, index, kind};

        for (size_t k = 0; k < r->p->n_allowed; k++)
                r->log_alpha[k] = (float)(sharpness * log((open + .5) / ((double)k + .5)));
        return hap_parallel(r->p->masked_kl.engine, n, sample_job, masks_of_prompt, &sampling,
                            err);
}
