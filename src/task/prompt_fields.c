#include "task/prompt_fields.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/nearest.h"

static const char *const known[] = {"id", "clean", "answer", "answers", "wrong", "wrongs",
                                    "at", "positions", "text", "corrupted"};
enum { N_KNOWN = sizeof known / sizeof *known, N_OWN = N_KNOWN - 1 /* without corrupted */ };

static const struct {
        const char *theirs, *ours, *also; /* `also`: it counts as given under this name too */
} names[] = {
        {"corrupt", "corrupted", NULL},
        {"wrong_answers", "wrongs", "wrong"},
        {"correct_idx", "answer", "answers"},
        {"incorrect_idx", "wrong", "wrongs"},
};

#define COUNTERFACTUAL "_counterfactual"

bool hap_prompt_field_is(const char *name)
{
        for (size_t i = 0; i < N_OWN; i++)
                if (strcmp(name, known[i]) == 0)
                        return true;
        return false;
}

static bool is_given(const json_t *object, const char *name, const char *also)
{
        return json_object_get(object, name) || (also && json_object_get(object, also));
}

/* Sets a field unless it is there under either name. A value that is NULL is not set. Takes the
 * reference. */
static int set_new(json_t *object, const char *name, const char *also, json_t *value)
{
        if (!value || is_given(object, name, also)) {
                json_decref(value);
                return 0;
        }
        return json_object_set_new(object, name, value);
}

static int rename_fields(json_t *object)
{
        int failed = 0;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                json_t *value = json_object_get(object, names[i].theirs);

                if (!value || is_given(object, names[i].ours, names[i].also))
                        continue;
                failed |= json_object_set(object, names[i].ours, value);
                failed |= json_object_del(object, names[i].theirs);
        }
        return failed;
}

/* --- MIB --- */

static json_t *text_after_space(const json_t *text)
{
        return json_is_string(text) ? json_sprintf(" %s", json_string_value(text)) : NULL;
}

/* The number of the right choice. answerKey is this number, or a label, as in ARC's own files.
 * json_array_size(labels): it is neither. */
static size_t choice_of(const json_t *key, const json_t *labels)
{
        const json_int_t number = json_integer_value(key);
        size_t n = 0;

        if (json_is_integer(key))
                return number >= 0 ? (size_t)number : json_array_size(labels);
        while (n < json_array_size(labels) && !json_equal(key, json_array_get(labels, n)))
                n++;
        return n;
}

/* The label of a choice, by the number of the right one; or the label itself. */
static json_t *label_of(const json_t *object)
{
        const json_t *key = json_object_get(object, "answerKey");
        const json_t *labels = json_object_get(json_object_get(object, "choices"), "label");
        json_t *label = key ? json_array_get(labels, choice_of(key, labels))
                            : json_object_get(object, "label");

        if (json_is_string(label))
                return json_incref(label);
        return json_is_integer(label) ? json_sprintf("%" JSON_INTEGER_FORMAT,
                                                     json_integer_value(label))
                                      : NULL;
}

/* Whether the answer key is none of the choices. */
static bool has_wrong_key(const json_t *object)
{
        const json_t *key = json_object_get(object, "answerKey");
        const json_t *labels = json_object_get(json_object_get(object, "choices"), "label");

        return key && json_is_array(labels) && choice_of(key, labels) >= json_array_size(labels);
}

/* The keys of a prompt and of its counterfactuals. */
static int check_keys(json_t *object, struct hap_error *err)
{
        const char *name, *of = has_wrong_key(object) ? "" : NULL;
        json_t *value;

        json_object_foreach(object, name, value)
                if (!of && has_wrong_key(value))
                        of = name;
        if (!of)
                return HAP_OK;
        return hap_fail(err, HAP_EINPUT, "'answerKey'%s%.64s%s is neither the number of one of the "
                        "choices, from 0, nor its label", *of ? " of '" : "", of, *of ? "'" : "");
}

/* The length of the name of a counterfactual, or 0. */
static size_t name_of_counterfactual(const char *key, const json_t *value)
{
        const size_t n = strlen(key), end = strlen(COUNTERFACTUAL);

        return n > end && strcmp(key + n - end, COUNTERFACTUAL) == 0 &&
                               json_is_string(json_object_get(value, "prompt"))
                       ? n - end
                       : 0;
}

/* Adds each counterfactual's prompt under its name to `found`; *chosen is that of `corruption`. */
static int add_counterfactuals(json_t *object, const char *corruption, json_t *found,
                               json_t **chosen)
{
        const char *key;
        json_t *value;
        int failed = 0;

        json_object_foreach(object, key, value) {
                const size_t n = name_of_counterfactual(key, value);
                char name[128];

                if (!n || n >= sizeof name)
                        continue;
                snprintf(name, sizeof name, "%.*s", (int)n, key);
                failed |= json_object_set(found, name, json_object_get(value, "prompt"));
                if (corruption && (hap_same_name(name, corruption) ||
                                   hap_same_name(key, corruption)))
                        *chosen = value;
        }
        return failed;
}

static int read_mib(json_t *object, const char *corruption)
{
        json_t *found = json_object(), *chosen = NULL;
        const json_t *metadata = json_object_get(object, "metadata");
        int failed = add_counterfactuals(object, corruption, found, &chosen);

        if (json_object_size(found) && json_is_string(json_object_get(object, "prompt"))) {
                failed |= set_new(object, "clean", NULL,
                                  json_incref(json_object_get(object, "prompt")));
                failed |= json_object_del(object, "prompt");
                failed |= set_new(object, "answer", "answers",
                                  text_after_space(json_object_get(metadata, "indirect_object")));
                failed |= set_new(object, "wrong", "wrongs",
                                  text_after_space(json_object_get(metadata, "subject")));
                failed |= set_new(object, "answer", "answers", label_of(object));
                failed |= set_new(object, "wrong", "wrongs", chosen ? label_of(chosen) : NULL);
                failed |= json_object_update_missing(object, found);
        }
        json_decref(found);
        return failed;
}

/* --- greater-than --- */

/* Two-digit texts from `first` to `last`. */
static json_t *years(int first, int last)
{
        json_t *list = json_array();

        for (int year = first; year <= last; year++)
                json_array_append_new(list, json_sprintf("%02d", year));
        return list;
}

static int read_label(json_t *object)
{
        const json_t *label = json_object_get(object, "label");
        const char *text = json_string_value(label);
        json_int_t year = json_integer_value(label);

        if (text && strlen(text) == 2 && isdigit((unsigned char)text[0]) &&
            isdigit((unsigned char)text[1]))
                year = (text[0] - '0') * 10 + text[1] - '0';
        else if (!json_is_integer(label))
                return 0;
        if (year < 0 || year > 98 || is_given(object, "answer", "answers"))
                return 0;
        return set_new(object, "answers", NULL, years((int)year + 1, 99)) |
               set_new(object, "wrongs", "wrong", years(0, (int)year)) |
               json_object_del(object, "label");
}

int hap_prompt_fields(json_t *object, const struct hap_task_kind *task, const char *corruption,
                      struct hap_error *err)
{
        int failed = rename_fields(object);

        if (check_keys(object, err) < 0)
                return err->code;
        failed |= read_mib(object, corruption);

        if (task && strcmp(task->name, "greater-than") == 0)
                failed |= read_label(object);
        return failed ? hap_fail_memory(err, "a prompt") : HAP_OK;
}

/* --- unknown fields --- */

/* Whether a known field would be missed: single and plural forms stand for each other. */
static bool is_missing(const json_t *object, const char *name)
{
        static const char *const pairs[][2] = {{"answer", "answers"}, {"wrong", "wrongs"}};

        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
                if (strcmp(name, pairs[i][0]) == 0 || strcmp(name, pairs[i][1]) == 0)
                        return !is_given(object, pairs[i][0], pairs[i][1]);
        return !json_object_get(object, name);
}

const char *hap_prompt_field_meant(json_t *object, const char *corruption, const char **unknown)
{
        const char *key;
        json_t *value;

        json_object_foreach(object, key, value) {
                struct hap_nearest best = {NULL, 0};

                if (strlen(key) < 4 || hap_prompt_field_is(key) || strcmp(key, "corrupted") == 0 ||
                    (corruption && hap_same_name(key, corruption)))
                        continue;
                for (size_t i = 0; i < N_KNOWN; i++)
                        if (is_missing(object, known[i]))
                                hap_nearest_try(&best, key, strlen(key), known[i]);
                if (best.name) {
                        *unknown = key;
                        return best.name;
                }
        }
        return NULL;
}
