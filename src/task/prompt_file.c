#include "task/prompt_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task/delimited.h"

#define MAX_FILE_BYTES ((size_t)1 << 32)

/* A line of JSON, or a row of a table. */
struct line {
        const char *text;
        size_t length, number; /* from 1, blank lines counted */
};

struct hap_prompt_file {
        char *name;
        char *bytes;
        const char *text; /* bytes without a byte order mark */
        size_t length;
        struct line *lines; /* those that are not blank */
        size_t n_lines, capacity;
        json_t *whole;   /* of an array or of auto-circuit's object, or NULL */
        json_t *prompts; /* the array in it, borrowed */
        json_t *header;  /* the columns of a table, or NULL */
        char separator;
};

static int read_bytes(FILE *stream, struct hap_prompt_file *file, struct hap_error *err)
{
        size_t capacity = 1 << 16, n = 0, got;

        do {
                char *bytes = realloc(file->bytes, capacity);

                if (!bytes)
                        return hap_fail_memory(err, "prompts");
                file->bytes = bytes;
                got = fread(bytes + n, 1, capacity - n, stream);
                n += got;
                if (n == capacity)
                        capacity *= 2;
        } while (got > 0 && n <= MAX_FILE_BYTES);
        if (ferror(stream))
                return hap_fail(err, HAP_ESYSTEM, "cannot read '%s': %s", file->name,
                                strerror(errno));
        if (n > MAX_FILE_BYTES)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': more than %zu bytes",
                                file->name, MAX_FILE_BYTES);
        file->bytes[n] = '\0'; /* the last call found room and nothing to read */
        file->text = file->bytes;
        file->length = n;
        return 0;
}

static int read_file(struct hap_prompt_file *file, const char *path, struct hap_error *err)
{
        static const char mark[] = "\xEF\xBB\xBF"; /* U+FEFF, which some editors write first */
        const bool standard = strcmp(path, "-") == 0;
        FILE *stream = standard ? stdin : fopen(path, "rb");
        int rc;

        if (!stream)
                return hap_fail(err, HAP_ESYSTEM, "cannot open '%s': %s", path, strerror(errno));
        rc = read_bytes(stream, file, err);
        if (!standard)
                fclose(stream);
        if (rc == 0 && file->length >= 3 && memcmp(file->text, mark, 3) == 0) {
                file->text += 3;
                file->length -= 3;
        }
        return rc;
}

static bool is_blank(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (!strchr(" \t\r", text[i]) || !text[i])
                        return false;
        return true;
}

static int add_line(struct hap_prompt_file *file, struct line line, struct hap_error *err)
{
        if (file->n_lines == file->capacity) {
                const size_t capacity = file->capacity ? 2 * file->capacity : 256;
                struct line *more = reallocarray(file->lines, capacity, sizeof *more);

                if (!more)
                        return hap_fail_memory(err, "prompts");
                file->lines = more;
                file->capacity = capacity;
        }
        file->lines[file->n_lines++] = line;
        return 0;
}

static int find_lines(struct hap_prompt_file *file, struct hap_error *err)
{
        const char *end = file->text + file->length;
        size_t number = 0;

        for (const char *at = file->text, *next; at < end; at = next) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                size_t size = (size_t)((newline ? newline : end) - at);

                next = newline ? newline + 1 : end;
                number++;
                if (!is_blank(at, size) && add_line(file, (struct line){at, size, number}, err) < 0)
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

/* Finds the rows of a table. Rows are parsed once more when they are given. */
static int find_rows(struct hap_prompt_file *file, struct hap_error *err)
{
        size_t number = 1;

        for (size_t at = 0, used, lines; at < file->length; at += used, number += lines) {
                const char *text = file->text + at, *why;
                const char *newline = memchr(text, '\n', file->length - at);
                const size_t first = newline ? (size_t)(newline - text) : file->length - at;
                json_t *row;

                if (is_blank(text, first)) {
                        used = first + (newline != NULL);
                        lines = 1;
                        continue;
                }
                row = hap_delimited_row(text, file->length - at, file->separator, &used, &lines,
                                        &why);
                if (!row)
                        return fail_row(file, number, why, err);
                if (!file->header)
                        file->header = json_incref(row);
                else if (add_line(file, (struct line){text, used, number}, err) < 0)
                        number = 0;
                json_decref(row);
                if (number == 0)
                        return err->code;
        }
        return 0;
}

/* An array, or an object with "prompts". False: the file is something else, such as lines. */
static bool find_whole(struct hap_prompt_file *file, bool array, json_error_t *why)
{
        file->whole = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, why);
        file->prompts = array ? file->whole : json_object_get(file->whole, "prompts");
        if (json_is_array(file->prompts))
                return true;
        json_decref(file->whole);
        file->whole = file->prompts = NULL;
        return false;
}

static int find_prompts(struct hap_prompt_file *file, struct hap_error *err)
{
        const size_t blank = strspn(file->length ? file->text : "", " \t\r\n");
        const char first = blank < file->length ? file->text[blank] : '\0';
        json_error_t why;

        if (first == '[' || first == '{') {
                if (find_whole(file, first == '[', &why))
                        return 0;
                if (first == '[')
                        return hap_fail(err, HAP_EINPUT, "cannot read '%s': it begins as a JSON "
                                        "array: line %d: %s", file->name, why.line, why.text);
                return find_lines(file, err);
        }
        for (const char *c = ",\t"; *c; c++)
                if (hap_delimited_is(file->text, file->length, *c)) {
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
        rc = file->name ? read_file(file, path, err) : hap_fail_memory(err, "a name");
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
        free(file->bytes);
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

static int parse_line(const struct hap_prompt_file *file, const struct line *line, json_t **value,
                      struct hap_error *err)
{
        json_error_t why;

        *value = json_loadb(line->text, line->length, JSON_REJECT_DUPLICATES, &why);
        if (*value)
                return 0;
        if (has_nul(line, &why))
                return hap_fail(err, HAP_EINPUT, "cannot read line %zu of '%s': a NUL character "
                                "(\\u0000) is not allowed", line->number, file->name);
        return hap_fail(err, HAP_EINPUT, "cannot read line %zu of '%s': not JSON: %s",
                        line->number, file->name, why.text);
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

int hap_prompt_file_get(const struct hap_prompt_file *file, size_t i, json_t **object,
                        struct hap_error *err)
{
        int rc = 0;

        *object = NULL;
        if (file->prompts)
                *object = json_incref(json_array_get(file->prompts, i));
        else
                rc = file->header ? parse_row(file, file->lines + i, object, err)
                                  : parse_line(file, file->lines + i, object, err);
        if (rc < 0 || json_is_object(*object))
                return rc;
        json_decref(*object);
        *object = NULL;
        return hap_fail(err, HAP_EINPUT, "cannot read %s %zu of '%s': not a JSON object",
                        hap_prompt_file_unit(file), hap_prompt_file_number(file, i), file->name);
}
