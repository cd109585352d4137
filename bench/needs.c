/* needs CONFIG-FOLDER ...: what the stages need for models whose weights need not exist (docs/limits.md):
 * edges, and bytes for 200 prompts of 17 tokens on two threads, with weights in F32 and as BF16. */
#include <stdio.h>

#include "data/model_needs.h"
#include "model/model.h"

static int print_needs(struct hap_model *model, const char *how, struct hap_error *err)
{
        struct hap_model_needs needs = {.tokens = 17, .prompts = 200, .threads = 2};
        int rc = hap_model_needs_init(&needs, model, err);

        if (rc < 0)
                return rc;
        printf("%s, weights in %s\n", model->path, how);
        hap_model_needs_print(&needs, model, stdout);
        hap_model_needs_release(&needs);
        return 0;
}

int main(int argc, char **argv)
{
        const struct hap_weights_want f32 = {.kind = HAP_WEIGHTS_F32};
        struct hap_error err = {0};
        int rc = 0;

        for (int i = 1; i < argc && rc == 0; i++) {
                struct hap_model model;

                rc = hap_model_load_config_as(&model, argv[i], &f32, &err);
                if (rc < 0)
                        break;
                rc = print_needs(&model, "F32", &err);
                model.stored_bytes = hap_model_f32_bytes(&model.config) / 2;
                if (rc == 0)
                        rc = print_needs(&model, "BF16", &err);
                hap_model_release(&model);
        }
        if (rc < 0)
                fprintf(stderr, "needs: %s\n", err.message);
        return rc < 0;
}
