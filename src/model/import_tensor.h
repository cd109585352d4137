/* The tensors of a file, for import.c: a weight is the rows of a stored tensor. Every weight
 * becomes a job; then all threads work on all jobs (convert.h). */
#ifndef HAP_MODEL_IMPORT_TENSOR_H
#define HAP_MODEL_IMPORT_TENSOR_H

#include "model/convert.h"
#include "model/import.h"

struct hap_weight_import {
        struct hap_model *model;
        const struct hap_weight_layout *layout;
        struct hap_store *store;
        const char *prefix;
        struct hap_jobs jobs;
        bool keep; /* matrices stay as stored */
        bool elsewhere; /* another rank holds the matrices of this layer: they are only found */
        struct hap_error *err;
};

/* The rows of a stored matrix (or elements of a vector) that are a weight. */
struct hap_rows {
        size_t n;             /* rows of the weight */
        size_t total;         /* stored rows */
        size_t first;         /* the first row of the weight */
        size_t group, stride; /* `group` rows of every `stride` */
        bool pairs;           /* see hap_weight_layout.rotary_pairs */
        size_t parts, part;   /* parts > 0: the weight is of one part of a tensor [parts][…] */
};

static inline struct hap_rows hap_all_rows(size_t n)
{
        return (struct hap_rows){.n = n, .total = n, .group = n, .stride = n};
}

#define HAP_MAX_TENSOR_NAME 256

/* PREFIX + NAME with the layer in place of its "%d" + SUFFIX. */
void hap_import_name(const struct hap_weight_import *im, const char *name, int layer,
                     const char *suffix, char out[HAP_MAX_TENSOR_NAME]);

/* The stored tensor of this name, which is now used. HAP_EINPUT: there is none, or it has
 * another shape. */
int hap_import_find(struct hap_weight_import *im, const char *name, const size_t *shape, int n_dims,
                    struct hap_stored **found);

/* Adds the jobs of a matrix [rows.n][columns], which stays as stored with `keep`. */
int hap_import_matrix(struct hap_weight_import *im, const char *name, struct hap_rows rows,
                      size_t columns, bool transposed, bool keep, struct hap_matrix *out);
/* The same for a vector; `add` is added to its values. */
int hap_import_vector(struct hap_weight_import *im, const char *name, struct hap_rows rows,
                      float add, float **out);
/* A matrix "STEM.weight" and, with `bias`, the vector "STEM.bias". stem NULL: none. */
int hap_import_linear(struct hap_weight_import *im, int layer, const char *stem,
                      struct hap_rows rows, size_t columns, bool bias, struct hap_linear *to);

#endif
