#include "common/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/memory.h"
#include "common/scan.h"
#include "common/temporary.h"

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

static int move_to_file(struct hap_spool *spool, struct hap_error *err)
{
        if (spool->fd < 0 && hap_temporary_open(&spool->fd, err) < 0)
                return err->code;
        if (hap_temporary_write(spool->fd, spool->buffer.data, spool->buffer.size, err) < 0)
                return err->code;
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
                rc = n <= 0 ? hap_temporary_fail("read", n < 0 ? errno : EIO, err)
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
