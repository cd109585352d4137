#include "model/kept.h"

int hap_matrix_align(const struct hap_matrix *w)
{
        return w->kept ? (int)hap_storage_block(w->kept->job.from->kind) : 1;
}

void hap_matrix_read(const struct hap_matrix *w, int row, int rows, int column, int columns,
                     float *out)
{
        const struct hap_kept *kept = w->kept;

        hap_job_read(&kept->job, (size_t)row, (size_t)rows, (size_t)column, (size_t)columns, out);
        for (int r = 0; kept->gain && r < rows; r++)
                for (int c = 0; c < columns; c++)
                        out[(size_t)r * (size_t)columns + (size_t)c] *= kept->gain[column + c];
        for (int r = 0; kept->mean && r < rows; r++)
                for (int c = 0; c < columns; c++) {
                        float *x = &out[(size_t)r * (size_t)columns + (size_t)c];

                        *x = (float)(*x - kept->mean[row + r]);
                }
}

const float *hap_matrix_row(const struct hap_matrix *w, int row, float *buffer)
{
        if (w->data)
                return w->data + (size_t)row * (size_t)w->columns;
        hap_matrix_read(w, row, 1, 0, w->columns, buffer);
        return buffer;
}
