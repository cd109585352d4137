#include "show/show_figures.h"

#include "show/show_curve.h"
#include "show/show_output.h"
#include "show/show_plot.h"
#include "show/show_values_svg.h"

bool hap_show_has_figures(const struct hap_show *show)
{
        return hap_show_has_curve(show) || hap_show_has_values(show) || hap_show_has_log(show);
}

int hap_show_figures(const struct hap_show *show, bool white, FILE *out, struct hap_error *err)
{
        int rc = HAP_OK;

        if (hap_show_has_curve(show))
                hap_draw_curves(show, white, out);
        else if (hap_show_has_values(show))
                rc = hap_show_values(show, white, out, err);
        else
                hap_plot(show, white, out);
        return rc < 0 ? rc : hap_show_written(out, err);
}

int hap_draw_figures(const struct hap_show *show, FILE *out, struct hap_error *err)
{
        int rc = HAP_OK;

        if (hap_show_has_curve(show))
                hap_draw_curves(show, false, out);
        if (hap_show_has_values(show))
                rc = hap_show_values(show, false, out, err);
        if (hap_show_has_log(show))
                hap_plot(show, false, out);
        return rc;
}
