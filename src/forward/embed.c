#include "forward/embed.h"

#include "forward/norm.h"
#include "model/kept.h"

void hap_embed(const struct hap_model *model, int32_t token, float *out)
{
        const struct hap_config *config = &model->config;
        const int d = config->d_model;
        const float *e = hap_matrix_row(&model->token_embedding, token, out);
        float mean, rstd;

        for (int j = 0; j < d; j++)
                out[j] = config->embedding_scale * e[j];
        if (!config->embedding_norm)
                return;
        hap_norm_stats(config, 1, d, out, &mean, &rstd);
        hap_norm_apply(&model->embedding_norm, 1, d, out, &mean, &rstd, out);
}
