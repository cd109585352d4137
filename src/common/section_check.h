/* What a header and a trailer must say, whatever reads the section. */
#ifndef HAP_COMMON_SECTION_CHECK_H
#define HAP_COMMON_SECTION_CHECK_H

#include <jansson.h>
#include <msgpack.h>
#include <stdint.h>

#include "common/error.h"

/* HAP_EINPUT unless the header is one, of a version, kind and features that are known. */
int hap_section_check_header(const json_t *header, const char *name, uint64_t section,
                             struct hap_error *err);

/* What was read, up to the trailer. */
struct hap_section_end {
        const char *name; /* of the stream, for messages */
        uint64_t section; /* its number in the stream, from 1 */
        const json_t *header;
        uint64_t records;
        uint32_t crc32;
        uint64_t digest; /* of the records */
};

/* HAP_EINPUT unless the trailer is right, and the header in what it says of its records: their
 * number, and for a task their digest. A trailer without a digest is accepted, one with
 * any other key is not. */
int hap_section_check_end(const struct hap_section_end *end, const msgpack_object *trailer,
                          struct hap_error *err);

/* The number of records that a header says, or NULL; *object (NULL: the header itself) and *key
 * say where. */
const json_t *hap_section_count(const json_t *header, const char **object, const char **key);

/* While a program runs, the header of a section that was read says which one it is. */
#define HAP_SECTION_READ ".read"     /* {"kind", "section", "from"}: see provenance.h */
#define HAP_SECTION_INPUTS ".inputs" /* the same of sections that were joined to it */

/* Marks a header as that of section number `section` of the input, from 1. */
void hap_section_mark(json_t *header, size_t section);
/* The number, or 0. */
size_t hap_section_number(const json_t *header);

#endif
