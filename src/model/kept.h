/* Matrices that stay in memory as their file stores them, and are converted as they are read. */
#ifndef HAP_MODEL_KEPT_H
#define HAP_MODEL_KEPT_H

#include "model/convert.h"
#include "model/model.h"

/* Where a matrix is stored, and what is folded into it: a value x of row r and column c is
 * read as (float)(x · gain[c] − mean[r]). gain and mean are NULL until folded. */
struct hap_kept {
        struct hap_job job; /* without `out` */
        const float *gain;  /* [columns], borrowed */
        const double *mean; /* [rows], borrowed */
};

/* The model has this matrix, as F32 or as stored. */
static inline bool hap_matrix_exists(const struct hap_matrix *w)
{
        return w->data != NULL || w->kept != NULL;
}

/* The model was loaded with its weights, not only its description. */
static inline bool hap_model_has_weights(const struct hap_model *model)
{
        return hap_matrix_exists(&model->token_embedding) ||
               (model->layers_before > 0 && model->n_parameters > 0);
}

/* Values that are converted together: columns are read in multiples of this. 1 for F32. */
int hap_matrix_align(const struct hap_matrix *w);
/* out[rows][columns] = the matrix from (row, column) on, of a kept matrix. column and columns
 * are multiples of hap_matrix_align. */
void hap_matrix_read(const struct hap_matrix *w, int row, int rows, int column, int columns,
                     float *out);
/* One row, [columns]: of the matrix itself, or converted to `buffer`. */
const float *hap_matrix_row(const struct hap_matrix *w, int row, float *buffer);

#endif
