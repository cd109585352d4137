#include "model/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/import_experts.h"
#include "model/import_tensor.h"
#include "model/imported.h"
#include "model/kept.h"

static int import_norm(struct hap_weight_import *im, int layer, const char *stem, size_t n,
                       bool bias, struct hap_norm *to)
{
        char name[HAP_MAX_TENSOR_NAME];
        float *values;
        int rc;

        if (!stem)
                return 0;
        hap_import_name(im, stem, layer, ".weight", name);
        rc = hap_import_vector(im, name, hap_all_rows(n), im->layout->gain_plus_one ? 1 : 0, &values);
        if (rc < 0)
                return rc;
        to->gain = values;
        if (!bias)
                return 0;
        hap_import_name(im, stem, layer, ".bias", name);
        rc = hap_import_vector(im, name, hap_all_rows(n), 0, &values);
        to->bias = values;
        return rc;
}

/* Gains of n heads, [n][d_head]: one tensor, or one a head. */
static int import_head_gains(struct hap_weight_import *im, int layer, const char *stem, size_t n,
                             struct hap_norm *to)
{
        const size_t d = (size_t)im->model->config.d_head;
        const bool apart = im->layout->qk_norm_each == HAP_QK_NORM_APART;
        const size_t count = apart ? n : 1;
        float *gain = hap_arena_alloc(&im->model->arena, n * d, sizeof(*gain));
        char name[HAP_MAX_TENSOR_NAME], of_head[32];
        struct hap_stored *stored;
        size_t shape[2] = {n, d};
        int rc = gain ? 0 : hap_fail_memory(im->err, "the model's weights");

        to->gain = gain;
        for (size_t h = 0; rc == 0 && h < count; h++) {
                struct hap_job job = {.out = gain + h * d, .rows = apart ? 1 : n, .columns = d,
                                      .group = n, .stride = n};

                snprintf(of_head, sizeof(of_head), ".%zu.weight", h);
                hap_import_name(im, stem, layer, apart ? of_head : ".weight", name);
                rc = apart ? hap_import_find(im, name, &d, 1, &stored)
                           : hap_import_find(im, name, shape, 2, &stored);
                job.from = stored;
                if (rc == 0)
                        rc = hap_jobs_add(&im->jobs, job, im->err);
        }
        return rc;
}

/* Rows of q, k or v (which = 0, 1, 2), heads of d_head rows each. */
static struct hap_rows head_rows(const struct hap_weight_import *im, int which)
{
        const struct hap_config *c = &im->model->config;
        size_t d = (size_t)c->d_head, q = (size_t)c->n_heads * d, kv = (size_t)c->n_kv_heads * d;
        struct hap_rows rows = {.n = which ? kv : q, .group = d, .stride = d};

        rows.pairs = im->layout->rotary_pairs && which < 2;
        rows.total = rows.n;
        if (im->layout->fused == HAP_QKV_STACKED) {
                rows.total = q + 2 * kv;
                rows.first = which == 0 ? 0 : which == 1 ? q : q + kv;
        } else if (im->layout->fused == HAP_QKV_PER_GROUP) {
                size_t group = q / (size_t)c->n_kv_heads; /* rows of q */

                rows.total = q + 2 * kv;
                rows.group = which == 0 ? group : d;
                rows.first = which == 0 ? 0 : which == 1 ? group : group + d;
                rows.stride = group + 2 * d;
        }
        return rows;
}

/* A norm of q or k, of n heads. */
static int import_head_norm(struct hap_weight_import *im, int layer, const char *stem, size_t n,
                            struct hap_norm *to)
{
        const struct hap_weight_layout *l = im->layout;
        const size_t d = (size_t)im->model->config.d_head;

        if (!stem || l->qk_norm_each == HAP_QK_NORM_SHARED)
                return import_norm(im, layer, stem, d, l->qk_norm_bias, to);
        if (l->qk_norm_each == HAP_QK_NORM_ALL)
                return import_norm(im, layer, stem, n * d, false, to);
        return import_head_gains(im, layer, stem, n, to);
}

static int import_sinks(struct hap_weight_import *im, int layer, struct hap_layer *to)
{
        char name[HAP_MAX_TENSOR_NAME];
        float *values;
        int rc;

        if (!im->layout->sinks)
                return 0;
        hap_import_name(im, im->layout->sinks, layer, "", name);
        rc = hap_import_vector(im, name, hap_all_rows((size_t)im->model->config.n_heads), 0,
                               &values);
        to->sinks = rc < 0 ? NULL : values;
        return rc;
}

static int import_attention(struct hap_weight_import *im, int layer, struct hap_layer *to)
{
        const struct hap_weight_layout *l = im->layout;
        const struct hap_config *c = &im->model->config;
        const char *stems[3] = {l->q, l->k, l->v};
        struct hap_linear *linears[3] = {&to->q, &to->k, &to->v};
        size_t d = (size_t)c->d_model;
        int rc;

        for (int i = 0; i < 3; i++) {
                rc = hap_import_linear(im, layer, l->qkv ? l->qkv : stems[i], head_rows(im, i), d,
                                   l->qkv_bias, linears[i]);
                if (rc < 0)
                        return rc;
        }
        if ((rc = import_head_norm(im, layer, l->q_norm, (size_t)c->n_heads, &to->q_norm)) < 0 ||
            (rc = import_head_norm(im, layer, l->k_norm, (size_t)c->n_kv_heads, &to->k_norm)) < 0)
                return rc;
        if ((rc = import_sinks(im, layer, to)) < 0)
                return rc;
        return hap_import_linear(im, layer, l->o, hap_all_rows(d), (size_t)c->n_heads * c->d_head,
                             l->o_bias, &to->o);
}

static int import_mlp(struct hap_weight_import *im, int layer, struct hap_layer *to)
{
        const struct hap_weight_layout *l = im->layout;
        size_t d = (size_t)im->model->config.d_model, m = (size_t)im->model->config.d_mlp;
        struct hap_rows gate = hap_all_rows(m), in = gate;
        int rc;

        if (l->router)
                return hap_import_experts(im, layer, to);
        if (l->gate_in) {
                gate.total = in.total = 2 * m;
                in.first = m;
        }
        if ((rc = hap_import_linear(im, layer, l->gate_in ? l->gate_in : l->gate, gate, d,
                                l->mlp_bias, &to->gate)) < 0 ||
            (rc = hap_import_linear(im, layer, l->gate_in ? l->gate_in : l->in, in, d, l->mlp_bias,
                                &to->in)) < 0)
                return rc;
        return hap_import_linear(im, layer, l->out, hap_all_rows(d), m, l->mlp_bias, &to->out);
}

static int import_layer(struct hap_weight_import *im, int layer)
{
        struct hap_layer *to = &im->model->layers[layer];
        const struct hap_weight_layout *l = im->layout;
        size_t d = (size_t)im->model->config.d_model;
        int rc;

        if ((l->o_bias && l->attention_post_norm) || (l->mlp_bias && l->mlp_post_norm))
                return hap_fail(im->err, HAP_EINPUT, "cannot use '%s': biases before the "
                                "norms after attention and MLP are not supported", im->model->path);
        if ((rc = import_norm(im, layer, l->attention_norm, d, l->norm_bias,
                              &to->attention_norm)) < 0 ||
            (rc = import_norm(im, layer, l->attention_post_norm, d, l->norm_bias,
                              &to->attention_post_norm)) < 0 ||
            (rc = import_norm(im, layer, l->mlp_norm, d, l->norm_bias, &to->mlp_norm)) < 0 ||
            (rc = import_norm(im, layer, l->mlp_post_norm, d, l->norm_bias,
                              &to->mlp_post_norm)) < 0 ||
            (rc = import_attention(im, layer, to)) < 0)
                return rc;
        return import_mlp(im, layer, to);
}

/* A tied model may store its unembedding, too, but only as the embedding's copy: otherwise
 * transformers 4 uses the embedding and transformers 5 the unembedding. */
static int check_tied(const struct hap_weight_import *im)
{
        const char *name = im->layout->unembedding;
        const struct hap_stored *out = name ? hap_store_find(im->store, name) : NULL, *in;
        char embedding[HAP_MAX_TENSOR_NAME];
        bool same;

        hap_import_name(im, im->layout->token_embedding, 0, "", embedding);
        in = hap_store_find(im->store, embedding);
        if (!out || !in)
                return 0;
        same = out->kind == in->kind && out->bytes == in->bytes &&
               memcmp(out->data, in->data, in->bytes) == 0;
        hap_file_map_forget(in->data, in->bytes);
        hap_file_map_forget(out->data, out->bytes);
        if (same)
                return 0;
        return hap_fail(im->err, HAP_EINPUT,
                        "cannot use '%s': its description ties the unembedding to the embedding, "
                        "but '%s' is stored and differs; to use it, set \"tie_word_embeddings\" "
                        "to false, otherwise remove the tensor", im->model->path, name);
}

/* Rows of the position embedding: some have more, before position 0. */
static struct hap_rows position_rows(const struct hap_weight_import *im)
{
        struct hap_rows rows = hap_all_rows((size_t)im->model->config.n_context);

        rows.first = (size_t)im->layout->position_offset;
        rows.total += rows.first;
        return rows;
}

static int import_unembedding_bias(struct hap_weight_import *im)
{
        const struct hap_rows rows = hap_all_rows((size_t)im->model->config.n_out);
        float *values;
        int rc;

        if (!im->layout->unembedding_bias)
                return 0;
        rc = hap_import_vector(im, im->layout->unembedding_bias, rows, 0, &values);
        if (rc == 0)
                im->model->unembedding_bias = values;
        return rc;
}

static int import_embeddings(struct hap_weight_import *im)
{
        struct hap_model *m = im->model;
        const struct hap_config *c = &m->config;
        char name[HAP_MAX_TENSOR_NAME];
        size_t d = (size_t)c->d_model;
        struct hap_matrix positions;
        int rc;

        hap_import_name(im, im->layout->token_embedding, 0, "", name);
        im->elsewhere = m->layers_before > 0 && (m->layers_after > 0 || !c->tied);
        rc = hap_import_matrix(im, name, hap_all_rows((size_t)c->n_vocab), d, false, im->keep,
                           &m->token_embedding);
        im->elsewhere = false; /* the counterfactuals of all layers contain the positions */
        if (rc < 0)
                return rc;
        if (c->position_kind == HAP_POSITIONS_LEARNED) {
                hap_import_name(im, im->layout->position_embedding, 0, "", name);
                rc = hap_import_matrix(im, name, position_rows(im), d, false, false, &positions);
                if (rc < 0)
                        return rc;
                m->position_embedding = positions.data;
        }
        if (c->tied) {
                m->unembedding = m->token_embedding;
                return check_tied(im);
        }
        im->elsewhere = m->layers_after > 0;
        rc = hap_import_matrix(im, im->layout->unembedding, hap_all_rows((size_t)c->n_out), d,
                             im->layout->embedding_out_in, im->keep, &m->unembedding);
        im->elsewhere = false;
        return rc;
}

/* Divides the first layer's frequencies, and those of layers that share them, by the stored
 * factors. HAP_EINPUT: a factor is not above 0. */
static int import_rotary_factors(struct hap_weight_import *im)
{
        const struct hap_config *c = &im->model->config;
        struct hap_rows rows = hap_all_rows((size_t)c->n_rotary / 2);
        const char *name = im->layout->rotary_factors;
        const float *plain = im->model->layers[0].rotary_frequency;
        float *factors, *frequencies;
        int rc;

        if (!name || !plain || !hap_store_find(im->store, name))
                return 0;
        rc = hap_import_vector(im, name, rows, 0, &factors);
        if (rc == 0)
                rc = hap_jobs_run(&im->jobs, im->model->path, im->err);
        if (rc < 0)
                return rc;
        frequencies = hap_arena_alloc(&im->model->arena, rows.n, sizeof(*frequencies));
        if (!frequencies)
                return hap_fail_memory(im->err, "the model's rotary frequencies");
        for (size_t i = 0; i < rows.n; i++) {
                if (!(factors[i] > 0))
                        return hap_fail(im->err, HAP_EINPUT, "cannot use '%s': value %zu of tensor "
                                        "'%s' is %g, not above 0", im->model->path, i, name,
                                        (double)factors[i]);
                frequencies[i] = plain[i] / factors[i];
        }
        for (int l = 0; l < c->n_layers; l++)
                if (im->model->layers[l].rotary_frequency == plain)
                        im->model->layers[l].rotary_frequency = frequencies;
        return 0;
}

static int choose_prefix(struct hap_weight_import *im)
{
        const char *const *prefix = im->layout->prefixes;
        char name[HAP_MAX_TENSOR_NAME];

        for (; *prefix; prefix++) {
                im->prefix = *prefix;
                hap_import_name(im, im->layout->token_embedding, 0, "", name);
                if (hap_store_find(im->store, name))
                        return 0;
        }
        return hap_fail(im->err, HAP_EINPUT, "cannot use '%s': it has no tensor '%s%s'",
                        im->model->path, im->layout->prefixes[0], im->layout->token_embedding);
}

static bool ends_with(const char *text, const char *end)
{
        size_t n = strlen(text), m = strlen(end);

        return n >= m && strcmp(text + n - m, end) == 0;
}

/* A tensor that the description does not use means that the description is wrong. */
static int refuse_unused(const struct hap_weight_import *im)
{
        const struct hap_weight_layout *l = im->layout;

        for (size_t i = 0; i < im->store->n; i++) {
                const struct hap_stored *stored = &im->store->items[i];
                bool known = stored->used || (im->model->config.tied && l->unembedding &&
                                              strcmp(stored->name, l->unembedding) == 0);

                for (int j = 0; !known && l->ignored[j]; j++)
                        known = ends_with(stored->name, l->ignored[j]);
                for (int j = 0; !known && l->ignored_prefixes[j]; j++)
                        known = strncmp(stored->name, l->ignored_prefixes[j],
                                        strlen(l->ignored_prefixes[j])) == 0;
                if (!known)
                        return hap_fail(im->err, HAP_EINPUT,
                                        "cannot use '%s': unsupported: tensor '%.200s' is "
                                        "not used by a %s model of this description",
                                        im->model->path, stored->name,
                                        im->model->config.family);
        }
        return 0;
}

int hap_import(struct hap_model *model, const struct hap_weight_layout *layout,
               struct hap_store *store, bool keep, struct hap_error *err)
{
        struct hap_weight_import im = {.model = model, .layout = layout, .store = store,
                                   .keep = keep, .err = err};
        int rc;

        if ((rc = choose_prefix(&im)) < 0 || (rc = import_embeddings(&im)) < 0 ||
            (rc = import_unembedding_bias(&im)) < 0 ||
            (rc = import_norm(&im, 0, layout->embedding_norm, (size_t)model->config.d_model,
                              layout->norm_bias, &model->embedding_norm)) < 0 ||
            (rc = import_norm(&im, 0, layout->final_norm, (size_t)model->config.d_model,
                              layout->norm_bias, &model->final_norm)) < 0)
                goto out;
        for (int layer = 0; layer < model->config.n_layers; layer++) {
                im.elsewhere = layer < hap_model_first_layer(model) ||
                               layer >= hap_model_end_layer(model);
                if ((rc = import_layer(&im, layer)) < 0)
                        goto out;
        }
        if ((rc = import_rotary_factors(&im)) < 0 || (rc = refuse_unused(&im)) < 0)
                goto out;
        rc = hap_jobs_run(&im.jobs, model->path, err);
        if (rc == 0) {
                hap_scale_biases(model);
                hap_count_parameters(model, store);
        }
out:
        hap_jobs_release(&im.jobs);
        return rc;
}
