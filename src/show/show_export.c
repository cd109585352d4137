#include "show/show_export.h"

#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "show/show_record.h"

/* rows: [{"report", "circuit", ..., "metrics": {name: record}}]; metrics: {name: null}, in order */
struct export {
        json_t *rows, *metrics;
        size_t reports;
        enum hap_export how;
        FILE *out;
};

static const char *const columns[] = {"report", "circuit", "class", "ablation", "examples", "edges",
                                      "sparsity"};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static bool same_row(const json_t *row, const json_t *record)
{
        static const char *const keys[] = {"circuit", "class", "ablation"};

        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
                const json_t *a = json_object_get(row, keys[i]), *b = json_object_get(record, keys[i]);

                if (!a != !b || (a && !json_equal(a, b)))
                        return false;
        }
        return true;
}

/* The last row of the record's circuit in this report that lacks the metric, or a new one. */
static json_t *row_of(struct export *x, size_t first, const char *report, json_t *record)
{
        const char *metric = json_string_value(json_object_get(record, "metric"));
        json_t *row;

        for (size_t i = json_array_size(x->rows); i-- > first;) {
                row = json_array_get(x->rows, i);
                if (same_row(row, record) &&
                    !json_object_get(json_object_get(row, "metrics"), metric))
                        return row;
        }
        row = json_pack("{s:s, s:{}}", "report", report, "metrics");
        for (size_t i = 1; i < N_COLUMNS; i++)
                if (json_object_get(record, columns[i]))
                        json_object_set(row, columns[i], json_object_get(record, columns[i]));
        json_array_append_new(x->rows, row);
        return row;
}

static void add_report(struct export *x, const struct hap_section *section)
{
        const size_t first = json_array_size(x->rows);
        json_t *record;
        size_t i;

        x->reports++;
        json_array_foreach(section->records, i, record) {
                const char *metric = json_string_value(json_object_get(record, "metric"));

                if (!metric || !hap_is_mean(record))
                        continue;
                json_object_set(json_object_get(row_of(x, first, section->name, record), "metrics"),
                                metric, record);
                json_object_set_new(x->metrics, metric, json_null());
        }
}

static bool has_column(const struct export *x, size_t c)
{
        json_t *row;
        size_t i;

        if (c == 0)
                return x->reports > 1;
        json_array_foreach(x->rows, i, row)
                if (json_object_get(row, columns[c]))
                        return true;
        return false;
}

/* What LaTeX writes for a character that a backslash does not escape, or NULL. */
static const char *latex_of(char c)
{
        return c == '\\' ? "\\textbackslash{}" : c == '~' ? "\\textasciitilde{}"
               : c == '^' ? "\\textasciicircum{}" : NULL;
}

/* A text with what has a meaning in the format escaped. */
static void print_text(const struct export *x, const char *text)
{
        static const char *const special[] = {[HAP_EXPORT_MARKDOWN] = "|\\*_`<",
                                              [HAP_EXPORT_TSV] = "",
                                              [HAP_EXPORT_LATEX] = "&%$#_{}"};

        for (; *text; text++) {
                const char c = (unsigned char)*text < ' ' ? ' ' : *text;
                const char *latex = x->how == HAP_EXPORT_LATEX ? latex_of(c) : NULL;

                if (latex) {
                        fputs(latex, x->out);
                        continue;
                }
                if (strchr(special[x->how], c))
                        putc('\\', x->out);
                putc(c, x->out);
        }
}

/* 1.29e-10 as 1.29 \cdot 10^{-10}, within a formula. */
static void print_power(const char *digits, FILE *out)
{
        const size_t mantissa = strcspn(digits, "e");

        fprintf(out, "%.*s", (int)mantissa, digits);
        if (digits[mantissa])
                /* NOLINTNEXTLINE(cert-err34-c): printf wrote them */
                fprintf(out, " \\cdot 10^{%d}", atoi(digits + mantissa + 1));
}

static void print_number(const struct export *x, const json_t *value)
{
        char digits[HAP_DIGITS];

        if (!json_is_number(value))
                return;
        if (x->how == HAP_EXPORT_TSV && !json_is_integer(value)) {
                hap_shortest_digits(json_real_value(value), false, digits);
                fputs(digits, x->out);
        } else {
                snprintf(digits, sizeof digits, json_is_integer(value) ? "%.0f" : "%.4g",
                         json_number_value(value));
                if (x->how == HAP_EXPORT_LATEX)
                        print_power(digits, x->out);
                else
                        fputs(digits, x->out);
        }
}

static void print_value(const struct export *x, const json_t *value)
{
        if (json_is_string(value))
                print_text(x, json_string_value(value));
        else
                print_number(x, value);
}

static void separate(const struct export *x, bool first)
{
        static const char *const between[] = {[HAP_EXPORT_MARKDOWN] = " | ", [HAP_EXPORT_TSV] = "\t",
                                              [HAP_EXPORT_LATEX] = " & "};

        if (!first)
                fputs(between[x->how], x->out);
        else if (x->how == HAP_EXPORT_MARKDOWN)
                fputs("| ", x->out);
}

static void end_row(const struct export *x)
{
        static const char *const end[] = {[HAP_EXPORT_MARKDOWN] = " |\n", [HAP_EXPORT_TSV] = "\n",
                                          [HAP_EXPORT_LATEX] = " \\\\\n"};

        fputs(end[x->how], x->out);
}

/* A mean with its interval or its standard error. */
static void print_mean(const struct export *x, const json_t *record)
{
        static const char *const parts[] = {"value", "se", "low", "high"};
        const json_t *low = json_object_get(record, "low"), *high = json_object_get(record, "high");
        const json_t *se = json_object_get(record, "se");
        const bool latex = x->how == HAP_EXPORT_LATEX;

        if (x->how == HAP_EXPORT_TSV) {
                for (size_t i = 0; i < 4; i++) {
                        separate(x, i == 0);
                        print_value(x, json_object_get(record, parts[i]));
                }
                return;
        }
        if (!json_is_number(json_object_get(record, "value"))) {
                putc('-', x->out);
                return;
        }
        fputs(latex ? "$" : "", x->out);
        print_number(x, json_object_get(record, "value"));
        if (json_is_number(low) && json_is_number(high)) {
                fputs(latex ? "\\;[" : " [", x->out);
                print_number(x, low);
                fputs(", ", x->out);
                print_number(x, high);
                putc(']', x->out);
        } else if (json_is_number(se)) {
                fputs(latex ? " \\pm " : " ± ", x->out);
                print_number(x, se);
        }
        fputs(latex ? "$" : "", x->out);
}

static size_t print_titles(const struct export *x)
{
        static const char *const parts[] = {"", "_se", "_low", "_high"};
        const char *metric;
        json_t *unused;
        size_t n = 0;

        for (size_t c = 0; c < N_COLUMNS; c++)
                if (has_column(x, c)) {
                        separate(x, n++ == 0);
                        print_text(x, columns[c]);
                }
        json_object_foreach(x->metrics, metric, unused)
                for (size_t i = 0; i < (x->how == HAP_EXPORT_TSV ? 4 : 1); i++) {
                        separate(x, n++ == 0);
                        print_text(x, metric);
                        fputs(parts[i], x->out);
                }
        end_row(x);
        return n;
}

static void print_rows(const struct export *x)
{
        const char *metric;
        json_t *row, *unused;
        size_t i;

        json_array_foreach(x->rows, i, row) {
                bool first = true;

                for (size_t c = 0; c < N_COLUMNS; c++)
                        if (has_column(x, c)) {
                                separate(x, first);
                                first = false;
                                print_value(x, json_object_get(row, columns[c]));
                        }
                json_object_foreach(x->metrics, metric, unused) {
                        separate(x, false);
                        print_mean(x, json_object_get(json_object_get(row, "metrics"), metric));
                }
                end_row(x);
        }
}

static void print_table(const struct export *x)
{
        size_t n = 0;

        for (size_t c = 0; c < N_COLUMNS; c++)
                n += has_column(x, c);
        n += json_object_size(x->metrics);
        if (x->how == HAP_EXPORT_LATEX) {
                fputs("\\begin{tabular}{l", x->out);
                for (size_t i = 1; i < n; i++)
                        putc('r', x->out);
                fputs("}\n\\hline\n", x->out);
        }
        print_titles(x);
        if (x->how == HAP_EXPORT_LATEX)
                fputs("\\hline\n", x->out);
        for (size_t i = 0; i < n && x->how == HAP_EXPORT_MARKDOWN; i++)
                fputs(i + 1 < n ? "| --- " : "| --- |\n", x->out);
        print_rows(x);
        if (x->how == HAP_EXPORT_LATEX)
                fputs("\\hline\n\\end{tabular}\n", x->out);
}

int hap_show_export(const struct hap_show *show, enum hap_export how, FILE *out,
                    struct hap_error *err)
{
        struct export x = {json_array(), json_object(), 0, how, out};
        int rc = x.rows && x.metrics ? HAP_OK : hap_fail_memory(err, "a table");

        for (size_t i = 0; i < show->n && rc == 0; i++)
                if (show->sections[i].kind == HAP_SHOW_REPORT)
                        add_report(&x, show->sections + i);
        if (rc == 0 && json_array_size(x.rows) == 0)
                rc = hap_fail(err, HAP_EINPUT, "cannot write a table: the input has no report of "
                              "circuits");
        if (rc == 0)
                print_table(&x);
        json_decref(x.rows);
        json_decref(x.metrics);
        return rc;
}
