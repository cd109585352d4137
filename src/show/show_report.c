/* A record of a report is one value; the table has a line for each circuit and ablation,
 * and a column for each metric. */
#include "show/show_report.h"

#include <stdlib.h>
#include <string.h>

#include "show/show_curve.h"
#include "show/show_record.h"
#include "show/show_roles.h"
#include "show/show_statistics.h"
#include "show/show_table.h"

static bool same_field(const json_t *a, const json_t *b, const char *key)
{
        const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);

        return (!x && !y) || (x && y && json_equal(x, y));
}

/* A line of the table: its first record, and its row. */
struct report_line {
        const json_t *first;
        size_t row;
};

/* The last line of the record's circuit, if it does not have the metric yet; NULL: the
 * record begins a new line. */
static const struct report_line *line_of(const struct hap_table *table,
                                         const struct report_line *lines, size_t n,
                                         const json_t *record)
{
        const char *metric = json_string_value(json_object_get(record, "metric"));

        while (n-- > 0) {
                const struct report_line *line = lines + n;

                if (same_field(record, line->first, "circuit") &&
                    same_field(record, line->first, "class") &&
                    same_field(record, line->first, "ablation"))
                        return hap_table_has(table, line->row, metric ? metric : "value") ? NULL
                                                                                         : line;
        }
        return NULL;
}

/* A metric's mean over the examples, with its interval or its standard deviation. */
static int put_metric(struct hap_table *table, size_t row, const json_t *record)
{
        const char *metric = json_string_value(json_object_get(record, "metric"));
        char text[HAP_MEAN_TEXT];

        hap_mean_text(json_object_get(record, "value"), record, text);
        return hap_table_put(table, row, metric ? metric : "value", text);
}

/* Cuts a list of words that would make the table too wide: "a0.h1 a0.h3 and 40 more". */
static void cut_list(char *text)
{
        enum { WIDEST = 72, REST = sizeof " and 18446744073709551615 more" };
        char *end = text + WIDEST;
        size_t more = 0;

        if (strlen(text) < WIDEST + REST)
                return;
        while (end > text && *end != ' ')
                end--;
        for (const char *c = end; *c; c++)
                more += *c == ' ';
        if (end > text)
                snprintf(end, REST, " and %zu more", more);
}

/* The other fields of the first record of a circuit. */
static int put_rest(struct hap_table *table, size_t row, const json_t *record)
{
        static const char *const of_metric[] = {"metric", "value", "sd", "se", "low", "high",
                                                "level", "as_good"};
        const char *key;
        json_t *value;
        int rc = 0;

        json_object_foreach((json_t *)record, key, value) {
                bool own = json_is_array(value);
                char *text;

                for (size_t i = 0; i < sizeof of_metric / sizeof *of_metric; i++)
                        own = own || strcmp(key, of_metric[i]) == 0;
                if (own || rc < 0)
                        continue;
                text = hap_value_text(value);
                if (text && (strcmp(key, "kept") == 0 || strcmp(key, "missing") == 0))
                        cut_list(text);
                rc = text ? hap_table_put(table, row, key, text) : -1;
                free(text);
        }
        return rc;
}

int hap_write_report(const json_t *records, FILE *out, struct hap_error *err)
{
        struct hap_table table = {0};
        size_t n = json_array_size(records), n_lines = 0;
        struct report_line *lines = calloc(n + 1, sizeof *lines);
        int rc = lines && hap_table_column(&table, "circuit") >= 0 ? 0 : -1;

        for (size_t i = 0; i < n && rc == 0; i++) {
                const json_t *record = json_array_get(records, i);
                const struct report_line *line;

                if (!hap_is_mean(record))
                        continue;
                line = line_of(&table, lines, n_lines, record);
                if (!line) {
                        long row = hap_table_row(&table);

                        lines[n_lines] = (struct report_line){record, (size_t)row};
                        line = lines + n_lines++;
                        rc = row < 0 ? -1 : put_rest(&table, line->row, record);
                }
                if (rc == 0)
                        rc = put_metric(&table, line->row, record);
        }
        if (rc == 0 && n_lines > 0) {
                fputc('\n', out);
                hap_table_write(&table, 2, out);
                if (hap_write_differences(records, out, err) < 0 ||
                    hap_write_tests(records, out, err) < 0)
                        rc = -1;
        }
        if (rc == 0)
                rc = hap_write_curves(records, out, err);
        if (rc == 0)
                rc = hap_write_roles(records, out, err);
        hap_table_release(&table);
        free(lines);
        return rc == 0 ? HAP_OK : hap_fail_memory(err, "a table");
}
