#include "show/show_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

void hap_write_plain(FILE *out, const char *text, size_t max)
{
        for (; *text && max > 0; text++, max--)
                fputc((unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text, out);
        if (*text)
                fputs(" ...", out);
}

size_t hap_text_width(const char *text)
{
        size_t n = 0;

        /* bytes that do not continue a UTF-8 character */
        for (; text && *text; text++)
                n += ((unsigned char)*text & 0xc0) != 0x80;
        return n;
}

void hap_write_padded(FILE *out, const char *text, size_t width)
{
        const size_t used = hap_text_width(text);

        hap_write_plain(out, text, SIZE_MAX);
        fprintf(out, "%*s", used < width ? (int)(width - used) : 0, "");
}

void hap_write_label(FILE *out, const char *label)
{
        fprintf(out, "  %-*s ", HAP_LABEL_COLUMNS - 3, label);
}

char *hap_value_text(const json_t *value)
{
        char number[40];

        if (json_is_string(value))
                return strdup(json_string_value(value));
        if (json_is_real(value)) {
                snprintf(number, sizeof number, "%.6g", json_real_value(value));
                return strdup(number);
        }
        return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
}

void hap_write_value(FILE *out, const json_t *value)
{
        char *text = value ? hap_value_text(value) : NULL;

        if (value && !text)
                hap_memory_short();
        hap_write_plain(out, text ? text : "", 240);
        free(text);
}

long hap_table_row(struct hap_table *table)
{
        char ***cells = realloc(table->cells, (table->rows + 1) * sizeof *cells);

        if (!cells)
                return -1;
        table->cells = cells;
        cells[table->rows] = calloc(table->columns + 1, sizeof **cells);
        if (!cells[table->rows])
                return -1;
        return (long)table->rows++;
}

/* The column of that title, or -1. */
static long find_column(const struct hap_table *table, const char *title)
{
        for (size_t c = 0; c < table->columns; c++) {
                if (strcmp(table->cells[0][c], title) == 0)
                        return (long)c;
        }
        return -1;
}

bool hap_table_has(const struct hap_table *table, size_t row, const char *title)
{
        long column = find_column(table, title);

        return column >= 0 && table->cells[row][column];
}

int hap_table_set(struct hap_table *table, size_t row, size_t column, const char *text)
{
        free(table->cells[row][column]);
        table->cells[row][column] = strdup(text);
        return table->cells[row][column] ? 0 : -1;
}

long hap_table_column(struct hap_table *table, const char *title)
{
        size_t n = table->columns;
        long there = find_column(table, title);

        if (there >= 0)
                return there;
        if (table->rows == 0 && hap_table_row(table) < 0)
                return -1;
        for (size_t r = 0; r < table->rows; r++) {
                char **wider = realloc(table->cells[r], (n + 1) * sizeof *wider);

                if (!wider)
                        return -1;
                wider[n] = NULL;
                table->cells[r] = wider;
        }
        table->columns++;
        return hap_table_set(table, 0, n, title) < 0 ? -1 : (long)n;
}

int hap_table_put(struct hap_table *table, size_t row, const char *title, const char *text)
{
        const long column = hap_table_column(table, title);

        return column < 0 ? -1 : hap_table_set(table, row, (size_t)column, text);
}

void hap_table_write(const struct hap_table *table, int indent, FILE *out)
{
        for (size_t r = 0; r < table->rows; r++) {
                fprintf(out, "%*s", indent, "");
                for (size_t c = 0; c < table->columns; c++) {
                        const char *text = table->cells[r][c] ? table->cells[r][c] : "";
                        size_t widest = 0;

                        for (size_t i = 0; i < table->rows; i++) {
                                size_t width = hap_text_width(table->cells[i][c]);

                                widest = width > widest ? width : widest;
                        }
                        if (c > 0)
                                fprintf(out, "  %*s", (int)(widest - hap_text_width(text)), "");
                        hap_write_padded(out, text, c == 0 ? widest : 0);
                }
                fputc('\n', out);
        }
}

void hap_table_release(struct hap_table *table)
{
        for (size_t r = 0; r < table->rows; r++) {
                for (size_t c = 0; c < table->columns; c++)
                        free(table->cells[r][c]);
                free(table->cells[r]);
        }
        free(table->cells);
        *table = (struct hap_table){0};
}
