#include "forward/panel.h"

#include "common/number.h"

#define PANEL ((size_t)8 << 20) /* values: products so large take no special path in the BLAS */
#define ALIGN 256               /* columns: the largest block of a storage */

static int panels(int rows, int columns)
{
        return (int)hap_max(1, (size_t)rows * (size_t)columns / PANEL);
}

int hap_panel_rows(int rows, int columns)
{
        const int n = panels(rows, columns);

        return (rows + n - 1) / n;
}

int hap_panel_columns(int rows, int columns)
{
        const int n = panels(rows, columns);

        return ((columns + n - 1) / n + ALIGN - 1) / ALIGN * ALIGN;
}

static size_t panel_values(int rows, int columns)
{
        const size_t forward = (size_t)hap_panel_rows(rows, columns) * (size_t)(columns + 2 * ALIGN);
        const size_t width = (size_t)hap_panel_columns(rows, columns) + 2 * ALIGN;

        return hap_max(forward, (size_t)rows * width);
}

size_t hap_panel_bytes(const struct hap_model *model)
{
        const struct hap_config *c = &model->config;
        const int d = c->d_model, heads = c->n_heads * c->d_head;
        size_t values = 0;

        if (model->stored_bytes == 0)
                return 0;
        values = hap_max(values, panel_values(heads, d));
        values = hap_max(values, panel_values(d, heads));
        values = hap_max(values, panel_values(c->d_mlp, d));
        values = hap_max(values, panel_values(d, c->d_mlp));
        values = hap_max(values, panel_values(c->n_out, d));
        return hap_max(values, 2 * PANEL) * sizeof(float);
}
