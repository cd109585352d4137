#include "show/show_statistics.h"

#include <string.h>

#include "show/show_record.h"
#include "show/show_table.h"

static bool has_number(const json_t *record, const char *key)
{
        return json_is_number(json_object_get(record, key));
}

void hap_mean_text(const json_t *value, const json_t *record, char *text)
{
        const double mean = json_number_value(value);

        if (!json_is_number(value))
                snprintf(text, HAP_MEAN_TEXT, "-");
        else if (has_number(record, "low") && has_number(record, "high"))
                snprintf(text, HAP_MEAN_TEXT, "%.4g [%.3g, %.3g]", mean,
                         hap_number_of(record, "low"), hap_number_of(record, "high"));
        else if (has_number(record, "as_good") && has_number(record, "sd"))
                snprintf(text, HAP_MEAN_TEXT, "%.4g ± %.2g, %.3g %%", mean,
                         hap_number_of(record, "sd"), 100 * hap_number_of(record, "as_good"));
        else if (has_number(record, "sd"))
                snprintf(text, HAP_MEAN_TEXT, "%.4g ± %.2g", mean, hap_number_of(record, "sd"));
        else
                snprintf(text, HAP_MEAN_TEXT, "%.4g", mean);
}

static bool is_more_than_noise(const json_t *record)
{
        const char *p = has_number(record, "p_holm") ? "p_holm" : "p";
        const double level = has_number(record, "level") ? hap_number_of(record, "level") : 0.95;

        return has_number(record, p) && hap_number_of(record, p) < 1 - level;
}

/* The row of the pair, or a new one; -1 when memory is short. */
static long row_of_pair(struct hap_table *table, const json_t *record)
{
        const char *a = hap_text_of(record, "circuit"), *b = hap_text_of(record, "against");
        long row;

        for (size_t r = 1; r < table->rows; r++)
                if (strcmp(table->cells[r][0], a) == 0 && strcmp(table->cells[r][1], b) == 0)
                        return (long)r;
        row = hap_table_row(table);
        if (row < 0 || hap_table_set(table, (size_t)row, 0, a) < 0 ||
            hap_table_set(table, (size_t)row, 1, b) < 0)
                return -1;
        return row;
}

static int put_difference(struct hap_table *table, const json_t *record)
{
        char text[HAP_MEAN_TEXT + 1];
        long row = row_of_pair(table, record);
        long column = row < 0 ? -1 : hap_table_column(table, hap_text_of(record, "metric"));

        hap_mean_text(json_object_get(record, "difference"), record, text);
        strcat(text, is_more_than_noise(record) ? "*" : " ");
        return column < 0 ? -1 : hap_table_set(table, (size_t)row, (size_t)column, text);
}

int hap_write_differences(const json_t *records, FILE *out, struct hap_error *err)
{
        struct hap_table table = {0};
        size_t i, n = 0;
        json_t *record;
        double level = 0.95;
        int rc = 0;

        if (hap_table_column(&table, "difference of") < 0 || hap_table_column(&table, "and") < 0)
                rc = -1;
        json_array_foreach(records, i, record) {
                if (!hap_is_difference(record) || rc < 0)
                        continue;
                rc = put_difference(&table, record);
                level = has_number(record, "level") ? hap_number_of(record, "level") : level;
                n++;
        }
        if (n > 0 && rc == 0) {
                fputc('\n', out);
                hap_table_write(&table, 2, out);
                fprintf(out, "  * more than noise: p < %.3g after correction for the number of "
                        "pairs\n", 1 - level);
        }
        hap_table_release(&table);
        return rc == 0 ? HAP_OK : hap_fail_memory(err, "a table");
}

/* A record of a single edge or set, not of the whole test. */
static bool is_detail(const json_t *record)
{
        return json_object_get(record, "edge") || json_object_get(record, "set");
}

static int put_test(struct hap_table *table, const json_t *record)
{
        const json_t *passed = json_object_get(record, "passed");
        const char *note = hap_text_of(record, "note");
        char statistic[32] = "-", p[32] = "-";
        const long row = hap_table_row(table);

        if (has_number(record, "statistic"))
                snprintf(statistic, sizeof statistic, "%.4g", hap_number_of(record, "statistic"));
        if (has_number(record, "p"))
                snprintf(p, sizeof p, "%.2g", hap_number_of(record, "p"));
        if (row < 0 ||
            hap_table_put(table, (size_t)row, "circuit", hap_text_of(record, "circuit")) < 0 ||
            hap_table_put(table, (size_t)row, "test", hap_text_of(record, "test")) < 0 ||
            hap_table_put(table, (size_t)row, "metric", hap_text_of(record, "metric")) < 0 ||
            hap_table_put(table, (size_t)row, "statistic", statistic) < 0 ||
            hap_table_put(table, (size_t)row, "p", p) < 0)
                return -1;
        return hap_table_put(table, (size_t)row, "passed",
                             passed ? json_is_true(passed) ? "yes" : "no" : note);
}

static void write_unneeded(const json_t *records, FILE *out)
{
        const char *circuit = NULL;
        size_t i;
        json_t *record;

        json_array_foreach(records, i, record) {
                if (!json_is_false(json_object_get(record, "needed")))
                        continue;
                if (!circuit || strcmp(circuit, hap_text_of(record, "circuit")) != 0) {
                        circuit = hap_text_of(record, "circuit");
                        fputs("\n  ", out);
                        hap_write_plain(out, circuit, SIZE_MAX);
                        fputs(" does not need:", out);
                }
                fputc(' ', out);
                hap_write_plain(out, hap_text_of(record, "edge"), SIZE_MAX);
        }
        if (circuit)
                fputc('\n', out);
}

int hap_write_tests(const json_t *records, FILE *out, struct hap_error *err)
{
        struct hap_table table = {0};
        size_t i;
        json_t *record;
        int rc = hap_table_column(&table, "circuit") < 0 ? -1 : 0;

        json_array_foreach(records, i, record)
                if (rc == 0 && hap_is_test(record) && !is_detail(record))
                        rc = put_test(&table, record);
        if (rc == 0 && table.rows > 1) {
                fputc('\n', out);
                hap_table_write(&table, 2, out);
                write_unneeded(records, out);
        }
        hap_table_release(&table);
        return rc == 0 ? HAP_OK : hap_fail_memory(err, "a table");
}
