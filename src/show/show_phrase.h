/* A header in a few words. */
#ifndef HAP_SHOW_SHOW_PHRASE_H
#define HAP_SHOW_SHOW_PHRASE_H

#include <jansson.h>
#include <stddef.h>

/* The header's task, corruption, model and recipe or method, as "ioi (abc) on demo, rank", or
 * `otherwise` if it has none. title: HAP_TITLE bytes. */
#define HAP_TITLE 1024
void hap_phrase_title(const json_t *header, const char *otherwise, char *title);
/* "32,491" */
void hap_phrase_count(size_t n, char *text);

#endif
