/* Records that wait until their header can be written: what the header says of them, such as their
 * digest, is known only after the last. They wait in a byte store. */
#ifndef HAP_COMMON_SPOOL_H
#define HAP_COMMON_SPOOL_H

#include <msgpack.h>

#include "common/byte_store.h"
#include "common/stream_out.h"

struct hap_spool {
        msgpack_sbuffer buffer; /* the record that was begun */
        msgpack_packer packer;
        struct hap_byte_store store; /* the records before it */
        uint64_t records;
        void *state; /* of the digest */
};

int hap_spool_init(struct hap_spool *spool, struct hap_error *err);
void hap_spool_release(struct hap_spool *spool);
/* Begins a record: pack one map with the packer returned, then end the record. */
msgpack_packer *hap_spool_record(struct hap_spool *spool);
/* Instead of packing: adds `n` bytes, a record or a part of one that is packed already. */
void hap_spool_bytes(struct hap_spool *spool, const void *data, size_t n);
/* HAP_EINPUT: the record is larger than readers accept; HAP_ESYSTEM. */
int hap_spool_end_record(struct hap_spool *spool, struct hap_error *err);
/* The digest of the records so far (digest.h). */
uint64_t hap_spool_digest(const struct hap_spool *spool);
/* Writes the records to a section that has begun. */
int hap_spool_write(struct hap_spool *spool, struct hap_stream_out *out, struct hap_error *err);
/* A section of this header and the records. */
int hap_spool_write_section(struct hap_spool *spool, const json_t *header,
                            struct hap_stream_out *out, struct hap_error *err);

#endif
