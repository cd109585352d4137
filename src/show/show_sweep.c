/* Metrics against the size of circuits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "show/show_chart.h"
#include "show/show_output.h"
#include "show/show_values_svg.h"

enum { WIDTH = 760, LEFT = 70, RIGHT = 24, TOP = 36, HEIGHT = 210, GAP = 66, LINE = 18,
       NAME = 128 };

struct series {
        char name[NAME];
        size_t *points; /* indices of values, by size */
        size_t n;
};

struct sweep {
        const struct hap_values *values;
        struct series *series;
        size_t n;
        double left, right; /* log10 of the sizes */
        double low, high;   /* of the panel */
        double y;           /* its upper edge */
};

/* --- series --- */

static void sweep_release(struct sweep *s)
{
        for (size_t i = 0; s->series && i < s->n; i++)
                free(s->series[i].points);
        free(s->series);
        *s = (struct sweep){0};
}

static struct series *series_of(struct sweep *s, const char *name)
{
        for (size_t i = 0; i < s->n; i++)
                if (strcmp(s->series[i].name, name) == 0)
                        return &s->series[i];
        snprintf(s->series[s->n].name, NAME, "%s", name);
        s->series[s->n].points = calloc(s->values->n, sizeof(size_t));
        return s->series[s->n].points ? &s->series[s->n++] : NULL;
}

/* Puts the value into its place, by size. */
static void add_point(const struct hap_values *values, struct series *series, size_t value)
{
        size_t i = series->n++;

        for (; i > 0 && values->items[series->points[i - 1]].size > values->items[value].size; i--)
                series->points[i] = series->points[i - 1];
        series->points[i] = value;
}

static int sweep_init(struct sweep *s, const struct hap_values *values, struct hap_error *err)
{
        *s = (struct sweep){.values = values, .left = INFINITY, .right = -INFINITY};
        s->series = calloc(values->n + 1, sizeof *s->series);
        for (size_t i = 0; s->series && i < values->n; i++) {
                const struct hap_value *v = &values->items[i];
                struct series *series;
                char name[NAME];

                if (v->reference || !(v->size > 0))
                        continue;
                hap_series_name(v, name, sizeof name);
                series = series_of(s, name);
                if (!series) {
                        sweep_release(s);
                        return hap_fail_memory(err, "the picture");
                }
                add_point(values, series, i);
                s->left = fmin(s->left, log10(v->size));
                s->right = fmax(s->right, log10(v->size));
        }
        return s->series ? HAP_OK : hap_fail_memory(err, "the picture");
}

/* --- panels --- */

static bool is_of(const struct sweep *s, size_t value, const char *metric)
{
        return strcmp(s->values->items[value].metric, metric) == 0;
}

static double x_at(const struct sweep *s, double size)
{
        const double share = s->right > s->left ? (log10(size) - s->left) / (s->right - s->left)
                                                : .5;

        return LEFT + 14 + share * (WIDTH - LEFT - RIGHT - 28);
}

static double y_at(const struct sweep *s, double value)
{
        return s->y + HEIGHT * (1 - (value - s->low) / (s->high - s->low));
}

static void set_range(struct sweep *s, const char *metric)
{
        double margin;

        s->low = INFINITY;
        s->high = -INFINITY;
        for (size_t i = 0; i < s->values->n; i++) {
                const struct hap_value *v = &s->values->items[i];

                if (!is_of(s, i, metric) || v->reference)
                        continue;
                s->low = fmin(s->low, isfinite(v->low) ? fmin(v->low, v->value) : v->value);
                s->high = fmax(s->high, isfinite(v->high) ? fmax(v->high, v->value) : v->value);
        }
        if (s->low > 0 && s->low < .5 * s->high)
                s->low = 0;
        margin = .05 * (s->high - s->low);
        if (!(margin > 1e-12))
                margin = .5;
        s->low -= s->low == 0 ? 0 : margin;
        s->high += margin;
}

static void draw_axes(const struct sweep *s, const char *metric, FILE *out)
{
        const double step = hap_chart_step(s->low, s->high, 5);
        double last = -INFINITY;

        fprintf(out, "<text class=\"h\" x=\"%d\" y=\"%.1f\">", LEFT, s->y - 10);
        hap_write_escaped(out, metric);
        fputs("</text>\n", out);
        for (double i = ceil(s->low / step - 1e-9); i * step <= s->high + 1e-9 * step; i++)
                fprintf(out, "<path class=\"a\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\""
                        " text-anchor=\"end\">%g</text>\n", LEFT, y_at(s, i * step), WIDTH - RIGHT,
                        LEFT - 8, y_at(s, i * step) + 4, i * step + 0.0);
        for (size_t k = 0; k < s->n; k++) { /* the sizes of the first series that has them */
                for (size_t i = 0; i < s->series[k].n; i++) {
                        const double size = s->values->items[s->series[k].points[i]].size;

                        if (x_at(s, size) < last + 44)
                                continue;
                        last = x_at(s, size);
                        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.3g%%"
                                "</text>\n", last, s->y + HEIGHT + 17, 100 * size);
                }
        }
        fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">share of all edges that is kept"
                "</text>\n", WIDTH - RIGHT, s->y + HEIGHT + 34);
}

/* The full and the empty model, if they are in the range of the others. */
static void draw_references(const struct sweep *s, const char *metric, FILE *out)
{
        for (size_t i = 0; i < s->values->n; i++) {
                const struct hap_value *v = &s->values->items[i];

                if (!v->reference || !is_of(s, i, metric) || v->value < s->low ||
                    v->value > s->high)
                        continue;
                fprintf(out, "<path class=\"r\" stroke=\"#6e7781\" stroke-dasharray=\"1 3\" d=\"M%d "
                        "%.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT,
                        y_at(s, v->value), WIDTH - RIGHT, WIDTH - RIGHT - 4,
                        y_at(s, v->value) - 4);
                hap_write_escaped(out, v->circuit);
                fputs("</text>\n", out);
        }
}

/* The mean of the values of the same size, from the i-th point on; *next: the point after. */
static double mean_from(const struct sweep *s, const struct series *series, const char *metric,
                        size_t i, size_t *next)
{
        const double size = s->values->items[series->points[i]].size;
        double sum = 0;
        int n = 0;

        for (; i < series->n; i++) {
                const struct hap_value *v = &s->values->items[series->points[i]];

                if (fabs(v->size - size) > 1e-9)
                        break;
                if (strcmp(v->metric, metric) != 0)
                        continue;
                sum += v->value;
                n++;
        }
        *next = i;
        return n > 0 ? sum / n : (double)NAN;
}

static void draw_series(const struct sweep *s, size_t k, const char *metric, FILE *out)
{
        const struct series *series = &s->series[k];
        const char *colour = hap_chart_colour((int)k);
        char command = 'M';

        fprintf(out, "<path class=\"l\" fill=\"none\" stroke=\"%s\" stroke-dasharray=\"%s\" d=\"",
                colour, hap_chart_dash((int)k));
        for (size_t i = 0, next; i < series->n; i = next) {
                const double size = s->values->items[series->points[i]].size;
                const double mean = mean_from(s, series, metric, i, &next);

                if (!isfinite(mean))
                        continue;
                fprintf(out, "%c%.1f %.1f", command, x_at(s, size), y_at(s, mean));
                command = 'L';
        }
        fputs("\"/>\n", out);
        for (size_t i = 0; i < series->n; i++) {
                const struct hap_value *v = &s->values->items[series->points[i]];

                if (strcmp(v->metric, metric) != 0)
                        continue;
                if (isfinite(v->low) && isfinite(v->high))
                        fprintf(out, "<path class=\"i\" stroke=\"%s\" stroke-opacity=\".6\" d=\"M%.1f"
                                " %.1fV%.1f\"/>", colour, x_at(s, v->size), y_at(s, v->low),
                                y_at(s, v->high));
                fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\" fill=\"%s\"/>\n",
                        x_at(s, v->size), y_at(s, v->value), colour);
        }
}

static void draw_legend(const struct sweep *s, FILE *out)
{
        for (size_t k = 0; k < s->n; k++) {
                const double y = s->y + LINE * (double)k;

                fprintf(out, "<path fill=\"none\" stroke=\"%s\" stroke-dasharray=\"%s\" d=\"M%d %.1f"
                        "h34\"/><text x=\"%d\" y=\"%.1f\">", hap_chart_colour((int)k),
                        hap_chart_dash((int)k), LEFT, y - 4, LEFT + 42, y);
                hap_write_escaped(out, s->series[k].name);
                fputs("</text>\n", out);
        }
}

static int draw_sweep(const struct hap_values *values, bool white, FILE *out, struct hap_error *err)
{
        struct sweep s;
        int rc = sweep_init(&s, values, err);

        if (rc < 0)
                return rc;
        hap_chart_begin(out, WIDTH, (int)(TOP + (HEIGHT + GAP) * (double)values->n_metrics +
                                          LINE * (double)s.n + 8), white);
        s.y = TOP;
        for (size_t m = 0; m < values->n_metrics; m++) {
                set_range(&s, values->metrics[m]);
                draw_axes(&s, values->metrics[m], out);
                draw_references(&s, values->metrics[m], out);
                for (size_t k = 0; k < s.n; k++)
                        draw_series(&s, k, values->metrics[m], out);
                s.y += HEIGHT + GAP;
        }
        draw_legend(&s, out);
        fputs("</svg>\n", out);
        sweep_release(&s);
        return HAP_OK;
}

bool hap_show_has_values(const struct hap_show *show)
{
        struct hap_values values;
        struct hap_error ignored;
        bool any;

        if (hap_values_read(&values, show, &ignored) < 0)
                return false;
        any = values.n > 0;
        hap_values_release(&values);
        return any;
}

int hap_show_values(const struct hap_show *show, bool white, FILE *out, struct hap_error *err)
{
        struct hap_values values;
        int rc = hap_values_read(&values, show, err);

        if (rc < 0)
                return rc;
        if (hap_values_sweep(&values))
                rc = draw_sweep(&values, white, out, err);
        else
                hap_draw_bars(&values, white, out);
        hap_values_release(&values);
        return rc;
}
