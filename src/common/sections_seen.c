#include "common/sections_seen.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MORE "…"

/* An entry ends in "'", whatever its name holds. */
static bool ends_in_more(const char *text, size_t used)
{
        return used >= strlen(MORE) && strcmp(text + used - strlen(MORE), MORE) == 0;
}

void hap_sections_seen_note(struct hap_sections_seen *held, const char *kind, const char *name)
{
        const size_t used = strlen(held->text), left = sizeof held->text - used;
        const int room = (int)(left - sizeof ", " MORE); /* after the entry this still fits */

        if (ends_in_more(held->text, used))
                return;
        if (snprintf(held->text + used, left, "%s%s in '%s'", used ? ", " : "", kind, name) > room)
                snprintf(held->text + used, left, "%s%s", used ? ", " : kind, MORE);
}

const char *hap_sections_seen_text(const struct hap_sections_seen *held)
{
        return *held->text ? held->text : "nothing";
}
