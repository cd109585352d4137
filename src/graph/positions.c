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
