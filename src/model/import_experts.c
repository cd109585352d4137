#include "model/import_experts.h"

#include <stdio.h>
#include <string.h>

/* The name of a tensor of expert e: STEM + suffix, with the expert in place of a second "%d". */
static void expert_name(const struct hap_weight_import *im, const char *stem, int layer, int e,
                        const char *suffix, char out[HAP_MAX_TENSOR_NAME])
{
        char text[HAP_MAX_TENSOR_NAME];
        const char *mark;

        hap_import_name(im, stem, layer, suffix, text);
        mark = strstr(text, "%d");
        if (!mark)
                strcpy(out, text);
        else if (snprintf(out, HAP_MAX_TENSOR_NAME, "%.*s%d%s", (int)(mark - text), text, e,
                          mark + 2) >= HAP_MAX_TENSOR_NAME)
                out[0] = '\0'; /* no tensor has this name */
}

/* One map of expert e. */
static int import_linear(struct hap_weight_import *im, int layer, int e, const char *stem,
                         struct hap_rows rows, size_t columns, struct hap_linear *to)
{
        const enum hap_experts how = im->layout->experts;
        const bool in_out = how == HAP_EXPERTS_IN_OUT, mxfp4 = how == HAP_EXPERTS_MXFP4;
        char name[HAP_MAX_TENSOR_NAME];
        int rc;

        if (how != HAP_EXPERTS_APART) {
                rows.parts = (size_t)im->model->config.n_experts;
                rows.part = (size_t)e;
        }
        expert_name(im, stem, layer, e, in_out ? "" : mxfp4 ? "_blocks" : ".weight", name);
        rc = hap_import_matrix(im, name, rows, columns, in_out, im->keep, &to->weight);
        if (rc < 0 || !im->layout->mlp_bias)
                return rc;
        expert_name(im, stem, layer, e, in_out || mxfp4 ? "_bias" : ".bias", name);
        return hap_import_vector(im, name, rows, 0, &to->bias);
}

static int import_expert(struct hap_weight_import *im, int layer, int e, struct hap_expert *to)
{
        const struct hap_weight_layout *l = im->layout;
        const size_t d = (size_t)im->model->config.d_model, m = (size_t)im->model->config.d_mlp;
        const char *gate_stem = l->gate_in ? l->gate_in : l->gate;
        const char *in_stem = l->gate_in ? l->gate_in : l->in;
        struct hap_rows gate = hap_all_rows(m), in = gate;
        int rc;

        if (l->gate_in) { /* their rows alternate */
                gate.total = in.total = 2 * m;
                gate.group = in.group = 1;
                gate.stride = in.stride = 2;
                in.first = 1;
        }
        if ((rc = import_linear(im, layer, e, gate_stem, gate, d, &to->gate)) < 0 ||
            (rc = import_linear(im, layer, e, in_stem, in, d, &to->in)) < 0)
                return rc;
        return import_linear(im, layer, e, l->out, hap_all_rows(d), m, &to->out);
}

static int import_router(struct hap_weight_import *im, int layer, struct hap_linear *to)
{
        const struct hap_config *c = &im->model->config;
        const struct hap_rows rows = hap_all_rows((size_t)c->n_experts);
        char name[HAP_MAX_TENSOR_NAME];
        int rc;

        hap_import_name(im, im->layout->router, layer, ".weight", name);
        rc = hap_import_matrix(im, name, rows, (size_t)c->d_model, false, false, &to->weight);
        if (rc < 0 || !im->layout->router_bias)
                return rc;
        hap_import_name(im, im->layout->router, layer, ".bias", name);
        return hap_import_vector(im, name, rows, 0, &to->bias);
}

/* Makes NAME_blocks and NAME_scales, both of bytes, the one tensor of numbers that they are. */
static int join_mxfp4(struct hap_weight_import *im, const char *stem, int layer)
{
        char blocks_name[HAP_MAX_TENSOR_NAME], scales_name[HAP_MAX_TENSOR_NAME];
        struct hap_stored *blocks, *scales;
        bool fits;

        hap_import_name(im, stem, layer, "_blocks", blocks_name);
        hap_import_name(im, stem, layer, "_scales", scales_name);
        blocks = hap_store_find(im->store, blocks_name);
        scales = hap_store_find(im->store, scales_name);
        if (!blocks || !scales)
                return hap_fail(im->err, HAP_EINPUT, "cannot use '%s': it has no tensor '%s', which "
                                "MXFP4 experts need", im->model->path,
                                blocks ? scales_name : blocks_name);
        fits = strcmp(blocks->dtype, "U8") == 0 && strcmp(scales->dtype, "U8") == 0 &&
               blocks->n_dims == 4 && blocks->shape[3] == 16 && scales->n_dims == 3;
        for (int i = 0; fits && i < 3; i++)
                fits = blocks->shape[i] == scales->shape[i];
        if (!fits)
                return hap_fail(im->err, HAP_EINPUT, "cannot use '%s': '%s' and '%s' are not the blocks "
                                "and exponents of MXFP4: bytes, [...][16] and [...]", im->model->path,
                                blocks_name, scales_name);
        blocks->kind = HAP_STORED_MXFP4_APART;
        blocks->exponents = scales->data;
        blocks->n_dims = 3;
        blocks->shape[2] *= 32;
        blocks->n = 2 * blocks->bytes;
        strcpy(blocks->dtype, "MXFP4");
        scales->used = true;
        scales->n = 0;
        return 0;
}

int hap_import_experts(struct hap_weight_import *im, int layer, struct hap_layer *to)
{
        const int n = im->model->config.n_experts;
        int rc = import_router(im, layer, &to->router);

        if (rc == 0 && im->layout->experts == HAP_EXPERTS_MXFP4) {
                rc = join_mxfp4(im, im->layout->gate_in, layer);
                if (rc == 0)
                        rc = join_mxfp4(im, im->layout->out, layer);
        }
        if (rc < 0)
                return rc;
        to->experts = hap_arena_alloc(&im->model->arena, (size_t)n, sizeof(*to->experts));
        if (!to->experts)
                return hap_fail_memory(im->err, "the model's experts");
        for (int e = 0; e < n && rc == 0; e++)
                rc = import_expert(im, layer, e, &to->experts[e]);
        return rc;
}
