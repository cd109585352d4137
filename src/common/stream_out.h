/* Writing a stream: sections with their trailers, or plain text, to a file or a pipe. */
#ifndef HAP_COMMON_STREAM_OUT_H
#define HAP_COMMON_STREAM_OUT_H

#include <jansson.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

#define HAP_STREAM_VERSION 1 /* "hap" of a header */

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

#endif
