#include "forward/counterfactual.h"

#include <string.h>

#include "forward/engine.h"

void hap_counterfactual_read(const struct hap_counterfactual *counterfactual,
                             const struct hap_engine *engine, int n_tokens, int writer,
                             int first, int n, float scale, float *out)
{
        const size_t d = (size_t)engine->model->config.d_model;
        const size_t count = (size_t)n * d;

        if (!counterfactual->ablation->read) {
                memset(out, 0, count * sizeof(*out));
                return;
        }
        counterfactual->ablation->read(counterfactual, d, n_tokens, writer, first, n, out);
        if (scale != 1)
                for (size_t i = 0; i < count; i++)
                        out[i] *= scale;
}
