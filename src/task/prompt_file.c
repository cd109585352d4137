#include "task/prompt_file.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "task/delimited.h"
#include "task/prompt_text.h"

/* A line of JSON, or a row of a table. */
struct line {
        const char *text;
        size_t length, number; /* from 1, blank lines counted */
};

/* Where it is; there may be millions. */
struct place {
        uint32_t at, length, number;
};

struct hap_prompt_file {
        char *name;
        struct hap_prompt_text text;
        struct place *lines; /* those that are not blank */
        size_t n_lines, capacity;
        json_t *whole;   /* of an array or of auto-circuit's object, or NULL */
        json_t *prompts; /* the array in it, borrowed */
        json_t *header;  /* the columns of a table, or NULL */
        char separator;
};

static int add_line(struct hap_prompt_file *file, struct line line, struct hap_error *err)
{
        if (file->n_lines == file->capacity) {
                const size_t capacity = file->capacity ? 2 * file->capacity : 256;
                struct place *more = reallocarray(file->lines, capacity, sizeof *more);

                if (!more)
                        return hap_fail_memory(err, "prompts");
                file->lines = more;
                file->capacity = capacity;
        }
        file->lines[file->n_lines++] = (struct place){
                .at = (uint32_t)(line.text - file->text.at),
                .length = (uint32_t)line.length,
                .number = (uint32_t)line.number,
        };
        return 0;
}

static int find_lines(struct hap_prompt_file *file, struct hap_error *err)
{
        const char *end = file->text.at + file->text.length;
        size_t number = 0;

        for (const char *at = file->text.at, *next; at < end; at = next) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                size_t size = (size_t)((newline ? newline : end) - at);

                next = newline ? newline + 1 : end;
                number++;
                hap_prompt_text_touch(&file->text, size);
                if (!hap_is_blank(at, size) && add_line(file, (struct line){at, size, number}, err) < 0)
                        return err->code;
        }
        return 0;
}

static int fail_row(const struct hap_prompt_file *file, size_t number, const char *why,
                    struct hap_error *err)
{
        if (!*why)
                return hap_fail_memory(err, "prompts");
        return hap_fail(err, HAP_EINPUT, "cannot read line %zu of '%s': %s", number, file->name,
                        why);
}

/* The name that two columns have, or NULL; columns without a name are not read. */
static const char *named_twice(const json_t *header)
{
        for (size_t i = 0; i < json_array_size(header); i++)
                for (size_t j = 0; j < i; j++)
                        if (json_equal(json_array_get(header, i), json_array_get(header, j)) &&
                            json_string_length(json_array_get(header, i)) > 0)
                                return json_string_value(json_array_get(header, i));
        return NULL;
}

static int take_header(struct hap_prompt_file *file, size_t number, json_t *row,
                       struct hap_error *err)
{
        const char *name = named_twice(row);

        if (name)
                return hap_fail(err, HAP_EINPUT, "cannot read line %zu of '%s': two columns are "
                                "named '%.64s'", number, file->name, name);
        file->header = json_incref(row);
        return 0;
}

/* Finds the rows of a table. Rows are parsed once more when they are given. */
static int find_rows(struct hap_prompt_file *file, struct hap_error *err)
{
        const size_t length = file->text.length;
        size_t number = 1;

        for (size_t at = 0, used, lines; at < length; at += used, number += lines) {
                const char *text = file->text.at + at, *why;
                const char *newline = memchr(text, '\n', length - at);
                const size_t first = newline ? (size_t)(newline - text) : length - at;
                json_t *row;
                int rc;

                if (hap_is_blank(text, first)) {
                        used = first + (newline != NULL);
                        lines = 1;
                        continue;
                }
                row = hap_delimited_row(text, length - at, file->separator, &used, &lines,
                                        &why);
                if (!row)
                        return fail_row(file, number, why, err);
                rc = file->header ? add_line(file, (struct line){text, used, number}, err)
                                  : take_header(file, number, row, err);
                json_decref(row);
                hap_prompt_text_touch(&file->text, used);
                if (rc < 0)
                        return rc;
        }
        return 0;
}

/* An array, or an object with "prompts". False: the file is something else, such as lines. */
static bool find_whole(struct hap_prompt_file *file, bool array, json_error_t *why)
{
        file->whole = json_loadb(file->text.at, file->text.length, JSON_REJECT_DUPLICATES, why);
        file->prompts = array ? file->whole : json_object_get(file->whole, "prompts");
        if (json_is_array(file->prompts))
                return true;
        json_decref(file->whole);
        file->whole = file->prompts = NULL;
        return false;
}

static bool is_blank_character(char c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int find_prompts(struct hap_prompt_file *file, struct hap_error *err)
{
        const struct hap_prompt_text *text = &file->text;
        json_error_t why;
        size_t blank = 0;
        char first;

        while (blank < text->length && is_blank_character(text->at[blank]))
                blank++;
        first = blank < text->length ? text->at[blank] : '\0';

        if (first == '[' || first == '{') {
                if (find_whole(file, first == '[', &why))
                        return 0;
                if (first == '[')
                        return hap_fail(err, HAP_EINPUT, "cannot read '%s': it begins as a JSON "
                                        "array: line %d: %s", file->name, why.line, why.text);
                return find_lines(file, err);
        }
        for (const char *c = ",;\t"; *c; c++)
                if (hap_delimited_is(text->at, text->length, *c)) {
                        file->separator = *c;
                        return find_rows(file, err);
                }
        return find_lines(file, err);
}

int hap_prompt_file_open(struct hap_prompt_file **out, const char *path, struct hap_error *err)
{
        struct hap_prompt_file *file = calloc(1, sizeof *file);
        int rc;

        *out = NULL;
        if (!file)
                return hap_fail_memory(err, "prompts");
        file->name = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
        rc = file->name ? hap_prompt_text_open(&file->text, path, file->name, err)
                        : hap_fail_memory(err, "a name");
        if (rc == 0)
                rc = find_prompts(file, err);
        if (rc == 0 && hap_prompt_file_count(file) == 0)
                rc = hap_fail(err, HAP_EINPUT, "cannot use '%s': it has no examples", file->name);
        if (rc < 0)
                hap_prompt_file_close(file);
        else
                *out = file;
        return rc;
}

void hap_prompt_file_close(struct hap_prompt_file *file)
{
        if (!file)
                return;
        free(file->name);
        hap_prompt_text_close(&file->text);
        free(file->lines);
        json_decref(file->whole);
        json_decref(file->header);
        free(file);
}

size_t hap_prompt_file_count(const struct hap_prompt_file *file)
{
        return file->prompts ? json_array_size(file->prompts) : file->n_lines;
}

const char *hap_prompt_file_name(const struct hap_prompt_file *file)
{
        return file->name;
}

const char *hap_prompt_file_unit(const struct hap_prompt_file *file)
{
        return file->prompts ? "prompt" : "line";
}

size_t hap_prompt_file_number(const struct hap_prompt_file *file, size_t i)
{
        return file->prompts ? i + 1 : file->lines[i].number;
}

json_t *hap_prompt_file_around(const struct hap_prompt_file *file, const char *key)
{
        return json_object_get(file->whole, key);
}

/* Texts are C strings, so "\\u0000" is refused. The byte itself is not valid JSON. */
static bool has_nul(const struct line *line, const json_error_t *why)
{
        return json_error_code(why) == json_error_null_character ||
               json_error_code(why) == json_error_null_byte_in_key ||
               memchr(line->text, '\0', line->length);
}

static int parse_line(const struct hap_prompt_file *file, size_t i, const struct line *line,
                      json_t **value, struct hap_error *err)
{
        json_error_t why;

        *value = json_loadb(line->text, line->length, JSON_REJECT_DUPLICATES, &why);
        if (*value)
                return 0;
        if (has_nul(line, &why))
                return hap_fail(err, HAP_EINPUT, "cannot read line %zu of '%s': a NUL character "
                                "(\\u0000) is not allowed", line->number, file->name);
        return hap_fail(err, HAP_EINPUT, "cannot read line %zu of '%s': not JSON: %s%s",
                        line->number, file->name, why.text,
                        i > 0 || strchr("{[", *line->text) ? ""
                        : "; the first line of a table names its columns, one of them 'clean'");
}

static int parse_row(const struct hap_prompt_file *file, const struct line *line, json_t **object,
                     struct hap_error *err)
{
        size_t used, lines;
        const char *why;
        char where[512];
        json_t *row = hap_delimited_row(line->text, line->length, file->separator, &used, &lines,
                                        &why);
        int rc;

        if (!row)
                return fail_row(file, line->number, why, err);
        snprintf(where, sizeof where, "line %zu of '%.400s'", line->number, file->name);
        rc = hap_delimited_object(file->header, row, where, object, err);
        json_decref(row);
        return rc;
}

int hap_prompt_file_get(struct hap_prompt_file *file, size_t i, json_t **object,
                        struct hap_error *err)
{
        int rc = 0;

        *object = NULL;
        if (file->prompts) {
                *object = json_incref(json_array_get(file->prompts, i));
        } else {
                const struct place *place = file->lines + i;
                const struct line line = {file->text.at + place->at, place->length, place->number};

                hap_prompt_text_touch(&file->text, line.length);
                rc = file->header ? parse_row(file, &line, object, err)
                                  : parse_line(file, i, &line, object, err);
        }
        if (rc < 0 || json_is_object(*object))
                return rc;
        json_decref(*object);
        *object = NULL;
        return hap_fail(err, HAP_EINPUT, "cannot read %s %zu of '%s': not a JSON object",
                        hap_prompt_file_unit(file), hap_prompt_file_number(file, i), file->name);
}
