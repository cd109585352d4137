/* Which sections an input had, for the message about what is missing. */
#ifndef HAP_COMMON_SECTIONS_SEEN_H
#define HAP_COMMON_SECTIONS_SEEN_H

struct hap_sections_seen {
        char text[240]; /* "task in 'a.task', scores in 'b'"; ends in "…" where more followed */
};

/* Adds a section of this kind in the file of this name. */
void hap_sections_seen_note(struct hap_sections_seen *seen, const char *kind, const char *name);
/* The text, or "nothing". */
const char *hap_sections_seen_text(const struct hap_sections_seen *seen);

#endif
