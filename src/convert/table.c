#include "convert/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/number.h"
#include "convert/edge_parts.h"

/* The columns are known after the last record, so rows wait in the arena. */
struct row {
        struct row *next;
        uint32_t n_cells;
        char cells[]; /* of each the column's number, a uint32_t, and the text with its NUL */
};

struct converting {
        struct hap_stream_in *in;
        struct hap_error *err;
        json_t *columns; /* {name: number}, in order */
        struct hap_arena arena;
        struct row *first, **last;
        size_t n_rows, sections;
};

enum { FORGET_EVERY = 16384 }; /* rows */

static int set_text(struct converting *c, json_t *row, const char *name, json_t *text)
{
        if (!text && c->err->code == HAP_EINPUT)
                return c->err->code;
        if (!text || json_object_set_new(row, name, text) < 0 ||
            (!json_object_get(c->columns, name) &&
             json_object_set_new(c->columns, name,
                                 json_integer((json_int_t)json_object_size(c->columns))) < 0))
                return hap_fail_memory(c->err, "a table");
        return HAP_OK;
}

static json_t *text_of_number(double value, bool single)
{
        char digits[HAP_DIGITS];

        if (value - value != 0) /* not finite */
                return json_string(value > 0 ? "inf" : value < 0 ? "-inf" : "nan");
        hap_shortest_digits(value, single, digits);
        return json_string(digits);
}

static json_t *plain_text(struct converting *c, const msgpack_object *value)
{
        json_t *text = hap_json_plain_text(value);

        if (!text && !hap_memory_was_short())
                hap_stream_in_fail(c->in, c->err, "it has a text with a NUL, or that is not UTF-8");
        return text;
}

/* The cell of a value: a new reference; NULL without a code in err for a lack of memory. */
static json_t *text_of(struct converting *c, const msgpack_object *value)
{
        json_t *json, *text = NULL;
        char *dumped;

        switch (value->type) {
        case MSGPACK_OBJECT_NIL:
                return json_string("");
        case MSGPACK_OBJECT_BOOLEAN:
                return json_string(value->via.boolean ? "true" : "false");
        case MSGPACK_OBJECT_POSITIVE_INTEGER:
                return json_sprintf("%" PRIu64, value->via.u64);
        case MSGPACK_OBJECT_NEGATIVE_INTEGER:
                return json_sprintf("%" PRId64, value->via.i64);
        case MSGPACK_OBJECT_FLOAT32:
        case MSGPACK_OBJECT_FLOAT64:
                return text_of_number(value->via.f64, value->type == MSGPACK_OBJECT_FLOAT32);
        case MSGPACK_OBJECT_STR:
                return plain_text(c, value);
        default:
                json = hap_json_of(value);
                dumped = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
                if (dumped)
                        text = json_string(dumped);
                else
                        hap_stream_in_fail(c->in, c->err, "it has a tensor, which does not fit "
                                           "into a cell of a table; use --to npz");
                free(dumped);
                json_decref(json);
                return text;
        }
}

static int add_edge(struct converting *c, json_t *row)
{
        const char *edge = json_string_value(json_object_get(row, "edge"));
        struct hap_edge_parts parts;

        if (!edge || !hap_edge_parts(edge, strlen(edge), &parts))
                return HAP_OK;
        if (set_text(c, row, "writer", json_stringn(parts.writer, parts.n_writer)) < 0 ||
            set_text(c, row, "reader", json_stringn(parts.reader, parts.n_reader)) < 0)
                return c->err->code;
        if (!parts.position)
                return HAP_OK;
        return set_text(c, row, "position", json_stringn(parts.position, parts.n_position));
}

static int keep_row(struct converting *c, json_t *cells)
{
        size_t bytes = sizeof(struct row);
        const char *name;
        struct row *row;
        json_t *text;
        char *at;

        json_object_foreach(cells, name, text)
                bytes += sizeof(uint32_t) + json_string_length(text) + 1;
        row = hap_arena_alloc(&c->arena, bytes, 1);
        if (!row)
                return hap_fail_memory(c->err, "a table");
        at = row->cells;
        json_object_foreach(cells, name, text) {
                const uint32_t column =
                        (uint32_t)json_integer_value(json_object_get(c->columns, name));

                memcpy(at, &column, sizeof column);
                memcpy(at + sizeof column, json_string_value(text), json_string_length(text) + 1);
                at += sizeof column + json_string_length(text) + 1;
        }
        row->n_cells = (uint32_t)json_object_size(cells);
        *c->last = row;
        c->last = &row->next;
        if (c->n_rows++ % FORGET_EVERY == FORGET_EVERY - 1)
                hap_arena_forget(&c->arena);
        return HAP_OK;
}

static int add_record(struct converting *c, const msgpack_object *record)
{
        const msgpack_object_map *map = &record->via.map;
        json_t *row = json_object();
        int rc = HAP_OK;

        set_text(c, row, "section", json_sprintf("%zu", c->sections));
        set_text(c, row, "file", json_string(hap_stream_in_name(c->in)));
        for (uint32_t i = 0; i < map->size && rc == 0; i++) {
                const msgpack_object *key = &map->ptr[i].key;
                json_t *name;

                if (key->type != MSGPACK_OBJECT_STR)
                        continue;
                c->err->code = 0;
                name = plain_text(c, key);
                rc = name ? set_text(c, row, json_string_value(name), text_of(c, &map->ptr[i].val))
                          : set_text(c, row, "", NULL);
                json_decref(name);
        }
        if (rc == 0)
                rc = add_edge(c, row);
        if (rc == 0)
                rc = keep_row(c, row);
        json_decref(row);
        return rc;
}

static int read_all(struct converting *c)
{
        char kind[32] = "";
        msgpack_object record;
        json_t *header;
        int rc;

        while ((rc = hap_stream_in_section(c->in, &header, c->err)) > 0) {
                const char *theirs = json_string_value(json_object_get(header, "kind"));

                if (c->sections++ && strcmp(kind, theirs) != 0)
                        return hap_fail(c->err, HAP_EINPUT, "cannot make one table of a %s and a "
                                        "%s in '%s'", kind, theirs, hap_stream_in_name(c->in));
                snprintf(kind, sizeof kind, "%s", theirs);
                while ((rc = hap_stream_in_record(c->in, &record, c->err)) > 0)
                        if ((rc = add_record(c, &record)) < 0)
                                return rc;
                if (rc < 0)
                        return rc;
        }
        return rc;
}

static void print_quoted(const char *text, FILE *out)
{
        if (!strpbrk(text, ",\"\r\n")) {
                fputs(text, out);
                return;
        }
        putc('"', out);
        for (; *text; text++) {
                if (*text == '"')
                        putc('"', out);
                putc(*text, out);
        }
        putc('"', out);
}

static void print_escaped(const char *text, FILE *out)
{
        static const char from[] = "\t\n\r\\", to[] = "tnr\\";

        for (; *text; text++) {
                const char *found = strchr(from, *text);

                if (found)
                        putc('\\', out);
                putc(found ? to[found - from] : *text, out);
        }
}

static void print_cell(const char *text, char separator, bool first, FILE *out)
{
        if (!first)
                putc(separator, out);
        if (separator == ',')
                print_quoted(text, out);
        else
                print_escaped(text, out);
}

static bool is_printed(const struct converting *c, size_t column)
{
        return c->sections > 1 || column > 1; /* "section" and "file" */
}

static void print_names(const struct converting *c, char separator, FILE *out)
{
        const char *name;
        json_t *number;
        bool first = true;

        json_object_foreach(c->columns, name, number) {
                if (!is_printed(c, (size_t)json_integer_value(number)))
                        continue;
                print_cell(name, separator, first, out);
                first = false;
        }
        putc('\n', out);
}

/* `texts`: [columns], of the row's cells. */
static void print_row(const struct converting *c, const struct row *row, const char **texts,
                      char separator, FILE *out)
{
        const size_t n = json_object_size(c->columns);
        const char *at = row->cells;
        bool first = true;

        memset(texts, 0, n * sizeof *texts);
        for (uint32_t i = 0; i < row->n_cells; i++) {
                uint32_t column;

                memcpy(&column, at, sizeof column);
                texts[column] = at + sizeof column;
                at = texts[column] + strlen(texts[column]) + 1;
        }
        for (size_t i = 0; i < n; i++) {
                if (!is_printed(c, i))
                        continue;
                print_cell(texts[i] ? texts[i] : "", separator, first, out);
                first = false;
        }
        putc('\n', out);
}

static int print_table(const struct converting *c, char separator, FILE *out)
{
        const char **texts = calloc(json_object_size(c->columns) + 1, sizeof *texts);
        size_t n = 0;

        if (!texts)
                return hap_fail_memory(c->err, "a table");
        print_names(c, separator, out);
        for (const struct row *row = c->first; row; row = row->next) {
                print_row(c, row, texts, separator, out);
                if (n++ % FORGET_EVERY == FORGET_EVERY - 1)
                        hap_arena_forget(&c->arena);
        }
        free(texts);
        return HAP_OK;
}

static int convert(struct hap_stream_in *in, char separator, FILE *out, size_t *n,
                   struct hap_error *err)
{
        struct converting c = {.in = in, .err = err, .columns = json_object()};
        int rc;

        c.last = &c.first;
        hap_arena_init_in_file(&c.arena);
        rc = c.columns ? read_all(&c) : hap_fail_memory(err, "a table");
        if (rc == 0)
                rc = print_table(&c, separator, out);
        *n = c.n_rows;
        json_decref(c.columns);
        hap_arena_release(&c.arena);
        return rc;
}

int hap_csv_write(struct hap_stream_in *in, FILE *out, size_t *n, struct hap_error *err)
{
        return convert(in, ',', out, n, err);
}

int hap_tsv_write(struct hap_stream_in *in, FILE *out, size_t *n, struct hap_error *err)
{
        return convert(in, '\t', out, n, err);
}
