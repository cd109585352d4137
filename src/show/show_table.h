/* Text for a terminal, and tables of texts. */
#ifndef HAP_SHOW_SHOW_TABLE_H
#define HAP_SHOW_SHOW_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Writes at most `max` bytes of the text, with spaces for control characters, so that a
 * stream cannot control the terminal. */
void hap_write_plain(FILE *out, const char *text, size_t max);
/* Columns that the text takes on a terminal: its characters. NULL: 0. */
size_t hap_text_width(const char *text);
/* Writes the whole text in the same way, then spaces up to `width` columns. */
void hap_write_padded(FILE *out, const char *text, size_t width);
/* The left column of a line: a label and the space after it. */
enum { HAP_LABEL_COLUMNS = 14 };
void hap_write_label(FILE *out, const char *label);
/* Writes a value: a text without quotes, a number with 6 digits, the rest as JSON. */
void hap_write_value(FILE *out, const json_t *value);
/* The same as a new string, or NULL. */
char *hap_value_text(const json_t *value);

/* Cells are texts; a table owns its copies. */
struct hap_table {
        size_t rows, columns;
        char ***cells; /* [rows][columns], NULL: empty */
};

/* The column of that title (row 0), or a new one; -1 when memory is short. */
long hap_table_column(struct hap_table *table, const char *title);
/* Adds a row: its number, or -1. Row 0 has the titles. */
long hap_table_row(struct hap_table *table);
/* Whether the row has a text in the column of that title. */
bool hap_table_has(const struct hap_table *table, size_t row, const char *title);
/* Sets a cell to a copy of the text: 0, or -1 when memory is short. hap_table_put: in the column of
 * that title, which is added if there is none. */
int hap_table_set(struct hap_table *table, size_t row, size_t column, const char *text);
int hap_table_put(struct hap_table *table, size_t row, const char *title, const char *text);
/* Writes columns as wide as their widest cell, after `indent` spaces; the first is aligned
 * left, the others right. */
void hap_table_write(const struct hap_table *table, int indent, FILE *out);
void hap_table_release(struct hap_table *table);

#endif
