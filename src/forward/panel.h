/* Matrices that are kept as stored are converted by panels as products need them. A product is
 * split into the same panels if its matrix is F32, so that both give the same sums. */
#ifndef HAP_FORWARD_PANEL_H
#define HAP_FORWARD_PANEL_H

#include "model/model.h"

/* Rows of a panel of x · Wᵀ, for a block W of rows × columns. */
int hap_panel_rows(int rows, int columns);
/* Columns of a panel of x · W. */
int hap_panel_columns(int rows, int columns);

/* Bytes of scratch->panel: 0 if the model's weights are F32. */
size_t hap_panel_bytes(const struct hap_model *model);

#endif
