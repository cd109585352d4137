#include "show/show_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "show/show_chart.h"
#include "show/show_output.h"
#include "show/show_record.h"
#include "show/show_table.h"

/* --- records --- */

static bool is_point(const json_t *record)
{
        return json_is_number(json_object_get(record, "size")) &&
               json_is_number(json_object_get(record, "faithfulness"));
}

/* The title of a record's curve, at most `size` bytes. */
static void curve_title(const json_t *record, char *title, size_t size)
{
        const char *metric = hap_text_of(record, is_point(record) ? "metric" : "of");
        const char *order = hap_text_of(record, "order");
        const bool plain = !*metric || strcmp(metric, "logit-diff") == 0;

        snprintf(title, size, "%s%s%s%s%s", hap_text_of(record, "circuit"), *order ? ", " : "",
                 order, plain ? "" : ", ", plain ? "" : metric);
}

/* --- tables --- */

/* The row whose first cell is the text, or a new one; -1 when memory is short. */
static long row_of(struct hap_table *table, const char *text)
{
        long row;

        for (size_t i = 1; i < table->rows; i++)
                if (table->cells[i][0] && strcmp(table->cells[i][0], text) == 0)
                        return (long)i;
        row = hap_table_row(table);
        return row < 0 || hap_table_set(table, (size_t)row, 0, text) < 0 ? -1 : row;
}

static int put(struct hap_table *table, const char *row_title, const char *column_title,
               const char *text)
{
        const long row = row_of(table, row_title);
        const long column = hap_table_column(table, column_title);

        return row < 0 || column < 0 ? -1 : hap_table_set(table, (size_t)row, (size_t)column, text);
}

static int put_point(struct hap_table *table, const json_t *record)
{
        char size[32], title[256], text[64];

        snprintf(size, sizeof size, "%.4g%%", 100 * hap_number_of(record, "size"));
        curve_title(record, title, sizeof title);
        snprintf(text, sizeof text, "%.4f (%lld)", hap_number_of(record, "faithfulness"),
                 (long long)json_integer_value(json_object_get(record, "edges")));
        return put(table, size, title, text);
}

static int put_area(struct hap_table *table, const json_t *record)
{
        const char *on = hap_text_of(record, "on");
        char title[256], metric[128], text[32];

        curve_title(record, title, sizeof title);
        snprintf(metric, sizeof metric, "%s%s%s", hap_text_of(record, "metric"),
                 *on ? " " : "", on);
        snprintf(text, sizeof text, "%.4f", hap_number_of(record, "value"));
        return put(table, title, metric, text);
}

int hap_write_curves(const json_t *records, FILE *out, struct hap_error *err)
{
        struct hap_table points = {0}, areas = {0};
        const json_t *record;
        size_t i;
        int rc = hap_table_column(&points, "size") < 0 || hap_table_column(&areas, "curve") < 0;

        json_array_foreach((json_t *)records, i, record) {
                if (rc == 0 && hap_is_of_curve(record))
                        rc = is_point(record) ? put_point(&points, record)
                                              : put_area(&areas, record);
        }
        if (rc == 0 && points.rows > 1) {
                fputs("\n  faithfulness (edges)\n\n", out);
                hap_table_write(&points, 2, out);
        }
        if (rc == 0 && areas.rows > 1) {
                fputc('\n', out);
                hap_table_write(&areas, 2, out);
        }
        hap_table_release(&points);
        hap_table_release(&areas);
        return rc ? hap_fail_memory(err, "a table") : HAP_OK;
}

/* --- the picture --- */

enum { WIDTH = 760, LEFT = 62, RIGHT = 24, TOP = 40, HEIGHT = 320, LINE = 17, BOTTOM = 46 };

/* Ranges of the axes; x is log10 of the size. */
struct axes {
        double left, right, low, high;
};

bool hap_show_has_curve(const struct hap_show *show)
{
        for (size_t i = 0; i < show->n; i++) {
                const json_t *record;
                size_t k;

                if (show->sections[i].kind != HAP_SHOW_REPORT)
                        continue;
                json_array_foreach(show->sections[i].records, k, record)
                        if (is_point(record) && hap_number_of(record, "size") > 0)
                                return true;
        }
        return false;
}

static void widen(struct axes *axes, const json_t *record)
{
        const double x = log10(hap_number_of(record, "size"));
        const double f = hap_number_of(record, "faithfulness");

        axes->left = fmin(axes->left, x);
        axes->right = fmax(axes->right, x);
        axes->low = fmin(axes->low, f);
        axes->high = fmax(axes->high, f);
}

static struct axes axes_of(const struct hap_show *show)
{
        struct axes axes = {INFINITY, -INFINITY, 0, 1};
        const json_t *record;
        size_t k;
        double margin;

        for (size_t i = 0; i < show->n; i++)
                json_array_foreach(show->sections[i].records, k, record)
                        if (is_point(record) && hap_number_of(record, "size") > 0)
                                widen(&axes, record);
        margin = 0.04 * (axes.high - axes.low);
        axes.low -= margin;
        axes.high += margin;
        if (axes.right - axes.left < 1e-9)
                axes.left = axes.right - 1;
        return axes;
}

static double x_at(const struct axes *axes, double x)
{
        return LEFT + (x - axes->left) / (axes->right - axes->left) * (WIDTH - LEFT - RIGHT);
}

static double y_at(const struct axes *axes, double f)
{
        return TOP + HEIGHT * (1 - (f - axes->low) / (axes->high - axes->low));
}

static void draw_axes(const struct axes *axes, FILE *out)
{
        const double step = hap_chart_step(axes->low, axes->high, 6);
        static const double leading[] = {1, 2, 5};

        for (double i = ceil(axes->low / step); i * step <= axes->high; i++)
                fprintf(out, "<path class=\"a\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\""
                        " text-anchor=\"end\">%g</text>\n", LEFT, y_at(axes, i * step),
                        WIDTH - RIGHT, LEFT - 8, y_at(axes, i * step) + 4, i * step + 0.0);
        for (int power_of_x = (int)floor(axes->left); power_of_x <= axes->right; power_of_x++) {
                for (int i = 0; i < 3; i++) {
                        const double x = power_of_x + log10(leading[i]);

                        if (x < axes->left - 1e-9 || x > axes->right + 1e-9)
                                continue;
                        fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.4g%%"
                                "</text>\n", x_at(axes, x), TOP + HEIGHT + 17,
                                100 * pow(10, x));
                }
        }
        fprintf(out, "<text class=\"h\" x=\"%d\" y=\"%d\">faithfulness</text>\n"
                "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">share of all edges that is kept"
                "</text>\n", LEFT, TOP - 14, WIDTH - RIGHT, TOP + HEIGHT + 38);
}

/* The records of one curve follow each other; its first begins a new path. */
struct pen {
        char title[256];  /* of the curve that is drawn */
        char circuit[256];
        int curves, circuits;
};

static void begin_curve(struct pen *pen, const json_t *record, const char *title, FILE *out)
{
        const int y = TOP + HEIGHT + BOTTOM + LINE * (pen->curves + 1);
        const char *dash = strcmp(hap_text_of(record, "order"), "signed") == 0
                                   ? " stroke-dasharray=\"6 4\"" : "";
        const char *colour;

        if (strcmp(pen->circuit, hap_text_of(record, "circuit")) != 0)
                pen->circuits++;
        snprintf(pen->circuit, sizeof pen->circuit, "%s", hap_text_of(record, "circuit"));
        snprintf(pen->title, sizeof pen->title, "%s", title);
        colour = hap_chart_colour(pen->circuits - 1);
        fprintf(out, "%s<path fill=\"none\" stroke=\"%s\"%s d=\"M%d %dh26\"/>"
                "<text x=\"%d\" y=\"%d\">", pen->curves ? "\"/>\n" : "", colour, dash, LEFT, y - 4,
                LEFT + 34, y);
        hap_write_escaped(out, title);
        fprintf(out, "</text>\n<path fill=\"none\" stroke=\"%s\"%s d=\"", colour, dash);
        pen->curves++;
}

static void draw_point(struct pen *pen, const struct axes *axes, const json_t *record,
                       bool first_of_section, FILE *out)
{
        char title[256];
        bool begins;

        curve_title(record, title, sizeof title);
        begins = first_of_section || strcmp(title, pen->title) != 0;
        if (begins)
                begin_curve(pen, record, title, out);
        fprintf(out, "%c%.1f %.1f", begins ? 'M' : 'L',
                x_at(axes, log10(hap_number_of(record, "size"))),
                y_at(axes, hap_number_of(record, "faithfulness")));
}

static void draw_section(struct pen *pen, const struct axes *axes, const json_t *records,
                         FILE *out)
{
        const json_t *record;
        bool first = true;
        size_t k;

        json_array_foreach((json_t *)records, k, record) {
                if (!is_point(record) || !(hap_number_of(record, "size") > 0))
                        continue;
                draw_point(pen, axes, record, first, out);
                first = false;
        }
        if (!first)
                pen->circuit[0] = 0; /* the next report's circuits are others */
}

static int count_curves(const struct hap_show *show)
{
        char title[256], last[256] = "";
        const json_t *record;
        size_t k;
        int n = 0;

        for (size_t i = 0; i < show->n; i++) {
                last[0] = 0;
                json_array_foreach(show->sections[i].records, k, record) {
                        if (!is_point(record) || !(hap_number_of(record, "size") > 0))
                                continue;
                        curve_title(record, title, sizeof title);
                        n += last[0] == 0 || strcmp(title, last) != 0;
                        memcpy(last, title, sizeof last);
                }
        }
        return n;
}

void hap_draw_curves(const struct hap_show *show, bool white, FILE *out)
{
        const struct axes axes = axes_of(show);
        struct pen pen = {.curves = 0};

        hap_chart_begin(out, WIDTH, TOP + HEIGHT + BOTTOM + LINE * count_curves(show) + 16, white);
        draw_axes(&axes, out);
        for (size_t i = 0; i < show->n; i++)
                draw_section(&pen, &axes, show->sections[i].records, out);
        fputs("\"/>\n</svg>\n", out);
}
