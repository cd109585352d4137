/* JSON values and msgpack objects: packing, converting, looking into maps. */
#ifndef HAP_COMMON_JSON_H
#define HAP_COMMON_JSON_H

#include <jansson.h>
#include <msgpack.h>
#include <stdbool.h>

void hap_pack_text(msgpack_packer *packer, const char *text);
void hap_pack_json(msgpack_packer *packer, const json_t *value);
/* An entry of a map: the key and a text, a number or a count. */
void hap_pack_text_entry(msgpack_packer *packer, const char *key, const char *text);
void hap_pack_number_entry(msgpack_packer *packer, const char *key, double number);
void hap_pack_count_entry(msgpack_packer *packer, const char *key, uint64_t count);
/* NULL when memory is short or the object holds bin or ext. New reference. */
json_t *hap_json_of(const msgpack_object *object);

/* The value of a key of a map, or NULL (also if `map` is not a map). */
const msgpack_object *hap_map_get(const msgpack_object *map, const char *key);
/* The value of an integer or a floating-point number; false for anything else, and for NULL. */
bool hap_object_number(const msgpack_object *object, double *value);
bool hap_object_is_text(const msgpack_object *object, const char *text);

/* A text as JSON, a new reference. NULL: it is not UTF-8 or has a NUL, which functions of C take for
 * its end, or memory is short (hap_memory_was_short). */
json_t *hap_json_plain_text(const msgpack_object *text);

/* Whether a line of text is empty or blanks. */
bool hap_is_blank(const char *text, size_t length);

#endif
