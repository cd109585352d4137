#include "model/imported.h"

#include <stdio.h>

#include "common/storage.h"

void hap_count_parameters(struct hap_model *model, const struct hap_store *store)
{
        size_t counts[HAP_STORED_KINDS] = {0};
        int most_common = HAP_STORED_F32;

        model->n_parameters = 0;
        for (size_t i = 0; i < store->n; i++)
                if (store->items[i].used) {
                        counts[store->items[i].kind] += store->items[i].n;
                        model->n_parameters += store->items[i].n;
                }
        for (int kind = 0; kind < HAP_STORED_KINDS; kind++)
                if (counts[kind] > counts[most_common])
                        most_common = kind;
        snprintf(model->dtype, sizeof(model->dtype), "%s", hap_storage_name(most_common));
        for (char *c = model->dtype; *c; c++)
                *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
}

void hap_scale_biases(struct hap_model *model)
{
        const struct hap_config *c = &model->config;

        for (int l = 0; c->residual_scale != 1 && l < c->n_layers; l++) {
                float *biases[] = {model->layers[l].o.bias, model->layers[l].out.bias};

                for (int i = 0; i < 2; i++)
                        for (int j = 0; biases[i] && j < c->d_model; j++)
                                biases[i][j] *= c->residual_scale;
        }
}
