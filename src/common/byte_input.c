#include "common/byte_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mpi.h"
#include "common/number.h"

#define CHUNK ((size_t)256 * 1024)

/* The pages of a mapped file are released after this many bytes, so that peak memory does not
 * grow with the file. Reading them again brings them back. */
#define DROP_BYTES ((size_t)16 << 20)

static int fail_read(struct hap_byte_input *s, struct hap_error *err)
{
        return hap_fail(err, HAP_ESYSTEM, "cannot read '%s': %s", s->name, strerror(errno));
}

static size_t bytes_left(const struct hap_bytes *b)
{
        return b->end - b->begin;
}

/* Makes space for at least n bytes after the end. Bytes before `begin` are dropped. */
static int bytes_reserve(struct hap_bytes *b, size_t n)
{
        size_t left = bytes_left(b), size = b->size;
        unsigned char *grown;

        if (b->size - b->end >= n)
                return 0;
        if (b->begin && b->size - left >= n) {
                memmove(b->at, b->at + b->begin, left);
                b->begin = 0;
                b->end = left;
                return 0;
        }
        while (size - left < n)
                size = size ? size * 2 : CHUNK;
        grown = malloc(size);
        if (!grown)
                return -1;
        if (left)
                memcpy(grown, b->at + b->begin, left);
        free(b->at);
        *b = (struct hap_bytes){.at = grown, .end = left, .size = size};
        return 0;
}

/* Reads into the free part of `b`: the number of bytes, 0 at the end, or a negative code. */
static ssize_t read_into(struct hap_byte_input *s, struct hap_bytes *b, struct hap_error *err)
{
        size_t space = b->size - b->end;
        ssize_t n;

        if (s->map) { /* a mapped, compressed file */
                if (space > s->map_size - s->map_at)
                        space = s->map_size - s->map_at;
                if (space)
                        memcpy(b->at + b->end, s->map + s->map_at, space);
                s->map_at += space;
                n = (ssize_t)space;
        } else {
                do {
                        if (hap_mpi_read(s->fd, b->at + b->end, space, &n, err) < 0)
                                return err->code;
                } while (n < 0 && errno == EINTR);
                if (n < 0)
                        return fail_read(s, err);
        }
        if (n > 0)
                b->end += (size_t)n;
        return n;
}

/* Reads until there are at least n raw bytes, or to the end of the input. */
static int raw_need(struct hap_byte_input *s, size_t n, struct hap_error *err)
{
        ssize_t got = 1;

        while (bytes_left(&s->raw) < n && got) {
                if (bytes_reserve(&s->raw, CHUNK) < 0)
                        return hap_fail_memory(err, s->name);
                got = read_into(s, &s->raw, err);
                if (got < 0)
                        return (int)got;
        }
        return 0;
}

static bool raw_is_gzip(const struct hap_byte_input *s)
{
        return bytes_left(&s->raw) >= 2 && s->raw.at[s->raw.begin] == 0x1f &&
               s->raw.at[s->raw.begin + 1] == 0x8b;
}

/* A member has ended: another one, plain bytes, or nothing may follow. */
static int after_member(struct hap_byte_input *s, struct hap_error *err)
{
        int rc = raw_need(s, 2, err);

        if (rc < 0)
                return rc;
        if (raw_is_gzip(s))
                return inflateReset(&s->z) == Z_OK ? 0 : hap_fail_memory(err, s->name);
        inflateEnd(&s->z);
        s->inflating = false;
        s->ended = bytes_left(&s->raw) == 0;
        return 0;
}

static int fill_inflated(struct hap_byte_input *s, struct hap_error *err)
{
        int rc = raw_need(s, 1, err);

        if (rc < 0)
                return rc;
        if (bytes_left(&s->raw) == 0) {
                s->ended = s->cut = true;
                return 0;
        }
        s->z.next_in = s->raw.at + s->raw.begin;
        s->z.avail_in = (uInt)bytes_left(&s->raw);
        s->z.next_out = s->out.at + s->out.end;
        s->z.avail_out = (uInt)hap_min(s->out.size - s->out.end, CHUNK);
        rc = inflate(&s->z, Z_NO_FLUSH);
        s->raw.begin = s->raw.end - s->z.avail_in;
        s->out.end = (size_t)(s->z.next_out - s->out.at);
        if (rc == Z_STREAM_END)
                return after_member(s, err);
        if (rc == Z_MEM_ERROR)
                return hap_fail_memory(err, s->name);
        if (rc != Z_OK && rc != Z_BUF_ERROR)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': damaged gzip data (%s)",
                                s->name, s->z.msg ? s->z.msg : "wrong dictionary");
        return 0;
}

static int fill_plain(struct hap_byte_input *s, struct hap_error *err)
{
        size_t left = bytes_left(&s->raw), space = s->out.size - s->out.end;
        ssize_t n;

        if (left) { /* bytes that were read ahead for inflate */
                n = (ssize_t)(left < space ? left : space);
                memcpy(s->out.at + s->out.end, s->raw.at + s->raw.begin, (size_t)n);
                s->raw.begin += (size_t)n;
                s->out.end += (size_t)n;
                return 0;
        }
        n = read_into(s, &s->out, err);
        s->ended = n == 0;
        return n < 0 ? (int)n : 0;
}

int hap_byte_input_fill(struct hap_byte_input *s, size_t n, struct hap_error *err)
{
        int rc = 0;

        while (rc == 0 && bytes_left(&s->out) < n && !s->ended) {
                if (bytes_reserve(&s->out, CHUNK) < 0)
                        return hap_fail_memory(err, s->name);
                rc = s->inflating ? fill_inflated(s, err) : fill_plain(s, err);
        }
        s->data = s->out.at + s->out.begin;
        s->ready = bytes_left(&s->out);
        return rc;
}

void hap_byte_input_skip(struct hap_byte_input *s, size_t n)
{
        if (!n)
                return; /* there may be no window yet */
        s->data += n;
        s->ready -= n;
        if (!s->direct) {
                s->out.begin += n;
                return;
        }
        s->map_at += n;
        while (s->mapped && s->map_at - s->dropped > 2 * DROP_BYTES) {
                madvise((void *)(s->map + s->dropped), DROP_BYTES, MADV_DONTNEED);
                s->dropped += DROP_BYTES;
        }
}

void hap_byte_input_forget(struct hap_byte_input *s)
{
        if (s->mapped && s->map_size > s->dropped)
                madvise((void *)(s->map + s->dropped), s->map_size - s->dropped, MADV_DONTNEED);
}

/* Treats the bytes in the window as compressed and starts to inflate them. */
static int start_inflating(struct hap_byte_input *s, struct hap_error *err)
{
        struct hap_bytes read_ahead = s->raw;

        memset(&s->z, 0, sizeof(s->z));
        if (inflateInit2(&s->z, 15 + 16) != Z_OK)
                return hap_fail_memory(err, s->name);
        s->inflating = true;
        s->ended = false;
        if (s->direct) {
                s->direct = false;
        } else {
                if (bytes_reserve(&s->out, bytes_left(&read_ahead)) < 0)
                        return hap_fail_memory(err, s->name);
                if (bytes_left(&read_ahead))
                        memcpy(s->out.at + s->out.end, read_ahead.at + read_ahead.begin,
                               bytes_left(&read_ahead));
                s->out.end += bytes_left(&read_ahead);
                s->raw = s->out;
                s->out = read_ahead;
                s->out.begin = s->out.end = 0;
        }
        s->data = s->out.at;
        s->ready = 0;
        return 0;
}

int hap_byte_input_detect(struct hap_byte_input *s, struct hap_error *err)
{
        int rc = hap_byte_input_need(s, 2, err);

        if (rc < 0 || s->inflating || s->ready < 2 || s->data[0] != 0x1f || s->data[1] != 0x8b)
                return rc;
        return start_inflating(s, err);
}

/* Maps a regular file from its current offset on. */
static void try_map(struct hap_byte_input *s)
{
        struct stat st;
        off_t at = lseek(s->fd, 0, SEEK_CUR);
        void *map;

        if (at < 0 || fstat(s->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= at)
                return;
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, s->fd, 0);
        if (map == MAP_FAILED)
                return;
        madvise(map, (size_t)st.st_size, MADV_SEQUENTIAL);
        if (s->fd != STDIN_FILENO)
                close(s->fd);
        s->fd = -1;
        s->mapped = s->direct = s->ended = true;
        s->map = map;
        s->map_size = (size_t)st.st_size;
        s->map_at = (size_t)at;
        s->data = s->map + at;
        s->ready = s->map_size - s->map_at;
}

static int open_input(struct hap_byte_input *s, const char *path, struct hap_error *err)
{
        const bool standard = strcmp(path, "-") == 0;

        if (!standard)
                s->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (s->fd < 0)
                return fail_read(s, err);
        if (!standard || hap_mpi_ranks() == 1)
                try_map(s);
        return 0;
}

/* Maps what rank 0 has mapped; the rest comes from rank 0. */
static int follow_first_rank(struct hap_byte_input *s, const char *path, struct hap_error *err)
{
        int64_t size = (int64_t)s->map_size;
        int rc = hap_mpi_first(&size, err);

        if (rc == 0 && size > 0 && !s->mapped)
                rc = open_input(s, path, err);
        if (rc == 0 && (int64_t)s->map_size != size)
                rc = hap_fail(err, HAP_EINPUT, "cannot read '%s': it has %zu bytes here, and "
                              "%lld for rank 0", s->name, s->map_size, (long long)size);
        return rc;
}

int hap_byte_input_open(struct hap_byte_input *s, const char *path, struct hap_error *err)
{
        int rc = 0;

        *s = (struct hap_byte_input){.fd = STDIN_FILENO};
        s->name = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
        if (!s->name)
                return hap_fail_memory(err, path);
        if (hap_mpi_writes())
                rc = open_input(s, path, err);
        if (rc == 0)
                rc = follow_first_rank(s, path, err);
        if (rc < 0)
                hap_byte_input_close(s);
        return rc;
}

int hap_byte_input_memory(struct hap_byte_input *s, const char *name, const void *data, size_t n,
                          struct hap_error *err)
{
        *s = (struct hap_byte_input){.fd = -1, .map = data, .map_size = n, .data = data,
                                 .ready = n, .ended = true, .direct = true};
        s->name = strdup(name);
        return s->name ? 0 : hap_fail_memory(err, name);
}

void hap_byte_input_close(struct hap_byte_input *s)
{
        if (s->inflating)
                inflateEnd(&s->z);
        if (s->mapped)
                munmap((void *)s->map, s->map_size);
        if (s->fd > STDIN_FILENO)
                close(s->fd);
        free(s->out.at);
        free(s->raw.at);
        free(s->name);
}
