/* Training logs as curves against the step, KL above and sparsity below, one colour for
 * each log. The KL axis is logarithmic if the range is wide. */
#include "show/show_plot.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "show/show_chart.h"
#include "show/show_output.h"

enum { WIDTH = 760, LEFT = 70, RIGHT = 24, TOP = 52, KL_HEIGHT = 230, GAP = 34,
       SPARSITY_HEIGHT = 130, BOTTOM = 46 };

#define ROUNDING 1e-6 /* KL in nats: smaller values are rounding errors, even their sign */

struct range {
        double low, high;
};

struct panel {
        double y, height;
        struct range x, values;
        bool logarithmic;
};

/* A number of a record; false when it is missing or not finite. */
static bool number_of(const json_t *record, const char *key, double *value)
{
        const json_t *json = json_object_get(record, key);

        *value = json_number_value(json);
        return json_is_number(json) && isfinite(*value);
}

/* The range of `key` over all logs, without values below `least`. */
static struct range value_range(const struct hap_show *show, const char *key, double least)
{
        struct range r = {INFINITY, -INFINITY};
        size_t k;
        json_t *record;
        double value;

        for (size_t i = 0; i < show->n; i++) {
                if (show->sections[i].kind != HAP_SHOW_LOG)
                        continue;
                json_array_foreach(show->sections[i].records, k, record) {
                        if (!number_of(record, key, &value) || value < least)
                                continue;
                        r.low = fmin(r.low, value);
                        r.high = fmax(r.high, value);
                }
        }
        return r.low <= r.high ? r : (struct range){0, 1};
}

static double x_at(const struct panel *p, double step)
{
        double share = p->x.high > p->x.low ? (step - p->x.low) / (p->x.high - p->x.low) : 0;

        return LEFT + share * (WIDTH - LEFT - RIGHT);
}

static double y_at(const struct panel *p, double value)
{
        double low = p->values.low, high = p->values.high;

        if (p->logarithmic) {
                value = log10(fmax(value, low));
                low = log10(low);
                high = log10(high);
        }
        return p->y + p->height * (1 - (value - low) / (high - low));
}

static void grid_line(const struct panel *p, double value, FILE *out)
{
        double y = y_at(p, value);

        fprintf(out, "<path class=\"a\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\""
                " text-anchor=\"end\">%g</text>\n", LEFT, y, WIDTH - RIGHT, LEFT - 8, y + 4,
                value);
}

static void draw_axes(const struct panel *p, const char *title, FILE *out)
{
        double step = hap_chart_step(p->values.low, p->values.high, 4), across = hap_chart_step(p->x.low, p->x.high, 6);

        fprintf(out, "<text class=\"h\" x=\"%d\" y=\"%.1f\">%s</text>\n", LEFT, p->y - 8, title);
        if (p->logarithmic) {
                const int last = (int)floor(log10(p->values.high) + 1e-9);
                const int first = (int)ceil(log10(p->values.low) - 1e-9);

                for (int power = first; power <= last; power += 1 + (last - first) / 10)
                        grid_line(p, pow(10, power), out);
        } else {
                double from = ceil(p->values.low / step - 1e-9);

                for (int i = 0; (from + i) * step <= p->values.high + 1e-9 * step; i++)
                        grid_line(p, (from + i) * step, out);
        }
        for (int i = 0; p->x.high > p->x.low; i++) {
                double v = (ceil(p->x.low / across - 1e-9) + i) * across;

                if (v > p->x.high * (1 + 1e-9))
                        break;
                fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g</text>\n",
                        x_at(p, v), p->y + p->height + 17, v);
        }
}

static void draw_curve(const struct panel *p, const json_t *records, const char *key,
                       const char *colour, const char *more, FILE *out)
{
        size_t k;
        json_t *record;
        double step, value;
        char command = 'M';

        fprintf(out, "<path fill=\"none\" stroke=\"%s\"%s d=\"", colour, more);
        json_array_foreach(records, k, record) {
                if (!number_of(record, "step", &step) || !number_of(record, key, &value))
                        continue;
                fprintf(out, "%c%.1f %.1f", command, x_at(p, step), y_at(p, value));
                command = 'L';
        }
        fputs("\"/>\n", out);
}

/* The names of the logs in their colours, if there are several. */
static void draw_names(const struct hap_show *show, FILE *out)
{
        int log = 0, logs = 0;

        for (size_t i = 0; i < show->n; i++)
                logs += show->sections[i].kind == HAP_SHOW_LOG;
        if (logs < 2)
                return;
        for (size_t i = 0; i < show->n; i++) {
                if (show->sections[i].kind != HAP_SHOW_LOG)
                        continue;
                fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" style=\"fill:%s\">",
                        WIDTH - RIGHT, 22 + 15 * log, hap_chart_colour(log));
                hap_write_escaped(out, show->sections[i].name);
                fputs("</text>\n", out);
                log++;
        }
}

static struct panel kl_panel(const struct hap_show *show)
{
        struct panel p = {.y = TOP, .height = KL_HEIGHT, .x = value_range(show, "step", -INFINITY),
                          .values = value_range(show, "kl", ROUNDING)};

        p.logarithmic = p.values.low > 0 && p.values.high / p.values.low > 30;
        if (p.logarithmic) {
                p.values.low /= 1.4;
                p.values.high = fmin(p.values.high * 1.4, DBL_MAX);
        } else {
                p.values.low = 0;
                p.values.high = p.values.high > 0 ? fmin(p.values.high * 1.05, DBL_MAX) : 1;
        }
        return p;
}

void hap_plot(const struct hap_show *show, bool white, FILE *out)
{
        struct panel kl = kl_panel(show);
        struct panel sparsity = {.y = TOP + KL_HEIGHT + GAP + 16, .height = SPARSITY_HEIGHT,
                                 .x = kl.x, .values = {0, 1}};
        int height = TOP + KL_HEIGHT + GAP + 16 + SPARSITY_HEIGHT + BOTTOM, log = 0;

        hap_chart_begin(out, WIDTH, height, white);
        draw_axes(&kl, kl.logarithmic ? "KL to the full model (logarithmic)"
                                      : "KL to the full model", out);
        draw_axes(&sparsity, "sparsity (dashed: target)", out);
        for (size_t i = 0; i < show->n; i++) {
                const struct hap_section *s = &show->sections[i];
                const char *colour = hap_chart_colour(log);

                if (s->kind != HAP_SHOW_LOG)
                        continue;
                draw_curve(&kl, s->records, "kl", colour, "", out);
                draw_curve(&sparsity, s->records, "sparsity", colour, "", out);
                draw_curve(&sparsity, s->records, "target", colour,
                           " stroke-dasharray=\"5 4\" stroke-opacity=\".7\"", out);
                log++;
        }
        draw_names(show, out);
        fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">step</text>\n</svg>\n",
                WIDTH - RIGHT, height - 8);
}
