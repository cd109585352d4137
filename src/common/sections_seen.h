/* What an input held, for the message on what it lacks. */
#ifndef HAP_COMMON_SECTIONS_SEEN_H
#define HAP_COMMON_SECTIONS_SEEN_H

struct hap_sections_seen {
        char text[240]; /* "task in 'a.task', scores in 'b'"; ends in "…" where more followed */
};

/* Another section of that kind, in the file of that name. */
void hap_sections_seen_note(struct hap_sections_seen *held, const char *kind, const char *name);
/* The text, or "nothing". */
const char *hap_sections_seen_text(const struct hap_sections_seen *held);

#endif
