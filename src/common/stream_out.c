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
        size_t used, summed; /* bytes in the buffer, and of them in the crc */
        bool gzip;
        z_stream z;
        unsigned char *compressed;

        bool in_section;
        char kind[32];
        uint64_t records;
        size_t record_bytes;
        uLong crc;
        msgpack_packer packer;
        int failed; /* errno of the first write that failed */
};

static int fail_write(const struct hap_stream_out *w, struct hap_error *err)
{
        return hap_fail(err, HAP_ESYSTEM, "cannot write '%s': %s", w->name, strerror(w->failed));
}

/* --- bytes out --- */

static void write_out(struct hap_stream_out *w, struct iovec *parts, int n_parts)
{
        while (!w->failed && n_parts > 0) {
                ssize_t n = writev(w->fd, parts, n_parts);

                if (n < 0 && errno == EAGAIN) {
                        poll(&(struct pollfd){.fd = w->fd, .events = POLLOUT}, 1, -1);
                } else if (n < 0 && errno != EINTR) {
                        w->failed = errno;
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

static void deflate_out(struct hap_stream_out *w, const unsigned char *data, size_t n, int flush)
{
        int rc = Z_OK;

        do {
                uInt take = n < INT_MAX ? (uInt)n : INT_MAX;

                w->z.next_in = (unsigned char *)data;
                w->z.avail_in = take;
                do {
                        struct iovec part;

                        w->z.next_out = w->compressed;
                        w->z.avail_out = (uInt)BUFFER;
                        rc = deflate(&w->z, take == n ? flush : Z_NO_FLUSH);
                        part = (struct iovec){w->compressed, BUFFER - w->z.avail_out};
                        write_out(w, &part, 1);
                } while (!w->failed && (w->z.avail_in || w->z.avail_out == 0) &&
                         rc != Z_STREAM_END);
                if (take)
                        data += take;
                n -= take;
        } while (n && !w->failed);
}

/* Bytes outside of sections have no checksum here: whoever packed them wrote it. */
static void sum_buffer(struct hap_stream_out *w)
{
        if (w->in_section)
                w->crc = crc32_z(w->crc, w->buffer + w->summed, w->used - w->summed);
        w->summed = w->used;
}

/* Writes the buffer, then `data`. */
static void flush_with(struct hap_stream_out *w, const void *data, size_t n)
{
        struct iovec parts[2] = {{w->buffer, w->used}, {(void *)data, n}};

        sum_buffer(w);
        if (n && w->in_section)
                w->crc = crc32_z(w->crc, data, n);
        if (w->gzip) {
                deflate_out(w, w->buffer, w->used, Z_NO_FLUSH);
                if (n)
                        deflate_out(w, data, n, Z_NO_FLUSH);
        } else {
                write_out(w, parts, 2);
        }
        w->used = w->summed = 0;
}

static void put_bytes(struct hap_stream_out *w, const void *data, size_t n)
{
        w->record_bytes += n;
        if (w->failed)
                return;
        if (n >= DIRECT) {
                flush_with(w, data, n);
                return;
        }
        if (n > BUFFER - w->used)
                flush_with(w, NULL, 0);
        memcpy(w->buffer + w->used, data, n);
        w->used += n;
}

static int packer_put(void *writer, const char *data, size_t n)
{
        put_bytes(writer, data, n);
        return 0;
}

/* --- opening and closing --- */

static void stream_out_free(struct hap_stream_out *w)
{
        hap_atomic_file_release(&w->file);
        if (w->fd > STDERR_FILENO)
                close(w->fd);
        if (w->gzip)
                deflateEnd(&w->z);
        free(w->compressed);
        free(w->buffer);
        free(w->name);
        free(w);
}

/* Devices and pipes are opened directly, files through a temporary file. */
static int open_path(struct hap_stream_out *w, const char *path, struct hap_error *err)
{
        struct stat st;

        if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
                w->fd = hap_atomic_file_open(&w->file, path);
        else
                w->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (w->fd >= 0)
                return 0;
        w->failed = errno;
        return fail_write(w, err);
}

static int start_gzip(struct hap_stream_out *w, struct hap_error *err)
{
        w->compressed = malloc(BUFFER);
        /* zlib's own header: no name, no time */
        if (!w->compressed || deflateInit2(&w->z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8,
                                           Z_DEFAULT_STRATEGY) != Z_OK)
                return hap_fail_memory(err, w->name);
        w->gzip = true;
        return 0;
}

static int open_output(struct hap_stream_out **out, const char *path, bool gzip,
                       bool binary, struct hap_error *err)
{
        bool standard = !path || strcmp(path, "-") == 0;
        struct hap_stream_out *w = calloc(1, sizeof(*w));
        int rc = 0;

        *out = NULL;
        if (path && !*path) {
                free(w);
                return hap_fail(err, HAP_EUSAGE, "the name of the output is empty");
        }
        if (!w)
                return hap_fail_memory(err, "an output stream");
        w->fd = STDOUT_FILENO;
        w->name = strdup(standard ? "standard output" : path);
        w->buffer = malloc(BUFFER);
        msgpack_packer_init(&w->packer, w, packer_put);
        if (!w->name || !w->buffer)
                rc = hap_fail_memory(err, "an output stream");
        else if (!standard)
                rc = open_path(w, path, err);
        if (rc == 0 && (binary || gzip) && w->fd >= 0 && isatty(w->fd))
                rc = hap_fail(err, HAP_EUSAGE, "cannot write binary data to a terminal; "
                                             "use -o FILE or a pipe");
        if (rc == 0 && gzip)
                rc = start_gzip(w, err);
        if (rc < 0) {
                stream_out_free(w);
                return rc;
        }
        *out = w;
        return 0;
}

int hap_stream_out_open(struct hap_stream_out **out, const char *path, bool gzip, struct hap_error *err)
{
        return open_output(out, path, gzip, true, err);
}

int hap_stream_out_open_text(struct hap_stream_out **out, const char *path, bool gzip,
                         struct hap_error *err)
{
        return open_output(out, path, gzip, false, err);
}

static int check_failed(const struct hap_stream_out *w, struct hap_error *err)
{
        return w->failed ? fail_write(w, err) : 0;
}

int hap_stream_out_finish(struct hap_stream_out *w, struct hap_error *err)
{
        if (w->fd < 0)
                return check_failed(w, err);
        if (w->in_section)
                return hap_fail(err, HAP_ESYSTEM, "a section was not ended");
        flush_with(w, NULL, 0);
        if (w->gzip)
                deflate_out(w, NULL, 0, Z_FINISH);
        /* some file systems report only now that the disk is full */
        if (close(w->fd) < 0 && !w->failed)
                w->failed = errno;
        w->fd = -1;
        return check_failed(w, err);
}

int hap_stream_out_close(struct hap_stream_out *w, struct hap_error *err)
{
        int rc = hap_stream_out_finish(w, err);

        if (rc == 0 && w->file.path && hap_atomic_file_rename(&w->file) < 0) {
                w->failed = errno;
                rc = fail_write(w, err);
        }
        stream_out_free(w);
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
static int begin_section(struct hap_stream_out *w, const char *kind, struct hap_error *err)
{
        if (w->in_section || !kind || strlen(kind) >= sizeof(w->kind))
                return hap_fail(err, HAP_ESYSTEM, "cannot write '%s': %s", w->name,
                                w->in_section ? "a section was not ended" : "a header has no kind");
        flush_with(w, NULL, 0);
        w->crc = crc32_z(0, NULL, 0);
        strcpy(w->kind, kind);
        w->records = 0;
        w->in_section = true;
        return 0;
}

int hap_stream_out_begin(struct hap_stream_out *w, const json_t *header, struct hap_error *err)
{
        int rc = begin_section(w, json_string_value(json_object_get(header, "kind")), err);

        if (rc < 0)
                return rc;
        hap_pack_json(&w->packer, header);
        return check_failed(w, err);
}

int hap_stream_out_begin_bytes(struct hap_stream_out *w, const char *kind, const void *header,
                           size_t n, struct hap_error *err)
{
        int rc = begin_section(w, kind, err);

        if (rc < 0)
                return rc;
        put_bytes(w, header, n);
        return check_failed(w, err);
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

int hap_stream_out_end_record(struct hap_stream_out *w, struct hap_error *err)
{
        w->records++;
        if (w->record_bytes > hap_limits_default.record_bytes)
                return hap_fail(err, HAP_EINPUT,
                                "cannot write '%s': a record of %zu bytes exceeds the limit of %zu",
                                w->name, w->record_bytes, hap_limits_default.record_bytes);
        return check_failed(w, err);
}

int hap_stream_out_end(struct hap_stream_out *w, struct hap_error *err)
{
        uLong crc;

        sum_buffer(w);
        crc = w->crc;
        w->in_section = false; /* the crc does not cover the trailer */
        msgpack_pack_map(&w->packer, 3);
        hap_pack_text(&w->packer, "end");
        hap_pack_text(&w->packer, w->kind);
        hap_pack_text(&w->packer, "records");
        msgpack_pack_uint64(&w->packer, w->records);
        hap_pack_text(&w->packer, "crc32");
        msgpack_pack_uint32(&w->packer, (uint32_t)crc);
        return check_failed(w, err);
}

int hap_stream_out_bin(struct hap_stream_out *w, const void *data, size_t n, struct hap_error *err)
{
        if (n > hap_limits_default.record_bytes)
                return hap_fail(err, HAP_EINPUT,
                                "cannot write '%s': %zu bytes exceed the limit of %zu for a record",
                                w->name, n, hap_limits_default.record_bytes);
        msgpack_pack_bin(&w->packer, n);
        put_bytes(w, data, n);
        return check_failed(w, err);
}

int hap_stream_out_bytes(struct hap_stream_out *w, const void *data, size_t n, struct hap_error *err)
{
        if (w->in_section)
                return hap_fail(err, HAP_ESYSTEM,
                                "cannot copy to '%s': a section is being written", w->name);
        put_bytes(w, data, n);
        return check_failed(w, err);
}
