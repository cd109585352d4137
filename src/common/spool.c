#include "common/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/memory.h"
#include "common/scan.h"

#define IN_MEMORY ((size_t)1 << 20)

static int spool_put(void *buffer, const char *data, size_t n)
{
        if (msgpack_sbuffer_write(buffer, data, n) == 0)
                return 0;
        hap_memory_short();
        return -1;
}

int hap_spool_init(struct hap_spool *spool, struct hap_error *err)
{
        *spool = (struct hap_spool){.fd = -1, .state = XXH3_createState()};
        if (!spool->state)
                return hap_fail_memory(err, "records");
        XXH3_64bits_reset(spool->state);
        msgpack_sbuffer_init(&spool->buffer);
        msgpack_packer_init(&spool->packer, &spool->buffer, spool_put);
        return HAP_OK;
}

void hap_spool_release(struct hap_spool *spool)
{
        if (spool->fd >= 0)
                close(spool->fd);
        msgpack_sbuffer_destroy(&spool->buffer);
        XXH3_freeState(spool->state);
        *spool = (struct hap_spool){.fd = -1};
}

msgpack_packer *hap_spool_record(struct hap_spool *spool)
{
        return &spool->packer;
}

void hap_spool_bytes(struct hap_spool *spool, const void *data, size_t n)
{
        spool_put(&spool->buffer, data, n);
}

static const char *temporary_folder(void)
{
        const char *folder = getenv("TMPDIR");

        return folder && *folder ? folder : "/tmp";
}

static int fail_temporary(const char *what, int why, struct hap_error *err)
{
        return hap_fail(err, HAP_ESYSTEM, "cannot %s a temporary file in '%s': %s; TMPDIR names "
                        "another folder", what, temporary_folder(), strerror(why));
}

/* A file that has no name, or loses it at once. */
static int open_temporary(struct hap_spool *spool, struct hap_error *err)
{
        char *name;

        spool->fd = open(temporary_folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (spool->fd >= 0)
                return HAP_OK;
        if (asprintf(&name, "%s/hap-XXXXXX", temporary_folder()) < 0)
                return hap_fail_memory(err, "a name");
        spool->fd = mkostemp(name, O_CLOEXEC);
        if (spool->fd >= 0)
                unlink(name);
        free(name);
        return spool->fd >= 0 ? HAP_OK : fail_temporary("make", errno, err);
}

static int write_all(int fd, const char *data, size_t n)
{
        while (n > 0) {
                ssize_t done = write(fd, data, n);

                if (done < 0 && errno != EINTR)
                        return -1;
                if (done > 0) {
                        data += done;
                        n -= (size_t)done;
                }
        }
        return 0;
}

static int move_to_file(struct hap_spool *spool, struct hap_error *err)
{
        if (spool->fd < 0 && open_temporary(spool, err) < 0)
                return err->code;
        if (write_all(spool->fd, spool->buffer.data, spool->buffer.size) < 0)
                return fail_temporary("write", errno, err);
        spool->in_file += spool->buffer.size;
        spool->summed = spool->buffer.size = 0;
        return HAP_OK;
}

int hap_spool_end_record(struct hap_spool *spool, struct hap_error *err)
{
        const size_t n = spool->buffer.size - spool->summed;

        if (hap_memory_was_short())
                return hap_fail_memory(err, "records");
        if (n > hap_limits_default.record_bytes)
                return hap_fail(err, HAP_EINPUT, "a record of %zu bytes exceeds the limit of %zu",
                                n, hap_limits_default.record_bytes);
        XXH3_64bits_update(spool->state, spool->buffer.data + spool->summed, n);
        spool->summed = spool->buffer.size;
        spool->records++;
        return spool->summed > IN_MEMORY ? move_to_file(spool, err) : HAP_OK;
}

uint64_t hap_spool_digest(const struct hap_spool *spool)
{
        return XXH3_64bits_digest(spool->state);
}

static int copy_file(struct hap_spool *spool, struct hap_stream_out *out, struct hap_error *err)
{
        const size_t size = (size_t)1 << 16;
        char *piece = malloc(size);
        uint64_t at = 0;
        int rc = piece ? HAP_OK : hap_fail_memory(err, "records");

        while (rc == 0 && at < spool->in_file) {
                ssize_t n = pread(spool->fd, piece, size, (off_t)at);

                if (n < 0 && errno == EINTR)
                        continue;
                rc = n <= 0 ? fail_temporary("read", n < 0 ? errno : EIO, err)
                            : hap_stream_out_records(out, piece, (size_t)n, 0, err);
                at += n > 0 ? (uint64_t)n : 0;
        }
        free(piece);
        return rc;
}

int hap_spool_write(struct hap_spool *spool, struct hap_stream_out *out, struct hap_error *err)
{
        int rc = copy_file(spool, out, err);

        return rc < 0 ? rc : hap_stream_out_records(out, spool->buffer.data, spool->buffer.size,
                                                    spool->records, err);
}

int hap_spool_write_section(struct hap_spool *spool, const json_t *header,
                            struct hap_stream_out *out, struct hap_error *err)
{
        int rc = hap_stream_out_begin(out, header, err);

        if (rc == 0)
                rc = hap_spool_write(spool, out, err);
        return rc < 0 ? rc : hap_stream_out_end(out, err);
}
