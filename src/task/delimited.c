#include "task/delimited.h"

#include <stdlib.h>
#include <string.h>

#include "common/number.h"

/* A cell as it grows; its bytes without quotes are never longer than in the text. */
struct cell {
        char *bytes;
        size_t n;
};

/* Reads a cell that begins at text[at]; the index after it, or SIZE_MAX with *why. */
static size_t read_cell(const char *text, size_t length, size_t at, char separator,
                        struct cell *cell, size_t *lines, const char **why)
{
        const bool quoted = separator != '\t' && at < length && text[at] == '"';

        cell->n = 0;
        for (at += quoted; at < length; at++) {
                const char c = text[at];

                if (quoted && c == '"') {
                        if (at + 1 < length && text[at + 1] == '"') {
                                cell->bytes[cell->n++] = text[at++];
                                continue;
                        }
                        at++;
                        if (at < length && text[at] != separator && !strchr("\r\n", text[at])) {
                                *why = "a character follows a closing quote";
                                return SIZE_MAX;
                        }
                        return at;
                }
                if (!quoted && (c == separator || c == '\n'))
                        return at;
                *lines += c == '\n';
                cell->bytes[cell->n++] = c;
        }
        if (quoted)
                *why = "a quote is not closed";
        return quoted ? SIZE_MAX : at;
}

static int append_cell(json_t *row, struct cell *cell, bool last, const char **why)
{
        json_t *value;

        if (last && cell->n && cell->bytes[cell->n - 1] == '\r')
                cell->n--;
        if (memchr(cell->bytes, '\0', cell->n)) {
                *why = "a NUL character is not allowed";
                return -1;
        }
        value = json_stringn(cell->bytes, cell->n);
        if (!value)
                *why = "it is not UTF-8 text";
        return value ? json_array_append_new(row, value) : -1;
}

json_t *hap_delimited_row(const char *text, size_t length, char separator, size_t *used,
                          size_t *lines, const char **why)
{
        struct cell cell = {malloc(length + 1), 0};
        json_t *row = json_array();
        size_t at = 0;
        bool more = cell.bytes && row;

        *why = "";
        *lines = 1;
        while (more) {
                at = read_cell(text, length, at, separator, &cell, lines, why);
                if (at == SIZE_MAX)
                        break;
                if (at < length && text[at] == '\r') /* after a closing quote */
                        at++;
                more = at < length && text[at] == separator;
                if (append_cell(row, &cell, !more, why) < 0) {
                        at = SIZE_MAX;
                        break;
                }
                at += at < length;
        }
        free(cell.bytes);
        if (cell.bytes && row && at != SIZE_MAX) {
                *used = at;
                return row;
        }
        json_decref(row);
        return NULL;
}

bool hap_delimited_is(const char *text, size_t length, char separator)
{
        const char *newline = memchr(text, '\n', length), *why;
        const size_t line = newline ? (size_t)(newline - text) : length;
        size_t used, lines;
        json_t *row, *cell;
        size_t i;
        bool is = false;

        if (line == 0 || line > 65536 || strchr("{[", *text))
                return false;
        row = hap_delimited_row(text, line, separator, &used, &lines, &why);
        json_array_foreach(row, i, cell)
                is = is || strcmp(json_string_value(cell), "clean") == 0 ||
                     strcmp(json_string_value(cell), "prompt") == 0;
        is = is && json_array_size(row) > 1;
        json_decref(row);
        return is;
}

static bool ends_in(const char *text, const char *end)
{
        const size_t n = strlen(text), m = strlen(end);

        return n > m && strcmp(text + n - m, end) == 0;
}

/* A cell that holds JSON: "at", "positions", and lists of answers. */
static bool is_json(const char *column, const char *cell)
{
        static const char *const columns[] = {"at", "positions", "answer", "answers", "wrong",
                                              "wrongs", "wrong_answers"};

        if (!strchr("[{", *cell))
                return false;
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
                if (strcmp(column, columns[i]) == 0)
                        return true;
        return false;
}

static int value_of(const char *column, const char *cell, const char *where, json_t **value,
                    struct hap_error *err)
{
        json_error_t why;
        int64_t number;

        *value = NULL;
        if (ends_in(column, "_idx")) {
                if (hap_parse_int(cell, column, 0, INT32_MAX, &number, err) < 0) {
                        err->code = HAP_EINPUT;
                        return hap_fail_within(err, "cannot use %s", where);
                }
                *value = json_integer(number);
        } else if (is_json(column, cell)) {
                *value = json_loads(cell, JSON_REJECT_DUPLICATES, &why);
                if (!*value)
                        return hap_fail(err, HAP_EINPUT, "cannot use %s: column '%.64s' is not "
                                        "JSON: %s", where, column, why.text);
        } else {
                *value = json_string(cell);
        }
        return *value ? HAP_OK : hap_fail_memory(err, "a row");
}

int hap_delimited_object(const json_t *header, const json_t *row, const char *where,
                         json_t **object, struct hap_error *err)
{
        const size_t n = json_array_size(header);
        json_t *value;
        int rc = HAP_OK;

        if (json_array_size(row) != n)
                return hap_fail(err, HAP_EINPUT, "cannot use %s: it has %zu cells, the header "
                                "line has %zu", where, json_array_size(row), n);
        *object = json_object();
        for (size_t i = 0; i < n && rc == 0; i++) {
                const char *column = json_string_value(json_array_get(header, i));
                const char *cell = json_string_value(json_array_get(row, i));

                if (!*column || !*cell)
                        continue;
                rc = value_of(column, cell, where, &value, err);
                if (rc == 0 && json_object_set_new(*object, column, value) < 0)
                        rc = hap_fail_memory(err, "a row");
        }
        if (rc < 0)
                json_decref(*object);
        return rc;
}
