#include "eval/circuit_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct naming {
        const struct hap_edges *circuits;
        const struct hap_texts *given;
        size_t n, first;
};

/* The name that the user or the header gives, or NULL. */
static const char *given_name(const struct naming *naming, size_t i)
{
        if (naming->first + i < naming->given->n)
                return naming->given->items[naming->first + i];
        return json_string_value(json_object_get(naming->circuits[i].header, "name"));
}

static const char *path_of(const struct naming *naming, size_t i)
{
        return naming->circuits[i].name;
}

static const char *base_of(const struct naming *naming, size_t i)
{
        const char *path = path_of(naming, i), *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* Whether the text can be a name in a report: UTF-8 without control characters, and not the name
 * of a line that hap-eval adds itself. */
static bool is_usable(const char *text)
{
        json_t *utf8 = json_string(text);
        bool usable = utf8 != NULL && *text != '\0';

        json_decref(utf8);
        for (const char *c = text; *c; c++)
                usable = usable && (unsigned char)*c >= ' ' && *c != 0x7f;
        return usable && strcmp(text, "full") != 0 && strcmp(text, "empty") != 0;
}

/* Whether the circuit was read from a file that has a name. */
static bool has_file(const struct naming *naming, size_t i)
{
        const char *path = path_of(naming, i);

        return strcmp(path, "standard input") != 0 && strncmp(path, "/dev/", 5) != 0 &&
               strncmp(path, "/proc/", 6) != 0;
}

/* Whether no other circuit would be called `text`, where of(j) is what circuit j would be called
 * unless a name is given. */
static bool is_unique(const struct naming *naming, size_t i, const char *text,
                      const char *(*of)(const struct naming *, size_t))
{
        for (size_t j = 0; j < naming->n; j++) {
                const char *name = given_name(naming, j);

                if (j != i && strcmp(text, name ? name : of(naming, j)) == 0)
                        return false;
        }
        return true;
}

static char *name_of(const struct naming *naming, size_t i)
{
        static const char *(*const forms[])(const struct naming *, size_t) = {base_of, path_of};
        const char *name = given_name(naming, i);
        char *number;

        if (name)
                return strdup(name);
        for (size_t f = 0; f < sizeof forms / sizeof *forms && has_file(naming, i); f++) {
                const char *text = forms[f](naming, i);

                if (is_usable(text) && is_unique(naming, i, text, forms[f]))
                        return strdup(text);
        }
        return asprintf(&number, "circuit %zu", i + 1) < 0 ? NULL : number;
}

void hap_circuit_names_release(char **names, size_t n)
{
        for (size_t i = 0; names && i < n; i++)
                free(names[i]);
        free(names);
}

char **hap_circuit_names_make(const struct hap_edges *circuits, size_t n,
                              const struct hap_texts *given, size_t first, struct hap_error *err)
{
        const struct naming naming = {circuits, given, n, first};
        char **names = calloc(n + 1, sizeof *names);
        bool bad = !names;

        for (size_t i = 0; names && i < n && !bad; i++) {
                names[i] = name_of(&naming, i);
                bad = !names[i];
        }
        if (!bad)
                return names;
        hap_circuit_names_release(names, n);
        hap_fail_memory(err, "names of circuits");
        return NULL;
}
