#include "model/description.h"
#include "model/kept.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>


json_t *hap_model_describe(const struct hap_model *model)
{
        const struct hap_config *c = &model->config;
        char fingerprint[17];

        snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, model->fingerprint);
        return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "path",
                         model->path, "fingerprint", fingerprint, "family", c->family, "layers",
                         c->n_layers, "heads", c->n_heads, "kv_heads", c->n_kv_heads, "d_model",
                         c->d_model, "d_head", c->d_head, "d_mlp", c->d_mlp, "vocabulary",
                         c->n_vocab);
}

int hap_model_check(const struct hap_model *model, const json_t *header, const char *name,
                    struct hap_error *err)
{
        const json_t *made_for = json_object_get(header, "model");
        const char *theirs = json_string_value(json_object_get(made_for, "fingerprint"));
        char ours[17];

        if (!made_for || json_is_null(made_for) || !hap_model_has_weights(model))
                return 0; /* a model without weights has no fingerprint */
        snprintf(ours, sizeof(ours), "%016" PRIx64, model->fingerprint);
        if (!theirs)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': its model has no fingerprint", name);
        if (strcmp(theirs, ours) != 0)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': made for model %.16s, '%s' is %s", name, theirs,
                                model->path, ours);
        return 0;
}
