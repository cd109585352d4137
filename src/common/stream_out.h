/* Writing a stream: sections with their trailers, or plain text, to a file or a pipe. */
#ifndef HAP_COMMON_STREAM_OUT_H
#define HAP_COMMON_STREAM_OUT_H

#include <jansson.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define HAP_STREAM_VERSION 1 /* "hap" of a header */

struct hap_stream_out;

/* `path` NULL or "-" is standard output (refused when it is a terminal); otherwise a temporary
 * file in the same folder is written, which hap_stream_out_close renames. */
int hap_stream_out_open(struct hap_stream_out **out, const char *path, bool gzip,
                        struct hap_error *err);
/* Ends the stream: flushes, checks that everything was written, renames. */
int hap_stream_out_close(struct hap_stream_out *out, struct hap_error *err);
/* The same without the renaming, which hap_stream_out_close does later: for several
 * files that must appear together or not at all. */
int hap_stream_out_finish(struct hap_stream_out *out, struct hap_error *err);
/* Whether both write to the same file, pipe or device, also under different names. */
bool hap_stream_out_same(const struct hap_stream_out *a, const struct hap_stream_out *b);
bool hap_stream_out_writes(const struct hap_stream_out *out, const char *path);
/* Gives up: removes the temporary file. A pipe has received no trailer. */
void hap_stream_out_abandon(struct hap_stream_out *out);

/* For text: there are no sections, and standard output may be a terminal. */
int hap_stream_out_open_text(struct hap_stream_out **out, const char *path, bool gzip,
                             struct hap_error *err);
/* Writes `n` bytes unchanged, outside of sections. */
int hap_stream_out_bytes(struct hap_stream_out *out, const void *data, size_t n,
                         struct hap_error *err);

/* Begins a section. `header` (borrowed) must have "hap" and "kind". */
int hap_stream_out_begin(struct hap_stream_out *out, const json_t *header, struct hap_error *err);
/* The same for a header that is already packed, `n` bytes. */
int hap_stream_out_begin_bytes(struct hap_stream_out *out, const char *kind, const void *header,
                               size_t n, struct hap_error *err);
/* Begins a record: pack one map with the packer returned, then end the record. */
msgpack_packer *hap_stream_out_record(struct hap_stream_out *out);
/* The packer of the current record. */
msgpack_packer *hap_stream_out_packer(struct hap_stream_out *out);
int hap_stream_out_end_record(struct hap_stream_out *out, struct hap_error *err);
/* Writes `n` bytes, which complete this many records. */
int hap_stream_out_records(struct hap_stream_out *out, const void *data, size_t n,
                           uint64_t records, struct hap_error *err);
/* Ends the section with its trailer. */
int hap_stream_out_end(struct hap_stream_out *out, struct hap_error *err);
/* As version 0.1.0 and other programs write it: to copy a section unchanged. */
int hap_stream_out_end_without_digest(struct hap_stream_out *out, struct hap_error *err);

/* Within a record: writes a bin of `n` bytes without another copy. */
int hap_stream_out_bin(struct hap_stream_out *out, const void *data, size_t n,
                       struct hap_error *err);

#endif
