/* Reading a stream: sections of msgpack maps, each a header, records and a trailer
 * (hap-stream(5)).
 *
 * Every length is checked against its limit before memory is allocated for it, and
 * the trailer's record count and crc32 before a section counts as read. A section
 * without a trailer, or with a wrong one, is an error (HAP_EINPUT) that names the file
 * and the last whole record. */
#ifndef HAP_COMMON_STREAM_IN_H
#define HAP_COMMON_STREAM_IN_H

#include <jansson.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/stream_out.h"

struct hap_stream_in; /* reads one stream that is the files one behind the other */

/* `paths`: files, "-" for standard input; none means standard input. gzip is
 * recognised by its first bytes. Plain regular files are mapped. The reader
 * owns its copies of the names. */
int hap_stream_in_open(struct hap_stream_in **in, const char *const *paths,
                    size_t n_paths, struct hap_error *err);
/* The same for `n` bytes that the caller keeps alive. */
int hap_stream_in_open_memory(struct hap_stream_in **in, const char *name,
                           const void *data, size_t n, struct hap_error *err);
void hap_stream_in_close(struct hap_stream_in *in); /* NULL is allowed */

/* The next section's header: 1, or 0 at the end of the stream (an empty stream
 * ends at once), or a negative code. What is left of the section before is read
 * and checked first. *header is borrowed and lives until the next section.
 * Refused: another version, an unknown "requires", an unknown kind. */
int hap_stream_in_section(struct hap_stream_in *in, json_t **header,
                       struct hap_error *err);

/* The next record of the section: 1, or 0 when the section has ended and its
 * trailer holds, or a negative code. Texts and binary data in *record point
 * into the stream's memory and live until the next call, or as long as the
 * reader where hap_stream_in_keeps() says so (a mapped file). */
int hap_stream_in_record(struct hap_stream_in *in, msgpack_object *record,
                      struct hap_error *err);
bool hap_stream_in_keeps(const struct hap_stream_in *in);

/* The bytes of the header or record last read, as they stand in the stream. */
const void *hap_stream_in_raw(const struct hap_stream_in *in, size_t *n);

/* For messages: the file of the current section as the user named it
 * ("standard input" for "-"), and the number of the current record from 1. */
const char *hap_stream_in_name(const struct hap_stream_in *in);
uint64_t hap_stream_in_record_number(const struct hap_stream_in *in);

/* The kinds of the sections so far, with their files, for messages on what is missing:
 * "task in 'a', scores in 'b'", or "nothing". */
const char *hap_stream_in_held(const struct hap_stream_in *in);

/* "cannot use 'FILE': record N: …" with code HAP_EINPUT. */
int hap_stream_in_fail(struct hap_stream_in *in, struct hap_error *err,
                    const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* From now on the stream copies what it reads, section by section, to the
 * writer as it stands (option -p). NULL stops. Sections already begun are
 * copied from their header on, so call it before or right after the header. */
void hap_stream_in_pass_to(struct hap_stream_in *in, struct hap_stream_out *out);

#endif
