#include "graph/positions.h"

#include <string.h>

static int refuse_name(struct hap_error *err, const char *name, const char *why)
{
        return hap_fail(err, HAP_EINPUT, "cannot name a position '%.64s': %s", name, why);
}

int hap_positions_find(const struct hap_positions *positions, const char *name, size_t length)
{
        for (int i = 0; i < positions->n; i++)
                if (strlen(positions->name[i]) == length &&
                    memcmp(positions->name[i], name, length) == 0)
                        return i;
        return -1;
}

int hap_positions_check(const char *name, struct hap_error *err)
{
        size_t length = strlen(name);

        if (strcmp(name, HAP_REST) == 0)
                return refuse_name(err, name, "it means all positions without a name");
        if (length == 0 || length >= HAP_POSITION_NAME)
                return refuse_name(err, name, "a name has 1 to 23 bytes");
        for (size_t i = 0; i < length; i++)
                if ((unsigned char)name[i] <= ' ' || strchr("@,\"\\", name[i]))
                        return refuse_name(err, name, "a name has no '@', comma, quote, backslash, "
                                      "space or control character");
        return HAP_OK;
}

int hap_positions_add(struct hap_positions *positions, const char *name, struct hap_error *err)
{
        size_t length = strlen(name);

        if (positions->n == HAP_MAX_POSITIONS)
                return hap_fail(err, HAP_EINPUT, "cannot distinguish more than %d positions",
                                HAP_MAX_POSITIONS - 1);
        if (strcmp(name, HAP_REST) != 0 && hap_positions_check(name, err) < 0)
                return err->code;
        if (hap_positions_find(positions, HAP_REST, strlen(HAP_REST)) >= 0)
                return refuse_name(err, name, "'" HAP_REST "' means all positions without a name and "
                              "must be the last");
        if (hap_positions_find(positions, name, length) >= 0)
                return refuse_name(err, name, "it occurs twice");
        memcpy(positions->name[positions->n], name, length + 1);
        positions->answers[positions->n++] = false;
        return HAP_OK;
}

const char *hap_positions_text(const struct hap_positions *positions, char *text)
{
        char *at = text;
        bool any = false;

        if (positions->n == 0)
                return strcpy(text, "distinguishes no positions");
        at = stpcpy(at, "has positions ");
        for (int i = 0; i < positions->n; i++)
                at = stpcpy(stpcpy(at, i ? ", " : ""), positions->name[i]);
        at = stpcpy(at, ", with answers at ");
        for (int i = 0; i < positions->n; i++) {
                if (!positions->answers[i])
                        continue;
                at = stpcpy(stpcpy(at, any ? ", " : ""), positions->name[i]);
                any = true;
        }
        return text;
}

const char *hap_positions_hint(const struct hap_positions *positions, const char *name, size_t length,
                            char *text)
{
        if (positions->n == 0 && !memchr(name, '@', length))
                return "";
        hap_positions_text(positions, stpcpy(text, ", which "));
        return text;
}

bool hap_positions_equal(const struct hap_positions *a, const struct hap_positions *b)
{
        for (int i = 0; a->n == b->n && i < a->n; i++)
                if (strcmp(a->name[i], b->name[i]) != 0 || a->answers[i] != b->answers[i])
                        return false;
        return a->n == b->n;
}
