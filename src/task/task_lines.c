#include "task/task_lines.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "common/random.h"

#define LINES_STREAM 0x6c696e6573 /* this use of the seed */
#define MAX_FILE_BYTES ((size_t)1 << 32)

struct json_line {
        const char *text;
        size_t length, number; /* from 1, blank lines counted */
};

struct hap_lines {
        char *name; /* for messages */
        char *bytes;
        struct json_line *lines; /* those that are not blank */
        size_t n_lines;
        uint32_t *order;
        size_t n, next;
        json_t *seen; /* with options.unique: {id: line} */
        struct hap_lines_options options;
};

static const char *const reserved[] = { "id",    "clean", "answer",    "answers", "wrong",
                                        "wrongs", "at",   "positions", "text",    NULL };

static int read_file(FILE *file, struct hap_lines *lines, size_t *length, struct hap_error *err)
{
        size_t capacity = 1 << 16, n = 0, got;

        do {
                char *bytes = realloc(lines->bytes, capacity);

                if (!bytes)
                        return hap_fail_memory(err, "prompts");
                lines->bytes = bytes;
                got = fread(bytes + n, 1, capacity - n, file);
                n += got;
                if (n == capacity)
                        capacity *= 2;
        } while (got > 0 && n <= MAX_FILE_BYTES);
        if (ferror(file))
                return hap_fail(err, HAP_ESYSTEM, "cannot read '%s': %s", lines->name,
                                strerror(errno));
        if (n > MAX_FILE_BYTES)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': more than %zu bytes",
                                lines->name, MAX_FILE_BYTES);
        *length = n;
        return 0;
}

static bool is_blank(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (!strchr(" \t\r", text[i]) || !text[i])
                        return false;
        return true;
}

static int find_lines(struct hap_lines *lines, size_t length, struct hap_error *err)
{
        const char *end = lines->bytes + length;
        size_t capacity = 0, number = 0;

        for (const char *at = lines->bytes, *next; at < end; at = next) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                size_t size = (size_t)((newline ? newline : end) - at);

                next = newline ? newline + 1 : end;
                number++;
                if (is_blank(at, size))
                        continue;
                if (lines->n_lines == capacity) {
                        struct json_line *more;

                        capacity = capacity ? 2 * capacity : 256;
                        more = reallocarray(lines->lines, capacity, sizeof *more);
                        if (!more)
                                return hap_fail_memory(err, "prompts");
                        lines->lines = more;
                }
                lines->lines[lines->n_lines++] = (struct json_line){ at, size, number };
        }
        if (lines->n_lines > 0 && lines->lines[0].text[strspn(lines->lines[0].text, " \t\r")] == '[')
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': it is a JSON array; JSON lines "
                                "are expected, one object on each line: jq -c '.[]' writes them",
                                lines->name);
        if (lines->n_lines == 0)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': it has no examples",
                                lines->name);
        return 0;
}

/* The first lines for seed 0; otherwise lines drawn without replacement. */
static int pick_lines(struct hap_lines *lines, struct hap_error *err)
{
        size_t total = lines->n_lines, n = lines->options.n ? lines->options.n : total;
        struct hap_random_key key = { lines->options.seed, LINES_STREAM };

        if (n > total && !lines->options.at_most)
                return hap_fail(err, HAP_EUSAGE,
                                "cannot take %zu examples from '%s': there are %zu", n,
                                lines->name, total);
        lines->n = hap_min(n, total);
        lines->order = calloc(total, sizeof *lines->order);
        if (!lines->order)
                return hap_fail_memory(err, "an order of prompts");
        for (size_t i = 0; i < total; i++)
                lines->order[i] = (uint32_t)i;
        if (lines->options.seed)
                hap_random_shuffle(key, 0, total, lines->order);
        return 0;
}

int hap_lines_open(struct hap_lines **out, const char *path,
                   const struct hap_lines_options *options, struct hap_error *err)
{
        bool standard = strcmp(path, "-") == 0;
        struct hap_lines *lines = calloc(1, sizeof *lines);
        FILE *file;
        size_t length = 0;
        int rc;

        *out = NULL;
        if (!lines)
                return hap_fail_memory(err, "prompts");
        lines->options = *options;
        lines->name = strdup(standard ? "standard input" : path);
        lines->seen = json_object();
        if (!lines->name || !lines->seen) {
                rc = hap_fail_memory(err, "a name");
                goto out;
        }
        file = standard ? stdin : fopen(path, "rb");
        if (!file) {
                rc = hap_fail(err, HAP_ESYSTEM, "cannot open '%s': %s", path, strerror(errno));
                goto out;
        }
        rc = read_file(file, lines, &length, err);
        if (!standard)
                fclose(file);
        if (rc == 0)
                rc = find_lines(lines, length, err);
        if (rc == 0)
                rc = pick_lines(lines, err);
out:
        if (rc < 0)
                hap_lines_close(lines);
        else
                *out = lines;
        return rc;
}

void hap_lines_close(struct hap_lines *lines)
{
        if (!lines)
                return;
        free(lines->bytes);
        free(lines->lines);
        free(lines->order);
        free(lines->name);
        json_decref(lines->seen);
        free(lines);
}

size_t hap_lines_count(const struct hap_lines *lines)
{
        return lines->n;
}

/* Texts are C strings, so "\\u0000" is refused. The byte itself is not valid JSON. */
static bool has_nul(const struct json_line *line, const json_error_t *why)
{
        return json_error_code(why) == json_error_null_character ||
               json_error_code(why) == json_error_null_byte_in_key ||
               memchr(line->text, '\0', line->length);
}

static int parse_line(const struct hap_lines *lines, const struct json_line *line,
                      json_t **object, struct hap_error *err)
{
        static const char mark[] = "\xEF\xBB\xBF"; /* U+FEFF, which some editors write first */
        const size_t skip = line->number == 1 && line->length >= 3 &&
                            memcmp(line->text, mark, 3) == 0 ? 3 : 0;
        json_error_t why;

        *object = json_loadb(line->text + skip, line->length - skip, JSON_REJECT_DUPLICATES,
                             &why);
        if (!*object && has_nul(line, &why))
                return hap_fail(err, HAP_EINPUT, "cannot read line %zu of '%s': a NUL character "
                                "(\\u0000) is not allowed", line->number, lines->name);
        if (!*object)
                return hap_fail(err, HAP_EINPUT, "cannot read line %zu of '%s': not JSON: %s",
                                line->number, lines->name, why.text);
        if (!json_is_object(*object)) {
                json_decref(*object);
                *object = NULL;
                return hap_fail(err, HAP_EINPUT,
                                "cannot read line %zu of '%s': not a JSON object", line->number,
                                lines->name);
        }
        return 0;
}

/* --- corruptions --- */

static bool is_corruption(const char *key, const json_t *value)
{
        for (size_t i = 0; reserved[i]; i++)
                if (strcmp(key, reserved[i]) == 0)
                        return false;
        return json_is_string(value) || json_is_array(value);
}

/* The name of the field "corrupted". */
static const char *default_corruption(const struct hap_lines *lines)
{
        return lines->options.task ? lines->options.task->corruptions[0] : "corrupted";
}

static void list_corruptions(const struct hap_lines *lines, json_t *object, char *text,
                             size_t size)
{
        const char *key;
        json_t *value;
        size_t used = 0;

        *text = '\0';
        json_object_foreach(object, key, value) {
                const char *name = strcmp(key, "corrupted") ? key : default_corruption(lines);

                if (!is_corruption(key, value) || used >= size)
                        continue;
                for (int i = snprintf(text + used, size - used, "%s%s", used ? ", " : "", name);
                     i > 0 && used < size; i--, used++)
                        if (text[used] == '_')
                                text[used] = '-';
        }
}

/* The requested field. The name of the default corruption means "corrupted". */
static json_t *find_corrupted(const struct hap_lines *lines, json_t *object)
{
        const char *wanted = lines->options.corruption;
        const char *key;
        json_t *value;

        if (wanted)
                json_object_foreach(object, key, value)
                        if (is_corruption(key, value) && hap_same_name(key, wanted))
                                return value;
        if (!wanted || hap_same_name(wanted, default_corruption(lines)))
                return json_object_get(object, "corrupted");
        return NULL;
}

static int fail_no_corruption(const struct hap_lines *lines, const struct json_line *line,
                              json_t *object, struct hap_error *err)
{
        const char *wanted = lines->options.corruption;
        char have[512];

        if (!json_object_get(object, "clean"))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use line %zu of '%s': there is no 'clean'",
                                line->number, lines->name);
        list_corruptions(lines, object, have, sizeof have);
        if (!wanted || hap_same_name(wanted, "corrupted"))
                return hap_fail(err, HAP_EINPUT,
                                "cannot use line %zu of '%s': there is no 'corrupted'%s%s",
                                line->number, lines->name,
                                *have ? "; --corruption may be one of " : "", have);
        return hap_fail(err, HAP_EUSAGE,
                        "cannot corrupt by '%s': line %zu of '%s' has %s", wanted, line->number,
                        lines->name, *have ? have : "none");
}

/* --- records --- */

static int set_list(json_t *record, const char *key, json_t *value)
{
        if (json_is_array(value))
                return json_object_set(record, key, value);
        return json_object_set_new(record, key, json_pack("[O]", value));
}

/* Copies "answer" or "answers" as a list under `plural`. If the line has both, both are
 * copied, and the check of the record refuses them. */
static int copy_answers(json_t *record, json_t *object, const char *singular,
                        const char *plural)
{
        json_t *many = json_object_get(object, plural);
        json_t *one = json_object_get(object, singular);

        if (many && one)
                return json_object_set(record, singular, one) |
                       json_object_set(record, plural, many);
        if (many || one)
                return set_list(record, plural, many ? many : one);
        return 0;
}

static int set_id(const struct hap_lines *lines, const struct json_line *line, json_t *record,
                  json_t *id)
{
        char text[128];

        if (id && !json_is_integer(id))
                return json_object_set(record, "id", id);
        if (id)
                snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        else if (lines->options.id)
                snprintf(text, sizeof text, "%s-%zu", lines->options.id, line->number);
        else
                snprintf(text, sizeof text, "%zu", line->number);
        return json_object_set_new(record, "id", json_string(text));
}

static json_t *make_record(const struct hap_lines *lines, const struct json_line *line,
                           json_t *object, json_t *corrupted)
{
        static const char *const rest[] = { "at", "positions", NULL };
        json_t *record = json_object();
        json_t *clean = json_object_get(object, "clean");
        int failed = set_id(lines, line, record, json_object_get(object, "id"));

        if (clean)
                failed |= json_object_set(record, "clean", clean);
        failed |= json_object_set(record, "corrupted", corrupted);
        failed |= copy_answers(record, object, "answer", "answers");
        failed |= copy_answers(record, object, "wrong", "wrongs");
        for (size_t i = 0; rest[i]; i++)
                if (json_object_get(object, rest[i]))
                        failed |= json_object_set(record, rest[i],
                                                  json_object_get(object, rest[i]));
        if (!failed)
                return record;
        json_decref(record);
        return NULL;
}

/* An empty id counts as absent. The check of the record refuses an id of another type. */
static int check_id(struct hap_lines *lines, const struct json_line *line, const json_t *record,
                    struct hap_error *err)
{
        const char *id = json_string_value(json_object_get(record, "id"));
        const json_t *before = id ? json_object_get(lines->seen, id) : NULL;
        size_t other = (size_t)json_integer_value(before);

        if (!lines->options.unique || !id || !*id)
                return HAP_OK;
        if (before)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': lines %zu and %zu have the same "
                                "id '%.64s'", lines->name, hap_min(other, line->number),
                                other + line->number - hap_min(other, line->number), id);
        if (json_object_set_new(lines->seen, id, json_integer((json_int_t)line->number)) < 0)
                return hap_fail_memory(err, "the prompts' ids");
        return HAP_OK;
}

int hap_lines_next(struct hap_lines *lines, json_t **record, char *where, size_t size,
                   struct hap_error *err)
{
        const struct json_line *line;
        json_t *object, *corrupted;
        int rc = 1;

        if (lines->next == lines->n)
                return 0;
        line = lines->lines + lines->order[lines->next++];
        snprintf(where, size, "line %zu of '%.400s'", line->number, lines->name);
        if ((rc = parse_line(lines, line, &object, err)) < 0)
                return rc;
        corrupted = find_corrupted(lines, object);
        if (!corrupted)
                rc = fail_no_corruption(lines, line, object, err);
        else if (!(*record = make_record(lines, line, object, corrupted)))
                rc = hap_fail_memory(err, "a record");
        else if ((rc = check_id(lines, line, *record, err)) < 0)
                json_decref(*record);
        json_decref(object);
        return rc < 0 ? rc : 1;
}

int hap_lines_corruptions(struct hap_lines *lines, char *text, size_t size,
                          struct hap_error *err)
{
        json_t *object;
        int rc = parse_line(lines, lines->lines, &object, err);

        if (rc == 0) {
                list_corruptions(lines, object, text, size);
                json_decref(object);
        }
        return rc;
}
