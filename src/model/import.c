#include "model/import.h"

/* Each weight becomes a job that names the rows of a stored tensor; then all threads
 * work on all jobs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file_map.h"
#include "model/convert.h"

struct weight_import {
        struct hap_model *model;
        const struct hap_weight_layout *layout;
        struct hap_store *store;
        const char *prefix;
        struct hap_jobs jobs;
        struct hap_error *err;
};

/* The rows of a stored matrix (or elements of a vector) that are a weight. */
struct rows {
        size_t n;             /* rows of the weight */
        size_t total;         /* stored rows */
        size_t first;         /* the first row of the weight */
        size_t group, stride; /* `group` rows of every `stride` */
        bool pairs;           /* see hap_weight_layout.rotary_pairs */
};

static struct rows all_rows(size_t n)
{
        return (struct rows){.n = n, .total = n, .group = n, .stride = n};
}

#define MAX_TENSOR_NAME 256

/* PREFIX + NAME with the layer in place of its "%d" + SUFFIX. */
static void tensor_name(const struct weight_import *im, const char *name, int layer,
                        const char *suffix, char out[MAX_TENSOR_NAME])
{
        const char *mark = strstr(name, "%d");

        if (mark)
                snprintf(out, MAX_TENSOR_NAME, "%s%.*s%d%s%s", im->prefix, (int)(mark - name),
                         name, layer, mark + 2, suffix);
        else
                snprintf(out, MAX_TENSOR_NAME, "%s%s%s", im->prefix, name, suffix);
}

/* "[2, 3]" */
static void shape_text(const size_t *shape, int n_dims, char text[200])
{
        int n = 0;

        for (int i = 0; i < n_dims; i++)
                n += snprintf(text + n, 200 - (size_t)n, "%s%zu", i ? ", " : "[", shape[i]);
        strcpy(text + n, n_dims ? "]" : "[]");
}

static int refuse_shape(struct weight_import *im, const struct hap_stored *stored,
                        const size_t *shape, int n_dims)
{
        char is[200], wanted[200];

        shape_text(stored->shape, stored->n_dims, is);
        shape_text(shape, n_dims, wanted);
        return hap_fail(im->err, HAP_EINPUT,
                        "cannot use '%s': tensor '%s' has shape %s; the model's "
                        "description requires %s",
                        im->model->path, stored->name, is, wanted);
}

static int find_stored(struct weight_import *im, const char *name, const size_t *shape, int n_dims,
                       struct hap_stored **found)
{
        struct hap_stored *stored = hap_store_find(im->store, name);
        const char *path = im->model->path;
        bool fits;

        *found = stored;
        if (!stored)
                return hap_fail(im->err, HAP_EINPUT, "cannot use '%s': it has no tensor '%s'",
                                path, name);
        fits = stored->n_dims == n_dims && stored->shape[0] == shape[0] &&
               (n_dims == 1 || stored->shape[1] == shape[1]);
        if (!fits)
                return refuse_shape(im, stored, shape, n_dims);
        if (stored->kind == HAP_STORED_OTHER)
                return hap_fail(im->err, HAP_EINPUT,
                                "cannot use '%s': unsupported: tensor '%s' is stored as %s",
                                path, name, stored->dtype);
        stored->used = true;
        return 0;
}

/* Allocates a weight of rows.n * columns in the arena and adds the job to fill it. */
static int add_job(struct weight_import *im, const struct hap_stored *stored, struct rows rows,
                   size_t columns, struct hap_job job, float **out)
{
        size_t n;

        if (hap_size_mul(rows.n, columns, &n) < 0)
                return hap_fail_memory(im->err, "the model's weights");
        *out = hap_arena_alloc(&im->model->arena, n, sizeof(**out));
        if (!*out)
                return hap_fail_memory(im->err, "the model's weights");
        hap_file_map_large_pages(*out, n * sizeof(**out));
        job.from = stored;
        job.out = *out;
        job.rows = rows.n;
        job.columns = columns;
        job.first = rows.first;
        job.group = rows.group;
        job.stride = rows.stride;
        job.pairs = rows.pairs;
        return hap_jobs_add(&im->jobs, job, im->err);
}

static int import_matrix(struct weight_import *im, const char *name, struct rows rows,
                         size_t columns, bool transposed, struct hap_matrix *out)
{
        size_t shape[2] = {rows.total, columns};
        struct hap_stored *stored;
        int rc;

        if (transposed) {
                shape[0] = columns;
                shape[1] = rows.total;
        }
        rc = find_stored(im, name, shape, 2, &stored);
        if (rc < 0)
                return rc;
        if (transposed && hap_storage_block(stored->kind) != 1)
                return hap_fail(im->err, HAP_EINPUT,
                                "cannot use '%s': unsupported: tensor '%s' is transposed and "
                                "stored as %s",
                                im->model->path, name, stored->dtype);
        *out = (struct hap_matrix){.rows = (int)rows.n, .columns = (int)columns};
        return add_job(im, stored, rows, columns, (struct hap_job){.transposed = transposed},
                       &out->data);
}

static int import_vector(struct weight_import *im, const char *name, struct rows rows, float add,
                         float **out)
{
        struct hap_stored *stored;
        int rc = find_stored(im, name, &rows.total, 1, &stored);

        if (rc < 0)
                return rc;
        if (hap_storage_block(stored->kind) != 1)
                return hap_fail(im->err, HAP_EINPUT,
                                "cannot use '%s': unsupported: vector '%s' is stored as %s",
                                im->model->path, name, stored->dtype);
        return add_job(im, stored, rows, 1, (struct hap_job){.add = add}, out);
}

static int import_linear(struct weight_import *im, int layer, const char *stem, struct rows rows,
                         size_t columns, bool bias, struct hap_linear *to)
{
        char name[MAX_TENSOR_NAME];
        int rc;

        if (!stem)
                return 0;
        tensor_name(im, stem, layer, ".weight", name);
        rc = import_matrix(im, name, rows, columns, im->layout->transposed, &to->weight);
        if (rc < 0 || !bias)
                return rc;
        tensor_name(im, stem, layer, ".bias", name);
        return import_vector(im, name, rows, 0, &to->bias);
}

static int import_norm(struct weight_import *im, int layer, const char *stem, size_t n,
                       struct hap_norm *to)
{
        char name[MAX_TENSOR_NAME];
        float *values;
        int rc;

        if (!stem)
                return 0;
        tensor_name(im, stem, layer, ".weight", name);
        rc = import_vector(im, name, all_rows(n), im->layout->gain_plus_one ? 1 : 0, &values);
        if (rc < 0)
                return rc;
        to->gain = values;
        if (!im->layout->norm_bias)
                return 0;
        tensor_name(im, stem, layer, ".bias", name);
        rc = import_vector(im, name, all_rows(n), 0, &values);
        to->bias = values;
        return rc;
}

/* Rows of q, k or v (which = 0, 1, 2), heads of d_head rows each. */
static struct rows head_rows(const struct weight_import *im, int which)
{
        const struct hap_config *c = &im->model->config;
        size_t d = (size_t)c->d_head, q = (size_t)c->n_heads * d, kv = (size_t)c->n_kv_heads * d;
        struct rows rows = {.n = which ? kv : q, .group = d, .stride = d};

        rows.pairs = im->layout->rotary_pairs && which < 2;
        rows.total = rows.n;
        if (im->layout->fused == HAP_QKV_STACKED) {
                rows.total = q + 2 * kv;
                rows.first = which == 0 ? 0 : which == 1 ? q : q + kv;
        } else if (im->layout->fused == HAP_QKV_PER_HEAD) {
                rows.total = 3 * q;
                rows.first = (size_t)which * d;
                rows.stride = 3 * d;
        }
        return rows;
}

static int import_attention(struct weight_import *im, int layer, struct hap_layer *to)
{
        const struct hap_weight_layout *l = im->layout;
        const struct hap_config *c = &im->model->config;
        const char *stems[3] = {l->q, l->k, l->v};
        struct hap_linear *linears[3] = {&to->q, &to->k, &to->v};
        size_t d = (size_t)c->d_model;
        int rc;

        for (int i = 0; i < 3; i++) {
                rc = import_linear(im, layer, l->qkv ? l->qkv : stems[i], head_rows(im, i), d,
                                   l->qkv_bias, linears[i]);
                if (rc < 0)
                        return rc;
        }
        if ((rc = import_norm(im, layer, l->q_norm, (size_t)c->d_head, &to->q_norm)) < 0 ||
            (rc = import_norm(im, layer, l->k_norm, (size_t)c->d_head, &to->k_norm)) < 0)
                return rc;
        return import_linear(im, layer, l->o, all_rows(d), (size_t)c->n_heads * c->d_head,
                             l->o_bias, &to->o);
}

static int import_layer(struct weight_import *im, int layer)
{
        struct hap_layer *to = &im->model->layers[layer];
        const struct hap_weight_layout *l = im->layout;
        size_t d = (size_t)im->model->config.d_model, m = (size_t)im->model->config.d_mlp;
        int rc;

        if ((l->o_bias && l->attention_post_norm) || (l->mlp_bias && l->mlp_post_norm))
                return hap_fail(im->err, HAP_EINPUT, "cannot use '%s': biases before the "
                                "norms after attention and MLP are not supported", im->model->path);
        if ((rc = import_norm(im, layer, l->attention_norm, d, &to->attention_norm)) < 0 ||
            (rc = import_norm(im, layer, l->attention_post_norm, d,
                              &to->attention_post_norm)) < 0 ||
            (rc = import_norm(im, layer, l->mlp_norm, d, &to->mlp_norm)) < 0 ||
            (rc = import_norm(im, layer, l->mlp_post_norm, d, &to->mlp_post_norm)) < 0 ||
            (rc = import_attention(im, layer, to)) < 0 ||
            (rc = import_linear(im, layer, l->gate, all_rows(m), d, l->mlp_bias, &to->gate)) < 0 ||
            (rc = import_linear(im, layer, l->in, all_rows(m), d, l->mlp_bias, &to->in)) < 0)
                return rc;
        return import_linear(im, layer, l->out, all_rows(d), m, l->mlp_bias, &to->out);
}

/* A tied model may store its unembedding, too, but only as the embedding's copy: otherwise
 * transformers 4 uses the embedding and transformers 5 the unembedding. */
static int check_tied(const struct weight_import *im)
{
        const char *name = im->layout->unembedding;
        const struct hap_stored *out = name ? hap_store_find(im->store, name) : NULL, *in;
        char embedding[MAX_TENSOR_NAME];
        bool same;

        tensor_name(im, im->layout->token_embedding, 0, "", embedding);
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

static int import_embeddings(struct weight_import *im)
{
        struct hap_model *m = im->model;
        const struct hap_config *c = &m->config;
        char name[MAX_TENSOR_NAME];
        size_t d = (size_t)c->d_model;
        struct hap_matrix positions;
        int rc;

        tensor_name(im, im->layout->token_embedding, 0, "", name);
        rc = import_matrix(im, name, all_rows((size_t)c->n_vocab), d, false,
                           &m->token_embedding);
        if (rc < 0)
                return rc;
        if (c->position_kind == HAP_POSITIONS_LEARNED) {
                tensor_name(im, im->layout->position_embedding, 0, "", name);
                rc = import_matrix(im, name, all_rows((size_t)c->n_context), d, false, &positions);
                if (rc < 0)
                        return rc;
                m->position_embedding = positions.data;
        }
        if (c->tied) {
                m->unembedding = m->token_embedding;
                return check_tied(im);
        }
        return import_matrix(im, im->layout->unembedding, all_rows((size_t)c->n_out), d,
                             im->layout->embedding_out_in, &m->unembedding);
}

/* Divides the frequencies by the stored factors. */
static int import_rotary_factors(struct weight_import *im)
{
        const struct hap_config *c = &im->model->config;
        struct rows rows = all_rows((size_t)c->n_rotary / 2);
        const char *name = im->layout->rotary_factors;
        float *factors, *frequencies;
        int rc;

        if (!name || !hap_store_find(im->store, name))
                return 0;
        rc = import_vector(im, name, rows, 0, &factors);
        if (rc == 0)
                rc = hap_jobs_run(&im->jobs, im->model->path, im->err);
        if (rc < 0)
                return rc;
        frequencies = hap_arena_alloc(&im->model->arena, rows.n, sizeof(*frequencies));
        if (!frequencies)
                return hap_fail_memory(im->err, "the model's rotary frequencies");
        for (size_t i = 0; i < rows.n; i++)
                frequencies[i] = im->model->layers[0].rotary_frequency[i] / factors[i];
        for (int l = 0; l < c->n_layers; l++)
                im->model->layers[l].rotary_frequency = frequencies;
        return 0;
}

static int choose_prefix(struct weight_import *im)
{
        const char *const *prefix = im->layout->prefixes;
        char name[MAX_TENSOR_NAME];

        for (; *prefix; prefix++) {
                im->prefix = *prefix;
                tensor_name(im, im->layout->token_embedding, 0, "", name);
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
static int refuse_unused(const struct weight_import *im)
{
        const struct hap_weight_layout *l = im->layout;

        for (size_t i = 0; i < im->store->n; i++) {
                const struct hap_stored *stored = &im->store->items[i];
                bool known = stored->used || (im->model->config.tied && l->unembedding &&
                                              strcmp(stored->name, l->unembedding) == 0);

                for (int j = 0; !known && l->ignored[j]; j++)
                        known = ends_with(stored->name, l->ignored[j]);
                if (!known)
                        return hap_fail(im->err, HAP_EINPUT,
                                        "cannot use '%s': unsupported: tensor '%.200s' is "
                                        "not used by a %s model of this description",
                                        im->model->path, stored->name,
                                        im->model->config.family);
        }
        return 0;
}

/* Sets n_parameters, and the storage kind of most of them. */
static void count_parameters(struct hap_model *model, const struct hap_store *store)
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

int hap_import(struct hap_model *model, const struct hap_weight_layout *layout,
               struct hap_store *store, struct hap_error *err)
{
        struct weight_import im = {.model = model, .layout = layout, .store = store, .err = err};
        int rc;

        if ((rc = choose_prefix(&im)) < 0 || (rc = import_embeddings(&im)) < 0 ||
            (rc = import_norm(&im, 0, layout->final_norm, (size_t)model->config.d_model,
                              &model->final_norm)) < 0)
                goto out;
        for (int layer = 0; layer < model->config.n_layers; layer++)
                if ((rc = import_layer(&im, layer)) < 0)
                        goto out;
        if ((rc = import_rotary_factors(&im)) < 0 || (rc = refuse_unused(&im)) < 0)
                goto out;
        rc = hap_jobs_run(&im.jobs, model->path, err);
        if (rc == 0)
                count_parameters(model, store);
out:
        hap_jobs_release(&im.jobs);
        return rc;
}
