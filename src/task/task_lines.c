#include "task/task_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "common/random.h"
#include "graph/positions.h"
#include "task/prompt_fields.h"
#include "task/prompt_file.h"
#include "task/prompt_ids.h"

#define LINES_STREAM 0x6c696e6573 /* this use of the seed */

struct hap_lines {
        struct hap_prompt_file *file;
        uint32_t *order; /* NULL: that of the file */
        size_t n, next;
        struct hap_prompt_ids seen; /* with options.unique */
        struct hap_lines_options options;
        char hint[192];
        struct hap_lines_unknown unknown;
};

/* The first lines for seed 0; otherwise lines drawn without replacement. */
static int pick_lines(struct hap_lines *lines, struct hap_error *err)
{
        const size_t total = hap_prompt_file_count(lines->file);
        const size_t n = lines->options.n ? lines->options.n : total;
        struct hap_random_key key = { lines->options.seed, LINES_STREAM };

        if (n > total && !lines->options.at_most)
                return hap_fail(err, HAP_EUSAGE,
                                "cannot take %zu examples from '%s': there are %zu", n,
                                hap_prompt_file_name(lines->file), total);
        lines->n = hap_min(n, total);
        if (!lines->options.seed)
                return 0;
        lines->order = calloc(total, sizeof *lines->order);
        if (!lines->order)
                return hap_fail_memory(err, "an order of prompts");
        for (size_t i = 0; i < total; i++)
                lines->order[i] = (uint32_t)i;
        hap_random_shuffle(key, 0, total, lines->order);
        return 0;
}

int hap_lines_open(struct hap_lines **out, const char *path,
                   const struct hap_lines_options *options, struct hap_error *err)
{
        struct hap_lines *lines = calloc(1, sizeof *lines);
        int rc;

        *out = NULL;
        if (!lines)
                return hap_fail_memory(err, "prompts");
        lines->options = *options;
        rc = hap_prompt_file_open(&lines->file, path, err);
        if (rc == 0)
                rc = pick_lines(lines, err);
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
        hap_prompt_file_close(lines->file);
        free(lines->order);
        hap_prompt_ids_release(&lines->seen);
        free(lines);
}

size_t hap_lines_count(const struct hap_lines *lines)
{
        return lines->n;
}

/* --- corruptions --- */

static bool is_corruption(const char *key, const json_t *value)
{
        return !hap_prompt_field_is(key) && (json_is_string(value) || json_is_array(value));
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

static int fail_no_corruption(const struct hap_lines *lines, const char *where,
                              json_t *object, struct hap_error *err)
{
        const char *wanted = lines->options.corruption;
        char have[512];

        if (!json_object_get(object, "clean"))
                return hap_fail(err, HAP_EINPUT, "cannot use %s: there is no 'clean'", where);
        list_corruptions(lines, object, have, sizeof have);
        if (!wanted || hap_same_name(wanted, "corrupted"))
                return hap_fail(err, HAP_EINPUT, "cannot use %s: there is no 'corrupted'%s%s",
                                where, *have ? "; --corruption may be one of " : "", have);
        return hap_fail(err, HAP_EUSAGE, "cannot corrupt by '%s': %s has %s", wanted, where,
                        *have ? have : "none");
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

static int set_id(const struct hap_lines *lines, size_t number, json_t *record, json_t *id)
{
        char text[128];

        if (id && !json_is_integer(id))
                return json_object_set(record, "id", id);
        if (id)
                snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        else if (lines->options.id)
                snprintf(text, sizeof text, "%s-%zu", lines->options.id, number);
        else
                snprintf(text, sizeof text, "%zu", number);
        return json_object_set_new(record, "id", json_string(text));
}

/* The positions of auto-circuit's files, which are the same in all prompts. They are indices into
 * the tokens without BOS. */
static json_t *shared_positions(const struct hap_lines *lines, const json_t *clean)
{
        json_t *shared = hap_prompt_file_around(lines->file, "word_idxs"), *at, *positions;
        const int bos = json_is_array(clean) ? 0 : lines->options.bos;
        struct hap_error invalid;
        const char *name;

        if (!json_object_size(shared) || bos < 0)
                return NULL;
        positions = json_object();
        json_object_foreach(shared, name, at)
                if (hap_positions_check(name, &invalid) == HAP_OK)
                        json_object_set_new(positions, name,
                                            json_integer(json_integer_value(at) + bos));
        return positions;
}

static json_t *make_record(const struct hap_lines *lines, size_t number, json_t *object,
                           json_t *corrupted)
{
        static const char *const rest[] = { "at", "positions", NULL };
        json_t *record = json_object();
        json_t *clean = json_object_get(object, "clean"), *shared;
        int failed = set_id(lines, number, record, json_object_get(object, "id"));

        if (clean)
                failed |= json_object_set(record, "clean", clean);
        failed |= json_object_set(record, "corrupted", corrupted);
        failed |= copy_answers(record, object, "answer", "answers");
        failed |= copy_answers(record, object, "wrong", "wrongs");
        for (size_t i = 0; rest[i]; i++)
                if (json_object_get(object, rest[i]))
                        failed |= json_object_set(record, rest[i],
                                                  json_object_get(object, rest[i]));
        shared = json_object_get(record, "positions") ? NULL : shared_positions(lines, clean);
        if (shared)
                failed |= json_object_set_new(record, "positions", shared);
        if (!failed)
                return record;
        json_decref(record);
        return NULL;
}

/* Whether the prompt, which was given before, has this id. */
static bool has_id(const struct hap_lines *lines, size_t prompt, const char *id)
{
        json_t *object, *record = json_object();
        struct hap_error ignored;
        const char *theirs;
        bool same = false;

        if (record && hap_prompt_file_get(lines->file, prompt, &object, &ignored) == 0) {
                set_id(lines, hap_prompt_file_number(lines->file, prompt), record,
                       json_object_get(object, "id"));
                theirs = json_string_value(json_object_get(record, "id"));
                same = theirs && strcmp(theirs, id) == 0;
                json_decref(object);
        }
        json_decref(record);
        return same;
}

/* An empty id counts as absent. The check of the record refuses an id of another type. */
static int check_id(struct hap_lines *lines, size_t prompt, const json_t *record,
                    struct hap_error *err)
{
        const char *id = json_string_value(json_object_get(record, "id"));
        const size_t number = hap_prompt_file_number(lines->file, prompt);
        uint32_t hash;
        size_t at = 0, before;

        if (!lines->options.unique || !id || !*id)
                return HAP_OK;
        hash = hap_prompt_ids_hash(id);
        while (hap_prompt_ids_find(&lines->seen, hash, &at, &before)) {
                const size_t other = hap_prompt_file_number(lines->file, before);

                if (has_id(lines, before, id))
                        return hap_fail(err, HAP_EINPUT, "cannot use '%s': %ss %zu and %zu have "
                                        "the same id '%.64s'", hap_prompt_file_name(lines->file),
                                        hap_prompt_file_unit(lines->file), hap_min(other, number),
                                        hap_max(other, number), id);
        }
        return hap_prompt_ids_add(&lines->seen, hash, prompt, err);
}

/* Keeps a field that is probably mistyped: for the message of an error in this prompt, and counted
 * for the end. */
static void note_unknown(struct hap_lines *lines, json_t *object)
{
        const char *unknown;
        const char *meant = hap_prompt_field_meant(object, lines->options.corruption, &unknown);

        lines->hint[0] = '\0';
        if (!meant)
                return;
        snprintf(lines->hint, sizeof lines->hint, "field '%.64s' is not known; did you mean '%s'?",
                 unknown, meant);
        if (lines->unknown.n++ == 0)
                snprintf(lines->unknown.text, sizeof lines->unknown.text, "%s", lines->hint);
}

int hap_lines_next(struct hap_lines *lines, json_t **record, char *where, size_t size,
                   struct hap_error *err)
{
        json_t *object, *corrupted;
        size_t i, number;
        int rc = 1;

        if (lines->next == lines->n)
                return 0;
        i = lines->order ? lines->order[lines->next] : lines->next;
        lines->next++;
        number = hap_prompt_file_number(lines->file, i);
        lines->hint[0] = '\0';
        snprintf(where, size, "%s %zu of '%.400s'", hap_prompt_file_unit(lines->file), number,
                 hap_prompt_file_name(lines->file));
        if ((rc = hap_prompt_file_get(lines->file, i, &object, err)) < 0)
                return rc;
        if ((rc = hap_prompt_fields(object, lines->options.task, lines->options.corruption,
                                    err)) < 0) {
                rc = hap_fail_within(err, "cannot use %s", where);
                goto out;
        }
        corrupted = find_corrupted(lines, object);
        note_unknown(lines, object);
        if (!corrupted)
                rc = fail_no_corruption(lines, where, object, err);
        else if (!(*record = make_record(lines, number, object, corrupted)))
                rc = hap_fail_memory(err, "a record");
        else if ((rc = check_id(lines, i, *record, err)) < 0)
                json_decref(*record);
out:
        json_decref(object);
        return rc < 0 ? rc : 1;
}

const char *hap_lines_hint(const struct hap_lines *lines)
{
        return lines->hint;
}

const struct hap_lines_unknown *hap_lines_unknown(const struct hap_lines *lines)
{
        return &lines->unknown;
}

int hap_lines_corruptions(struct hap_lines *lines, char *text, size_t size,
                          struct hap_error *err)
{
        json_t *object;
        int rc = hap_prompt_file_get(lines->file, 0, &object, err);

        if (rc == 0) {
                list_corruptions(lines, object, text, size);
                json_decref(object);
        }
        return rc;
}
