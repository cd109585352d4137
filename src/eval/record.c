#include "eval/record.h"

#include "common/json.h"

int hap_record_write(struct hap_stream_out *out, json_t *record, struct hap_error *err)
{
        int rc;

        if (!record)
                return hap_fail_memory(err, "a record");
        hap_pack_json(hap_stream_out_record(out), record);
        rc = hap_stream_out_end_record(out, err);
        json_decref(record);
        return rc;
}
