/* Where a section comes from: the history in its header, and what a program read to make it.
 *
 * A history is a list of entries, one for each run of a program, the oldest first. An entry's
 * "inputs" are the sections that the program read, each with its kind, its digest and "from": the
 * place in the list, from 0, of the entry of the program that made it. So a history is a tree
 * (strictly, a graph without circles: two inputs may have a common origin).
 *
 * While a program runs, the header of a section that it read also has the keys of
 * hap_section_mark, which no stream contains. */
#ifndef HAP_COMMON_PROVENANCE_H
#define HAP_COMMON_PROVENANCE_H

#include <jansson.h>
#include <stddef.h>

#include "common/stream_in.h"

/* Notes that what is made from `header` is also made from `other`: appends the entries of the
 * other history that this one does not have. */
void hap_header_join(json_t *header, const json_t *other);

/* The history of what a program makes: that of `from` (may be NULL), then `entry` (borrowed)
 * with its inputs, whose digests are those of `in` (may be NULL). New reference. */
json_t *hap_provenance_history(const json_t *from, const json_t *entry,
                               const struct hap_stream_in *in);
/* Whether a key of a header belongs to this file. */
bool hap_provenance_is_key(const char *key);

#endif
