#include "common/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/number.h"

enum { MAX_NAME = 63, SHORTEST_START = 4 };

static int lower(char c)
{
        return c == '_' ? '-' : tolower((unsigned char)c);
}

static bool begins_with(const char *name, const char *typed, size_t n)
{
        size_t i = 0;

        while (i < n && name[i] && lower(name[i]) == lower(typed[i]))
                i++;
        return i == n && n >= SHORTEST_START;
}

/* The edits (insert, delete, replace or swap neighbours; see lower) that turn the n bytes at
 * `typed` into `name`; larger than any near name's if either is longer than MAX_NAME bytes.
 * Optimal string alignment: row[i][j] turns the first i bytes of one into the first j of the
 * other; three rows are kept. */
static size_t edit_distance(const char *typed, size_t n, const char *name)
{
        size_t rows[3][MAX_NAME + 1], m = strlen(name);

        if (n > MAX_NAME || m > MAX_NAME)
                return 2 * MAX_NAME;
        for (size_t j = 0; j <= m; j++)
                rows[0][j] = j;
        for (size_t i = 1; i <= n; i++) {
                size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];
                const size_t *over = rows[(i + 1) % 3]; /* of i − 2 */

                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        const int same = lower(typed[i - 1]) == lower(name[j - 1]);

                        row[j] = hap_min(hap_min(above[j], row[j - 1]) + 1,
                                         above[j - 1] + (same ? 0 : 1));
                        if (i > 1 && j > 1 && lower(typed[i - 1]) == lower(name[j - 2]) &&
                            lower(typed[i - 2]) == lower(name[j - 1]))
                                row[j] = hap_min(row[j], over[j - 2] + 1);
                }
        }
        return rows[n % 3][m];
}

void hap_nearest_try(struct hap_nearest *best, const char *typed, size_t n, const char *name)
{
        const size_t most = hap_max(1, hap_min(3, n / 3));
        const size_t edits = edit_distance(typed, n, name);
        /* twice the edits; to begin with what was typed counts as one edit and a half */
        size_t distance = edits <= most ? 2 * edits : SIZE_MAX;

        if (edits > 1 && begins_with(name, typed, n))
                distance = 3;
        if (distance == SIZE_MAX || (edits == 0 && memcmp(typed, name, n) == 0) ||
            (best->name && distance >= best->distance))
                return;
        *best = (struct hap_nearest){name, distance};
}

int hap_fail_meant(struct hap_error *err, const struct hap_nearest *best)
{
        return best->name ? hap_fail_after(err, "; did you mean '%s'?", best->name) : err->code;
}
