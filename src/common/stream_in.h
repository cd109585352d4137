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

#include "common/digest.h"
#include "common/error.h"
#include "common/stream_out.h"

struct hap_stream_in; /* reads the concatenation of its files */

/* `paths`: files, "-" for standard input; none means standard input. gzip is
 * recognised by its first bytes. Plain regular files are mapped. The names
 * are copied. */
int hap_stream_in_open(struct hap_stream_in **in, const char *const *paths, size_t n_paths,
                       struct hap_error *err);
/* Reads `n` bytes in memory, which must live as long as the stream. */
int hap_stream_in_open_memory(struct hap_stream_in **in, const char *name, const void *data,
                              size_t n, struct hap_error *err);
void hap_stream_in_close(struct hap_stream_in *in); /* NULL is allowed */

/* The next section's header: 1, or 0 at the end of the stream (an empty stream
 * ends at once), or a negative code. The rest of the section before is
 * read and checked first. *header is borrowed and lives until the next section.
 * Another version, an unknown "requires" or an unknown kind is refused. */
int hap_stream_in_section(struct hap_stream_in *in, json_t **header, struct hap_error *err);

/* Opens the file of the section whose header was just read once more, as a stream of its own that
 * stands after the same header: 1; 0 if it cannot be read twice, because it is standard input or a
 * pipe; or a negative code. The caller closes *again. */
int hap_stream_in_again(const struct hap_stream_in *in, struct hap_stream_in **again,
                        struct hap_error *err);

/* The next record of the section: 1; 0 at the end of the section, whose trailer is
 * correct; or a negative code. Texts and binary data in *record point
 * into the stream's memory and live until the next call, or as long as the
 * stream if hap_stream_in_keeps() is true (a mapped file). */
int hap_stream_in_record(struct hap_stream_in *in, msgpack_object *record, struct hap_error *err);
bool hap_stream_in_keeps(const struct hap_stream_in *in);

/* The bytes of the last header or record, as in the stream. */
const void *hap_stream_in_raw(const struct hap_stream_in *in, size_t *n);

/* The digest of the records of the section with this header, or a copy of it, as 16 hexadecimal
 * digits. False: the section has not been read to its end. */
bool hap_stream_in_digest(const struct hap_stream_in *in, const json_t *header,
                          char text[HAP_DIGEST_TEXT]);

/* For messages: the file of the current section as the user named it
 * ("standard input" for "-"), and the number of the current record from 1. */
const char *hap_stream_in_name(const struct hap_stream_in *in);
uint64_t hap_stream_in_record_number(const struct hap_stream_in *in);

/* The files of the stream, *n; "-" is standard input. */
const char *const *hap_stream_in_files(const struct hap_stream_in *in, size_t *n);

/* HAP_EINPUT: "the input contains no KIND; it contains task in 'a', scores in 'b'", or
 * nothing. */
int hap_stream_in_fail_missing(const struct hap_stream_in *in, const char *kind,
                               struct hap_error *err);

/* "cannot use 'FILE': record N: …" with code HAP_EINPUT. */
int hap_stream_in_fail(struct hap_stream_in *in, struct hap_error *err, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* From now on, every section that is read is also copied to `out` (option -p). NULL ends
 * the copying. A section is copied from its header on: call this before the section or
 * right after its header. */
void hap_stream_in_pass_to(struct hap_stream_in *in, struct hap_stream_out *out);

#endif
