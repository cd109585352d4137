/* The bars of reports. */
#include <math.h>
#include <string.h>

#include "show/show_chart.h"
#include "show/show_output.h"
#include "show/show_values_svg.h"

enum { WIDTH = 760, MAX_LEFT = 320, NOTE = 96, TOP = 34, BAR = 15, STEP = 22, GAP = 52 };

#define CHARACTER 7.3 /* no letter of this size is wider on average, in the fonts of the style */

/* left, right: where the bars' range begins and ends. */
struct axis {
        double low, high, left, right;
};

/* "VALUE [LOW, HIGH]"; returns its length. */
static int note_of(const struct hap_value *v, char *note)
{
        const int n = snprintf(note, NOTE, "%.4g", v->value);

        if (!isfinite(v->low) || !isfinite(v->high))
                return n;
        return n + snprintf(note + n, NOTE - (size_t)n, " [%.3g, %.3g]", v->low, v->high);
}

/* Names have room on the left, and values on the right. */
static struct axis margins_of(const struct hap_values *values)
{
        size_t name = 4;
        int longest = 4;
        char note[NOTE];

        for (size_t i = 0; i < values->n; i++) {
                const size_t length = strlen(values->items[i].circuit);
                const int n = note_of(&values->items[i], note);

                name = length > name ? length : name;
                longest = n > longest ? n : longest;
        }
        return (struct axis){.left = fmin(16 + CHARACTER * (double)name, MAX_LEFT),
                             .right = WIDTH - 14 - CHARACTER * longest};
}

static bool is_of(const struct hap_values *values, size_t i, size_t metric)
{
        return strcmp(values->items[i].metric, values->metrics[metric]) == 0;
}

/* The range of a metric, with 0 and with the intervals, within the margins of `a`. */
static struct axis axis_of(const struct hap_values *values, struct axis a, size_t metric)
{
        for (size_t i = 0; i < values->n; i++) {
                const struct hap_value *v = &values->items[i];

                if (!is_of(values, i, metric))
                        continue;
                a.low = fmin(a.low, isfinite(v->low) ? fmin(v->low, v->value) : v->value);
                a.high = fmax(a.high, isfinite(v->high) ? fmax(v->high, v->value) : v->value);
        }
        if (!(a.high - a.low > 1e-9))
                a.high = a.low + 1;
        return a;
}

static double x_at(const struct axis *a, double value)
{
        return a->left + (value - a->low) / (a->high - a->low) * (a->right - a->left);
}

static void draw_ticks(const struct axis *a, double y, double height, FILE *out)
{
        const double step = hap_chart_step(a->low, a->high, 5);

        for (double i = ceil(a->low / step - 1e-9); i * step <= a->high + 1e-9 * step; i++)
                fprintf(out, "<path class=\"a\" d=\"M%.1f %.1fv%.1f\"/><text x=\"%.1f\" y=\"%.1f\""
                        " text-anchor=\"middle\">%g</text>\n", x_at(a, i * step), y, height,
                        x_at(a, i * step), y + height + 15, i * step + 0.0);
}

static void draw_bar(const struct axis *a, const struct hap_value *v, double y, FILE *out)
{
        const double from = x_at(a, fmin(v->value, 0)), to = x_at(a, fmax(v->value, 0));
        const double middle = y + BAR / 2.0;
        const bool interval = isfinite(v->low) && isfinite(v->high);
        const double end = fmax(to, interval ? x_at(a, v->high) : to);
        char note[NOTE];

        note_of(v, note);
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", a->left - 8, middle + 4.5);
        hap_write_escaped(out, v->circuit);
        fprintf(out, "</text><rect class=\"v\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\""
                " fill=\"%s\" fill-opacity=\"%s\"/>", from, y, to - from, BAR,
                v->reference ? "#8d99a8" : hap_chart_colour(0), v->reference ? ".45" : ".7");
        if (interval)
                fprintf(out, "<path class=\"i\" stroke=\"#6e7781\" fill=\"none\" d=\"M%.1f %.1fH%.1f"
                        "M%.1f %.1fv8M%.1f %.1fv8\"/>", x_at(a, v->low), middle, x_at(a, v->high),
                        x_at(a, v->low), middle - 4, x_at(a, v->high), middle - 4);
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", end + 7, middle + 4.5, note);
}

void hap_draw_bars(const struct hap_values *values, bool white, FILE *out)
{
        const int height = (int)(TOP + STEP * (double)values->n + GAP * (double)values->n_metrics);
        const struct axis margins = margins_of(values);
        double y = TOP;

        hap_chart_begin(out, WIDTH, height, white);
        for (size_t m = 0; m < values->n_metrics; m++) {
                const struct axis a = axis_of(values, margins, m);
                size_t n = 0;

                for (size_t i = 0; i < values->n; i++)
                        n += is_of(values, i, m);
                fprintf(out, "<text class=\"h\" x=\"%.1f\" y=\"%.1f\">", a.left, y - 8);
                hap_write_escaped(out, values->metrics[m]);
                fputs("</text>\n", out);
                draw_ticks(&a, y, STEP * (double)n, out);
                for (size_t i = 0; i < values->n; i++) {
                        if (!is_of(values, i, m))
                                continue;
                        draw_bar(&a, &values->items[i], y + (STEP - BAR) / 2.0, out);
                        y += STEP;
                }
                y += GAP;
        }
        fputs("</svg>\n", out);
}
