#include "common/spool.h"

#include <stdlib.h>
#include <xxhash.h>

#include "common/memory.h"
#include "common/number.h"
#include "common/scan.h"

enum { PIECE = 1 << 16 };

static int spool_put(void *buffer, const char *data, size_t n)
{
        if (msgpack_sbuffer_write(buffer, data, n) == 0)
                return 0;
        hap_memory_short();
        return -1;
}

int hap_spool_init(struct hap_spool *spool, struct hap_error *err)
{
        *spool = (struct hap_spool){.state = XXH3_createState()};
        if (!spool->state)
                return hap_fail_memory(err, "records");
        XXH3_64bits_reset(spool->state);
        msgpack_sbuffer_init(&spool->buffer);
        msgpack_packer_init(&spool->packer, &spool->buffer, spool_put);
        return HAP_OK;
}

void hap_spool_release(struct hap_spool *spool)
{
        hap_byte_store_release(&spool->store);
        msgpack_sbuffer_destroy(&spool->buffer);
        XXH3_freeState(spool->state);
        *spool = (struct hap_spool){0};
}

msgpack_packer *hap_spool_record(struct hap_spool *spool)
{
        return &spool->packer;
}

void hap_spool_bytes(struct hap_spool *spool, const void *data, size_t n)
{
        spool_put(&spool->buffer, data, n);
}

int hap_spool_end_record(struct hap_spool *spool, struct hap_error *err)
{
        const size_t n = spool->buffer.size;

        if (hap_memory_was_short())
                return hap_fail_memory(err, "records");
        if (n > hap_limits_default.record_bytes)
                return hap_fail(err, HAP_EINPUT, "a record of %zu bytes exceeds the limit of %zu",
                                n, hap_limits_default.record_bytes);
        XXH3_64bits_update(spool->state, spool->buffer.data, n);
        spool->buffer.size = 0;
        spool->records++;
        return hap_byte_store_add(&spool->store, spool->buffer.data, n, err);
}

uint64_t hap_spool_digest(const struct hap_spool *spool)
{
        return XXH3_64bits_digest(spool->state);
}

int hap_spool_write(struct hap_spool *spool, struct hap_stream_out *out, struct hap_error *err)
{
        const uint64_t size = hap_byte_store_size(&spool->store);
        char *piece = malloc(PIECE);
        int rc = piece ? HAP_OK : hap_fail_memory(err, "records");

        hap_byte_store_seek(&spool->store, 0);
        for (uint64_t at = 0; rc == 0 && at < size; at += PIECE) {
                const size_t n = hap_min(PIECE, size - at);

                rc = hap_byte_store_take(&spool->store, piece, n, err);
                if (rc == 0)
                        rc = hap_stream_out_records(out, piece, n, 0, err);
        }
        free(piece);
        return rc < 0 ? rc : hap_stream_out_records(out, NULL, 0, spool->records, err);
}

int hap_spool_write_section(struct hap_spool *spool, const json_t *header,
                            struct hap_stream_out *out, struct hap_error *err)
{
        int rc = hap_stream_out_begin(out, header, err);

        if (rc == 0)
                rc = hap_spool_write(spool, out, err);
        return rc < 0 ? rc : hap_stream_out_end(out, err);
}
