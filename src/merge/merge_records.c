#include "merge/merge_records.h"

/* Adds the record just read: to the range of the mapped file, or to the spool. */
static int keep_record(struct hap_stream_in *in, struct hap_part *part, struct hap_error *err)
{
        size_t n;
        const char *raw = hap_stream_in_raw(in, &n);

        part->records++;
        if (!hap_stream_in_keeps(in)) {
                hap_spool_bytes(&part->spool, raw, n);
                return hap_spool_end_record(&part->spool, err);
        }
        if (!part->mapped)
                part->mapped = raw;
        part->mapped_bytes = (size_t)(raw + n - part->mapped);
        return HAP_OK;
}

int hap_merge_records_read(struct hap_stream_in *in, struct hap_part *part, struct hap_error *err)
{
        msgpack_object record;
        int rc = hap_spool_init(&part->spool, err);

        while (rc == 0 && (rc = hap_stream_in_record(in, &record, err)) > 0)
                rc = keep_record(in, part, err);
        if (rc == 0 && part->records != part->examples)
                rc = hap_fail(err, HAP_EINPUT, "cannot merge '%s': it has %zu records, its header "
                              "says %zu examples", part->name, (size_t)part->records,
                              part->examples);
        return rc;
}

int hap_merge_records_write(const struct hap_shard_set *set, struct hap_stream_out *out,
                            json_t *header, const void *options, struct hap_error *err)
{
        int rc = hap_stream_out_begin(out, header, err);

        (void)options;
        for (size_t i = 0; i < set->of && rc == 0; i++) {
                struct hap_part *part = set->parts + i;

                rc = part->mapped ? hap_stream_out_records(out, part->mapped, part->mapped_bytes,
                                                           part->records, err)
                                  : hap_spool_write(&part->spool, out, err);
        }
        return rc < 0 ? rc : hap_stream_out_end(out, err);
}
