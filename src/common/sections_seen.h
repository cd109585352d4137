/* What an input held, for the message on what it lacks. */
#ifndef HAP_COMMON_SECTIONS_SEEN_H
#define HAP_COMMON_SECTIONS_SEEN_H

struct hap_held {
        char text[240]; /* "task in 'a.task', scores in 'b'"; ends in "…" where more followed */
};

/* Another section of that kind, in the file of that name. */
void hap_held_note(struct hap_held *held, const char *kind, const char *name);
/* The text, or "nothing". */
const char *hap_held_text(const struct hap_held *held);

#endif
