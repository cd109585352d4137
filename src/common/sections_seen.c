#include "common/sections_seen.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MORE "…"

/* An entry ends in "'", whatever its name contains. */
static bool ends_in_more(const char *text, size_t used)
{
        return used >= strlen(MORE) && strcmp(text + used - strlen(MORE), MORE) == 0;
}

void hap_sections_seen_note(struct hap_sections_seen *seen, const char *kind, const char *name)
{
        const size_t used = strlen(seen->text), left = sizeof seen->text - used;
        const int capacity = (int)(left - sizeof ", " MORE); /* leaves space for MORE */

        if (ends_in_more(seen->text, used))
                return;
        if (snprintf(seen->text + used, left, "%s%s in '%s'", used ? ", " : "", kind, name) >
            capacity)
                snprintf(seen->text + used, left, "%s%s", used ? ", " : kind, MORE);
}

const char *hap_sections_seen_text(const struct hap_sections_seen *seen)
{
        return *seen->text ? seen->text : "nothing";
}
