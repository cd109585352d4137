#include "model/import_tensor.h"

#include <stdio.h>
#include <string.h>

#include "common/file_map.h"
#include "model/kept.h"

void hap_import_name(const struct hap_weight_import *im, const char *name, int layer,
                     const char *suffix, char out[HAP_MAX_TENSOR_NAME])
{
        const char *mark = strstr(name, "%d");

        if (mark)
                snprintf(out, HAP_MAX_TENSOR_NAME, "%s%.*s%d%s%s", im->prefix, (int)(mark - name),
                         name, layer, mark + 2, suffix);
        else
                snprintf(out, HAP_MAX_TENSOR_NAME, "%s%s%s", im->prefix, name, suffix);
}

/* "[2, 3]" */
static void shape_text(const size_t *shape, int n_dims, char text[200])
{
        int n = 0;

        for (int i = 0; i < n_dims; i++)
                n += snprintf(text + n, 200 - (size_t)n, "%s%zu", i ? ", " : "[", shape[i]);
        strcpy(text + n, n_dims ? "]" : "[]");
}

static int refuse_shape(struct hap_weight_import *im, const struct hap_stored *stored,
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

int hap_import_find(struct hap_weight_import *im, const char *name, const size_t *shape, int n_dims,
                    struct hap_stored **found)
{
        struct hap_stored *stored = hap_store_find(im->store, name);
        const char *path = im->model->path;
        bool fits;

        *found = stored;
        if (!stored)
                return hap_fail(im->err, HAP_EINPUT, "cannot use '%s': it has no tensor '%s'",
                                path, name);
        fits = stored->n_dims == n_dims;
        for (int i = 0; fits && i < n_dims; i++)
                fits = stored->shape[i] == shape[i];
        if (!fits)
                return refuse_shape(im, stored, shape, n_dims);
        if (stored->kind == HAP_STORED_OTHER)
                return hap_fail(im->err, HAP_EINPUT,
                                "cannot use '%s': unsupported: tensor '%s' is stored as %s",
                                path, name, stored->dtype);
        stored->used = true;
        return 0;
}

static struct hap_job make_job(const struct hap_stored *stored, struct hap_rows rows, size_t columns,
                               bool transposed)
{
        return (struct hap_job){.from = stored, .rows = rows.n, .columns = columns,
                                .first = rows.first + (transposed ? 0 : rows.part * rows.total),
                                .depth = transposed ? rows.part * columns : 0,
                                .group = rows.group, .stride = rows.stride,
                                .pairs = rows.pairs, .transposed = transposed};
}

/* The matrix stays as stored; the job checks its values. */
static int keep_matrix(struct hap_weight_import *im, struct hap_job job, struct hap_matrix *out)
{
        out->kept = hap_arena_alloc(&im->model->arena, 1, sizeof(*out->kept));
        if (!out->kept)
                return hap_fail_memory(im->err, "the model's weights");
        out->kept->job = job;
        return hap_jobs_add(&im->jobs, job, im->err);
}

/* Allocates a weight of rows.n * columns in the arena and adds the job to fill it. */
static int add_job(struct hap_weight_import *im, struct hap_job job, float **out)
{
        size_t n;

        if (hap_size_mul(job.rows, job.columns, &n) < 0)
                return hap_fail_memory(im->err, "the model's weights");
        *out = hap_arena_alloc(&im->model->arena, n, sizeof(**out));
        if (!*out)
                return hap_fail_memory(im->err, "the model's weights");
        hap_file_map_large_pages(*out, n * sizeof(**out));
        job.out = *out;
        return hap_jobs_add(&im->jobs, job, im->err);
}

int hap_import_matrix(struct hap_weight_import *im, const char *name, struct hap_rows rows,
                         size_t columns, bool transposed, bool keep, struct hap_matrix *out)
{
        struct hap_job job;
        const size_t shape[3] = {rows.parts, transposed ? columns : rows.total,
                                 transposed ? rows.total : columns};
        const bool part = rows.parts > 0;
        struct hap_stored *stored;
        int rc = hap_import_find(im, name, part ? shape : shape + 1, part ? 3 : 2, &stored);

        if (rc < 0)
                return rc;
        if (transposed && hap_storage_block(stored->kind) != 1)
                return hap_fail(im->err, HAP_EINPUT,
                                "cannot use '%s': unsupported: tensor '%s' is transposed and "
                                "stored as %s",
                                im->model->path, name, stored->dtype);
        *out = (struct hap_matrix){.rows = (int)rows.n, .columns = (int)columns};
        stored->elsewhere = im->elsewhere;
        if (im->elsewhere)
                return 0;
        job = make_job(stored, rows, columns, transposed);
        return keep ? keep_matrix(im, job, out) : add_job(im, job, &out->data);
}

int hap_import_vector(struct hap_weight_import *im, const char *name, struct hap_rows rows, float add,
                         float **out)
{
        const size_t shape[2] = {rows.parts, rows.total};
        const bool part = rows.parts > 0;
        struct hap_stored *stored;
        struct hap_job job;
        int rc = hap_import_find(im, name, part ? shape : shape + 1, part ? 2 : 1, &stored);

        if (rc < 0)
                return rc;
        if (hap_storage_block(stored->kind) != 1)
                return hap_fail(im->err, HAP_EINPUT,
                                "cannot use '%s': unsupported: vector '%s' is stored as %s",
                                im->model->path, name, stored->dtype);
        job = make_job(stored, rows, 1, false);
        job.add = add;
        return add_job(im, job, out);
}

int hap_import_linear(struct hap_weight_import *im, int layer, const char *stem, struct hap_rows rows,
                         size_t columns, bool bias, struct hap_linear *to)
{
        char name[HAP_MAX_TENSOR_NAME];
        int rc;

        if (!stem)
                return 0;
        hap_import_name(im, stem, layer, ".weight", name);
        rc = hap_import_matrix(im, name, rows, columns, im->layout->transposed, im->keep,
                           &to->weight);
        if (rc < 0 || !bias)
                return rc;
        hap_import_name(im, stem, layer, ".bias", name);
        return hap_import_vector(im, name, rows, 0, &to->bias);
}
