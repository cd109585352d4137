/* A header in a few words. */
#ifndef HAP_SHOW_SHOW_PHRASE_H
#define HAP_SHOW_SHOW_PHRASE_H

#include <jansson.h>
#include <stddef.h>

/* Text of a header in a buffer: the model's file "demo", "ioi (abc)", the recipe or
 * method "eap-ig-inputs"; empty if the header has none. */
#define HAP_PHRASE 256
void hap_phrase_model(const json_t *header, char *text);
void hap_phrase_task(const json_t *header, char *text);
void hap_phrase_method(const json_t *header, char *text);
/* "ioi (abc) on demo, rank" of these three, or `otherwise` if there are none. */
#define HAP_TITLE 1024
void hap_phrase_title(const json_t *header, const char *otherwise, char *title);
/* "32,491" */
void hap_phrase_count(size_t n, char *text);

#endif
