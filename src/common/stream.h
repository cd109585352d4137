/* Streams: sections of msgpack maps, each a header, records and a trailer
 * (hap-stream(5)).
 *
 * Reading checks every length against its limit before anything is allocated
 * for it, and the trailer's record count and crc32 before a section counts as
 * read. A section that lacks its trailer, or whose trailer does not hold, is
 * an error (HAP_EINPUT) that names the file and the last whole record. */
#ifndef HAP_COMMON_STREAM_H
#define HAP_COMMON_STREAM_H

#include <jansson.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/tensor.h"

#define HAP_STREAM_VERSION 1

struct hap_limits {
        size_t record_bytes;  /* one header, record or trailer: 1 GiB */
        size_t elements;      /* of all arrays and maps of a record: 16 Mi */
        size_t text_bytes;    /* of a str: 1 MiB */
        size_t depth;         /* of nesting: 32 */
};
extern const struct hap_limits hap_limits_default;

/* --- reading --- */

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
/* Other limits than the default; read from the next section on. */
void hap_stream_in_limit(struct hap_stream_in *in, const struct hap_limits *limits);

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

/* --- writing --- */

struct hap_stream_out;

/* `path` NULL or "-" is standard output (refused when it is a terminal); else
 * a file beside is written and renamed by hap_stream_out_close. gzip when asked. */
int hap_stream_out_open(struct hap_stream_out **out, const char *path, bool gzip,
                    struct hap_error *err);
/* Ends the stream: flushes, checks that all was written, renames. */
int hap_stream_out_close(struct hap_stream_out *out, struct hap_error *err);
/* All of that but the renaming, which hap_stream_out_close then does: for several
 * files of which all are to appear or none. */
int hap_stream_out_finish(struct hap_stream_out *out, struct hap_error *err);
/* Whether both write to the same file, pipe or device, however it is named. */
bool hap_stream_out_same(const struct hap_stream_out *a, const struct hap_stream_out *b);
bool hap_stream_out_writes(const struct hap_stream_out *out, const char *path);
/* Gives up: removes the file beside; what stands on a pipe has no trailer. */
void hap_stream_out_abandon(struct hap_stream_out *out);

/* For text: no section, standard output may be a terminal. */
int hap_stream_out_open_text(struct hap_stream_out **out, const char *path, bool gzip,
                         struct hap_error *err);
/* `n` bytes as they stand, outside of sections. */
int hap_stream_out_bytes(struct hap_stream_out *out, const void *data, size_t n,
                     struct hap_error *err);

/* Starts a section. `header` (borrowed) must hold "hap" and "kind". */
int hap_stream_out_begin(struct hap_stream_out *out, const json_t *header,
                     struct hap_error *err);
/* The same for a header that is already packed, `n` bytes. */
int hap_stream_out_begin_bytes(struct hap_stream_out *out, const char *kind, const void *header,
                           size_t n, struct hap_error *err);
/* A record: pack one map with the packer given, then end it. */
msgpack_packer *hap_stream_out_record(struct hap_stream_out *out);
/* The packer within a record. */
msgpack_packer *hap_stream_out_packer(struct hap_stream_out *out);
int hap_stream_out_end_record(struct hap_stream_out *out, struct hap_error *err);
/* Ends the section with its trailer. */
int hap_stream_out_end(struct hap_stream_out *out, struct hap_error *err);

/* Within a record: a bin of `n` bytes, written without another copy. */
int hap_stream_out_bin(struct hap_stream_out *out, const void *data, size_t n,
                   struct hap_error *err);

/* From now on the stream copies what it reads, section by section, to the
 * writer as it stands (option -p). NULL stops. Sections already begun are
 * copied from their header on, so call it before or right after the header. */
void hap_stream_in_pass_to(struct hap_stream_in *in, struct hap_stream_out *out);

/* --- small helpers for packing and for looking into records --- */

void hap_pack_text(msgpack_packer *packer, const char *text);
void hap_pack_json(msgpack_packer *packer, const json_t *value);
/* NULL when memory is short or the object holds bin or ext. New reference. */
json_t *hap_json_of(const msgpack_object *object);

/* The value of a key of a map, or NULL (also when `map` is no map). */
const msgpack_object *hap_map_get(const msgpack_object *map, const char *key);
bool hap_object_is_text(const msgpack_object *object, const char *text);

/* A tensor as a map {"dtype", "shape", "data"}: its data stay in the record.
 * HAP_EINPUT, with the reason, when the object is not a tensor or the number of
 * bytes does not fit its shape. */
int hap_tensor_of(const msgpack_object *object, struct hap_tensor *tensor,
                  struct hap_error *err);
/* Writes f32 values as a tensor of the dtype, rounded to nearest even. */
int hap_stream_out_tensor(struct hap_stream_out *out, enum hap_dtype dtype,
                          int n_dims, const size_t *shape, const float *values,
                          struct hap_error *err);

#endif
