#include "model/alibi.h"

#include <math.h>

/* Memory for the slopes; NULL after an error. */
static float *begin(struct hap_blueprint *blueprint)
{
        struct hap_model *m = blueprint->model;
        float *slopes;

        if (blueprint->settings->rc < 0)
                return NULL;
        m->config.position_kind = HAP_POSITIONS_ALIBI;
        slopes = hap_arena_alloc(&m->arena, (size_t)m->config.n_heads, sizeof(*slopes));
        if (!slopes)
                blueprint->settings->rc = hap_fail_memory(blueprint->err, "the model's slopes");
        m->alibi = slopes;
        return slopes;
}

void hap_alibi_set(struct hap_blueprint *blueprint)
{
        float *slopes = begin(blueprint);
        int n = 1;

        while (2 * n <= blueprint->model->config.n_heads)
                n *= 2;
        for (int h = 0; slopes && h < blueprint->model->config.n_heads; h++)
                slopes[h] = (float)(h < n ? pow(2, -8.0 * (h + 1) / n)
                                          : pow(2, -4.0 * (2 * (h - n) + 1) / n));
}

void hap_alibi_set_mpt(struct hap_blueprint *blueprint, double max)
{
        const int heads = blueprint->model->config.n_heads;
        float *slopes = begin(blueprint);
        int n = 1;

        while (n < heads)
                n *= 2;
        for (int h = 0; slopes && h < heads; h++) {
                const int at = n == heads ? h : h < n / 2 ? 2 * h + 1 : 2 * (h - n / 2);

                slopes[h] = (float)pow(2, -max * (at + 1) / n);
        }
}
