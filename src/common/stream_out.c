#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>

#include "common/atomic_file.h"
#include "common/digest.h"
#include "common/mpi.h"
#include "common/scan.h"
#include "common/stream.h"

#define BUFFER ((size_t)256 * 1024)

/* Data of at least this size are written without copying them to the buffer. */
#define DIRECT ((size_t)32 * 1024)

/* Caches hardly compress: the fastest level loses little. */
#define GZIP_LEVEL 1

struct hap_stream_out {
        int fd;
        char *name;   /* for messages */
        struct hap_atomic_file file; /* without target: `fd` is not a temporary file */

        unsigned char *buffer;
        size_t used, summed; /* bytes in the buffer; how many of them the crc covers */
        bool gzip;
        z_stream z;
        unsigned char *compressed;

        bool in_section;
        char kind[32];
        uint64_t records;
        size_t record_bytes;
        uLong crc;
        bool in_records; /* the header was written */
        struct hap_digests digests;
        msgpack_packer packer;
        int failed; /* errno of the first write that failed */
};

static int fail_write(const struct hap_stream_out *out, struct hap_error *err)
{
        return hap_fail(err, HAP_ESYSTEM, "cannot write '%s': %s", out->name,
                        strerror(out->failed));
}

/* --- bytes out --- */

static void write_out(struct hap_stream_out *out, struct iovec *parts, int n_parts)
{
        while (!out->failed && n_parts > 0) {
                ssize_t n = writev(out->fd, parts, n_parts);

                if (n < 0 && errno == EAGAIN) {
                        poll(&(struct pollfd){.fd = out->fd, .events = POLLOUT}, 1, -1);
                } else if (n < 0 && errno != EINTR) {
                        out->failed = errno;
                }
                while (n > 0 && n_parts > 0) {
                        size_t here = (size_t)n < parts->iov_len ? (size_t)n : parts->iov_len;

                        parts->iov_base = (char *)parts->iov_base + here;
                        parts->iov_len -= here;
                        n -= (ssize_t)here;
                        if (parts->iov_len == 0) {
                                parts++;
                                n_parts--;
                        }
                }
                while (n_parts > 0 && parts->iov_len == 0) {
                        parts++;
                        n_parts--;
                }
        }
}

static void deflate_out(struct hap_stream_out *out, const unsigned char *data, size_t n, int flush)
{
        int rc = Z_OK;

        do {
                uInt take = n < INT_MAX ? (uInt)n : INT_MAX;

                out->z.next_in = (unsigned char *)data;
                out->z.avail_in = take;
                do {
                        struct iovec part;

                        out->z.next_out = out->compressed;
                        out->z.avail_out = (uInt)BUFFER;
                        rc = deflate(&out->z, take == n ? flush : Z_NO_FLUSH);
                        part = (struct iovec){out->compressed, BUFFER - out->z.avail_out};
                        write_out(out, &part, 1);
                } while (!out->failed && (out->z.avail_in || out->z.avail_out == 0) &&
                         rc != Z_STREAM_END);
                if (take)
                        data += take;
                n -= take;
        } while (n && !out->failed);
}

/* Bytes outside of sections need no checksum here: they contain their own trailers. */
static void sum_bytes(struct hap_stream_out *out, const void *data, size_t n)
{
        if (out->in_section)
                out->crc = crc32_z(out->crc, data, n);
        if (out->in_records)
                hap_digests_add(&out->digests, data, n);
}

static void sum_buffer(struct hap_stream_out *out)
{
        sum_bytes(out, out->buffer + out->summed, out->used - out->summed);
        out->summed = out->used;
}

/* Writes the buffer, then `data`. */
static void flush_with(struct hap_stream_out *out, const void *data, size_t n)
{
        struct iovec parts[2] = {{out->buffer, out->used}, {(void *)data, n}};

        sum_buffer(out);
        if (n)
                sum_bytes(out, data, n);
        if (out->gzip) {
                deflate_out(out, out->buffer, out->used, Z_NO_FLUSH);
                if (n)
                        deflate_out(out, data, n, Z_NO_FLUSH);
        } else {
                write_out(out, parts, 2);
        }
        out->used = out->summed = 0;
}

static void put_bytes(struct hap_stream_out *out, const void *data, size_t n)
{
        out->record_bytes += n;
        if (out->failed || n == 0) /* data may be NULL then */
                return;
        if (n >= DIRECT) {
                flush_with(out, data, n);
                return;
        }
        if (n > BUFFER - out->used)
                flush_with(out, NULL, 0);
        memcpy(out->buffer + out->used, data, n);
        out->used += n;
}

static int packer_put(void *out, const char *data, size_t n)
{
        put_bytes(out, data, n);
        return 0;
}

/* --- opening and closing --- */

static void stream_out_free(struct hap_stream_out *out)
{
        hap_atomic_file_release(&out->file);
        if (out->fd > STDERR_FILENO)
                close(out->fd);
        if (out->gzip)
                deflateEnd(&out->z);
        hap_digests_release(&out->digests);
        free(out->compressed);
        free(out->buffer);
        free(out->name);
        free(out);
}

/* Devices and pipes are opened directly, files through a temporary file. */
static int open_path(struct hap_stream_out *out, const char *path, struct hap_error *err)
{
        struct stat st;

        if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
                out->fd = hap_atomic_file_open(&out->file, path);
        else
                out->fd = open(hap_mpi_output(path), O_WRONLY | O_CLOEXEC);
        if (out->fd >= 0)
                return 0;
        out->failed = errno;
        return fail_write(out, err);
}

static int start_gzip(struct hap_stream_out *out, struct hap_error *err)
{
        out->compressed = malloc(BUFFER);
        /* zlib's own header: no name, no time */
        if (!out->compressed || deflateInit2(&out->z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8,
                                           Z_DEFAULT_STRATEGY) != Z_OK)
                return hap_fail_memory(err, out->name);
        out->gzip = true;
        return 0;
}

static int open_output(struct hap_stream_out **out, const char *path, bool gzip,
                       bool binary, struct hap_error *err)
{
        bool standard = !path || strcmp(path, "-") == 0;
        struct hap_stream_out *stream = calloc(1, sizeof(*stream));
        int rc = 0;

        *out = NULL;
        if (path && !*path) {
                free(stream);
                return hap_fail(err, HAP_EUSAGE, "the name of the output is empty");
        }
        if (!stream)
                return hap_fail_memory(err, "an output stream");
        stream->fd = STDOUT_FILENO;
        stream->name = strdup(standard ? "standard output" : path);
        stream->buffer = malloc(BUFFER);
        msgpack_packer_init(&stream->packer, stream, packer_put);
        if (!stream->name || !stream->buffer)
                rc = hap_fail_memory(err, "an output stream");
        if (rc == 0)
                rc = hap_digests_init(&stream->digests, err);
        if (rc == 0 && !standard)
                rc = open_path(stream, path, err);
        if (rc == 0 && (binary || gzip) && stream->fd >= 0 && isatty(stream->fd))
                rc = hap_fail(err, HAP_EUSAGE, "%s", hap_mpi_ranks() > 1
                              ? "cannot write binary data through mpirun, which does not report "
                                "a full disk; use -o FILE"
                              : "cannot write binary data to a terminal; use -o FILE or a pipe");
        if (rc == 0 && gzip)
                rc = start_gzip(stream, err);
        if (rc < 0) {
                stream_out_free(stream);
                return rc;
        }
        *out = stream;
        return 0;
}

int hap_stream_out_open(struct hap_stream_out **out, const char *path, bool gzip,
                        struct hap_error *err)
{
        return open_output(out, path, gzip, true, err);
}

int hap_stream_out_open_text(struct hap_stream_out **out, const char *path, bool gzip,
                             struct hap_error *err)
{
        return open_output(out, path, gzip, false, err);
}

static int check_failed(const struct hap_stream_out *out, struct hap_error *err)
{
        return out->failed ? fail_write(out, err) : 0;
}

int hap_stream_out_finish(struct hap_stream_out *out, struct hap_error *err)
{
        if (out->fd < 0)
                return check_failed(out, err);
        if (out->in_section)
                return hap_fail(err, HAP_ESYSTEM, "a section was not ended");
        flush_with(out, NULL, 0);
        if (out->gzip)
                deflate_out(out, NULL, 0, Z_FINISH);
        /* some file systems report only now that the disk is full */
        if (close(out->fd) < 0 && !out->failed)
                out->failed = errno;
        out->fd = -1;
        return check_failed(out, err);
}

int hap_stream_out_close(struct hap_stream_out *out, struct hap_error *err)
{
        int rc = hap_stream_out_finish(out, err);

        if (rc == 0 && out->file.path && hap_atomic_file_rename(&out->file) < 0) {
                out->failed = errno;
                rc = fail_write(out, err);
        }
        stream_out_free(out);
        return rc;
}

static bool same_file(const struct stat *x, const struct stat *y)
{
        return x->st_dev == y->st_dev && x->st_ino == y->st_ino;
}

/* Files are compared by name: temporary files have inodes of their own. */
bool hap_stream_out_writes(const struct hap_stream_out *out, const char *path)
{
        struct stat x, y;

        if (out->file.target)
                return hap_same_target(out->file.target, path);
        return fstat(out->fd, &x) == 0 && stat(path, &y) == 0 && same_file(&x, &y);
}

bool hap_stream_out_same(const struct hap_stream_out *a, const struct hap_stream_out *b)
{
        struct stat x, y;

        if (a->file.target)
                return hap_stream_out_writes(b, a->file.target);
        if (b->file.target)
                return hap_stream_out_writes(a, b->file.target);
        return fstat(a->fd, &x) == 0 && fstat(b->fd, &y) == 0 && same_file(&x, &y);
}

void hap_stream_out_abandon(struct hap_stream_out *out)
{
        if (out)
                stream_out_free(out);
}

/* --- sections --- */

/* Everything before the bytes of the header. */
static int begin_section(struct hap_stream_out *out, const char *kind, struct hap_error *err)
{
        if (out->in_section || !kind || strlen(kind) >= sizeof(out->kind))
                return hap_fail(err, HAP_ESYSTEM, "cannot write '%s': %s", out->name,
                                out->in_section ? "a section was not ended"
                                                : "a header has no kind");
        flush_with(out, NULL, 0);
        out->crc = crc32_z(0, NULL, 0);
        strcpy(out->kind, kind);
        out->records = 0;
        out->in_section = true;
        return 0;
}

/* The digest begins after the header. */
static int begin_records(struct hap_stream_out *out, struct hap_error *err)
{
        sum_buffer(out);
        out->digests.n = 0; /* only the last is needed */
        out->in_records = true;
        return hap_digests_begin(&out->digests, err) < 0 ? err->code : check_failed(out, err);
}

int hap_stream_out_begin(struct hap_stream_out *out, const json_t *header, struct hap_error *err)
{
        int rc = begin_section(out, json_string_value(json_object_get(header, "kind")), err);

        if (rc < 0)
                return rc;
        hap_pack_json(&out->packer, header);
        return begin_records(out, err);
}

int hap_stream_out_begin_bytes(struct hap_stream_out *out, const char *kind, const void *header,
                               size_t n, struct hap_error *err)
{
        int rc = begin_section(out, kind, err);

        if (rc < 0)
                return rc;
        put_bytes(out, header, n);
        return begin_records(out, err);
}

msgpack_packer *hap_stream_out_record(struct hap_stream_out *out)
{
        out->record_bytes = 0;
        return &out->packer;
}

msgpack_packer *hap_stream_out_packer(struct hap_stream_out *out)
{
        return &out->packer;
}

int hap_stream_out_records(struct hap_stream_out *out, const void *data, size_t n, uint64_t records,
                           struct hap_error *err)
{
        put_bytes(out, data, n);
        out->records += records;
        return check_failed(out, err);
}

int hap_stream_out_end_record(struct hap_stream_out *out, struct hap_error *err)
{
        out->records++;
        if (out->record_bytes > hap_limits_default.record_bytes)
                return hap_fail(err, HAP_EINPUT,
                                "cannot write '%s': a record of %zu bytes exceeds the limit of %zu",
                                out->name, out->record_bytes, hap_limits_default.record_bytes);
        return check_failed(out, err);
}

static int write_trailer(struct hap_stream_out *out, bool with_digest, struct hap_error *err)
{
        char digest[HAP_DIGEST_TEXT];
        uLong crc;

        sum_buffer(out);
        crc = out->crc;
        out->in_section = out->in_records = false; /* the crc does not cover the trailer */
        hap_digest_text(hap_digests_end(&out->digests), digest);
        msgpack_pack_map(&out->packer, with_digest ? 4 : 3);
        hap_pack_text(&out->packer, "end");
        hap_pack_text(&out->packer, out->kind);
        hap_pack_text(&out->packer, "records");
        msgpack_pack_uint64(&out->packer, out->records);
        hap_pack_text(&out->packer, "crc32");
        msgpack_pack_uint32(&out->packer, (uint32_t)crc);
        if (with_digest) {
                hap_pack_text(&out->packer, "digest");
                hap_pack_text(&out->packer, digest);
        }
        return check_failed(out, err);
}

int hap_stream_out_end(struct hap_stream_out *out, struct hap_error *err)
{
        return write_trailer(out, true, err);
}

int hap_stream_out_end_without_digest(struct hap_stream_out *out, struct hap_error *err)
{
        return write_trailer(out, false, err);
}

int hap_stream_out_bin(struct hap_stream_out *out, const void *data, size_t n,
                       struct hap_error *err)
{
        if (n > hap_limits_default.record_bytes)
                return hap_fail(err, HAP_EINPUT,
                                "cannot write '%s': %zu bytes exceed the limit of %zu for a record",
                                out->name, n, hap_limits_default.record_bytes);
        msgpack_pack_bin(&out->packer, n);
        put_bytes(out, data, n);
        return check_failed(out, err);
}

int hap_stream_out_bytes(struct hap_stream_out *out, const void *data, size_t n,
                         struct hap_error *err)
{
        if (out->in_section)
                return hap_fail(err, HAP_ESYSTEM,
                                "cannot copy to '%s': a section is being written", out->name);
        put_bytes(out, data, n);
        return check_failed(out, err);
}
