/* Positions of prompts that a graph tells apart. */
#include "graph/positions.h"

#include <string.h>

static int refuse(struct hap_error *err, const char *name, const char *why)
{
        return hap_fail(err, HAP_EINPUT, "cannot name a position '%.64s': %s", name, why);
}

int hap_positions_find(const struct hap_positions *places, const char *name, size_t length)
{
        for (int i = 0; i < places->n; i++)
                if (strlen(places->name[i]) == length &&
                    memcmp(places->name[i], name, length) == 0)
                        return i;
        return -1;
}

int hap_positions_check(const char *name, struct hap_error *err)
{
        size_t length = strlen(name);

        if (strcmp(name, HAP_REST) == 0)
                return refuse(err, name, "that stands for all that have no name");
        if (length == 0 || length >= HAP_POSITION_NAME)
                return refuse(err, name, "a name has 1 to 23 bytes");
        for (size_t i = 0; i < length; i++)
                if ((unsigned char)name[i] <= ' ' || strchr("@,\"\\", name[i]))
                        return refuse(err, name, "a name has no '@', comma, quote, backslash, "
                                      "space or control character");
        return HAP_OK;
}

int hap_positions_add(struct hap_positions *places, const char *name, struct hap_error *err)
{
        size_t length = strlen(name);

        if (places->n == HAP_MAX_POSITIONS)
                return hap_fail(err, HAP_EINPUT, "cannot tell more than %d positions apart",
                                HAP_MAX_POSITIONS - 1);
        if (strcmp(name, HAP_REST) != 0 && hap_positions_check(name, err) < 0)
                return err->code;
        if (hap_positions_find(places, HAP_REST, strlen(HAP_REST)) >= 0)
                return refuse(err, name, "'" HAP_REST "' stands for all that have no name and "
                              "comes last");
        if (hap_positions_find(places, name, length) >= 0)
                return refuse(err, name, "it is there already");
        memcpy(places->name[places->n], name, length + 1);
        places->answers[places->n++] = false;
        return HAP_OK;
}

const char *hap_positions_text(const struct hap_positions *places, char *text)
{
        char *at = text;
        bool any = false;

        if (places->n == 0)
                return strcpy(text, "tells no positions apart");
        at = stpcpy(at, "has positions ");
        for (int i = 0; i < places->n; i++)
                at = stpcpy(stpcpy(at, i ? ", " : ""), places->name[i]);
        at = stpcpy(at, ", with answers at ");
        for (int i = 0; i < places->n; i++) {
                if (!places->answers[i])
                        continue;
                at = stpcpy(stpcpy(at, any ? ", " : ""), places->name[i]);
                any = true;
        }
        return text;
}

const char *hap_positions_hint(const struct hap_positions *places, const char *name, size_t length,
                            char *text)
{
        if (places->n == 0 && !memchr(name, '@', length))
                return "";
        hap_positions_text(places, stpcpy(text, ", which "));
        return text;
}

bool hap_positions_equal(const struct hap_positions *a, const struct hap_positions *b)
{
        for (int i = 0; a->n == b->n && i < a->n; i++)
                if (strcmp(a->name[i], b->name[i]) != 0 || a->answers[i] != b->answers[i])
                        return false;
        return a->n == b->n;
}

int hap_positions_describe(const struct hap_positions *places, json_t *description)
{
        json_t *names = json_array(), *answers = json_array();
        int rc = 0;

        for (int i = 0; i < places->n; i++) {
                rc |= json_array_append_new(names, json_string(places->name[i]));
                if (places->answers[i])
                        rc |= json_array_append_new(answers, json_string(places->name[i]));
        }
        rc |= json_object_set_new(description, "positions", names);
        rc |= json_object_set_new(description, "answers", answers);
        return rc;
}

int hap_positions_of_json(struct hap_positions *places, const json_t *description,
                       struct hap_error *err)
{
        const json_t *names = json_object_get(description, "positions");
        const json_t *answers = json_object_get(description, "answers"), *item;
        size_t i;

        *places = (struct hap_positions){0};
        if (!names)
                return HAP_OK;
        if (json_array_size(names) < 2)
                return hap_fail(err, HAP_EINPUT,
                                "the graph's 'positions' is no list of names and \"" HAP_REST "\"");
        json_array_foreach(names, i, item) {
                const char *name = json_string_value(item);

                if (!name || strlen(name) != json_string_length(item))
                        return hap_fail(err, HAP_EINPUT, "one of the graph's 'positions' is no name");
                if (hap_positions_add(places, name, err) < 0)
                        return err->code;
        }
        if (strcmp(places->name[places->n - 1], HAP_REST) != 0)
                return hap_fail(err, HAP_EINPUT,
                                "the last of the graph's 'positions' is not \"" HAP_REST "\"");
        json_array_foreach(answers, i, item) {
                int at = hap_positions_find(places, json_string_value(item) ? json_string_value(item) : "",
                                         json_string_length(item));

                if (at < 0)
                        return hap_fail(err, HAP_EINPUT,
                                        "the graph's 'answers' names none of its 'positions'");
                places->answers[at] = true;
        }
        if (json_array_size(answers) == 0)
                return hap_fail(err, HAP_EINPUT,
                                "the graph has 'positions' but no list 'answers' of those "
                                "where answers stand");
        return HAP_OK;
}
