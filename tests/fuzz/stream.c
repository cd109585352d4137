/* Any bytes as a stream: reading them gives records or an error, but never a crash, and records
 * converted to JSON and back are unchanged. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/stream.h"
#include "convert/json_pack.h"
#include "convert/json_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The JSON of one value, packed again, is the value. */
static void there_and_back(const void *bytes, size_t n)
{
        struct hap_error err;
        msgpack_sbuffer packed;
        msgpack_packer packer;
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        json_t *json;

        hap_json_print(bytes, out);
        fclose(out);
        json = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        msgpack_sbuffer_init(&packed);
        msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
        if (!json || hap_json_pack(&packer, json, &err) < 0 || packed.size != n ||
            memcmp(packed.data, bytes, n) != 0) {
                fprintf(stderr, "not the same again: %.*s\n", (int)length, text);
                abort();
        }
        msgpack_sbuffer_destroy(&packed);
        json_decref(json);
        free(text);
}

/* Reads every tensor of the record as far as it goes. */
static void look_at(const msgpack_object *record)
{
        struct hap_tensor tensor;
        struct hap_error err;
        float values[16];

        for (uint32_t i = 0; i < record->via.map.size; i++)
                if (hap_tensor_of(&record->via.map.ptr[i].val, &tensor, &err) == 0)
                        hap_tensor_read(&tensor, 0, tensor.n < 16 ? tensor.n : 16, values);
        json_decref(hap_json_of(record));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct hap_stream_in *in;
        struct hap_error err;
        msgpack_object record;
        json_t *header;
        size_t length;
        const void *raw;

        if (hap_stream_in_open_memory(&in, "fuzz", data, n, &err) < 0)
                return 0;
        while (hap_stream_in_section(in, &header, &err) == 1) {
                raw = hap_stream_in_raw(in, &length);
                there_and_back(raw, length);
                while (hap_stream_in_record(in, &record, &err) == 1) {
                        raw = hap_stream_in_raw(in, &length);
                        there_and_back(raw, length);
                        look_at(&record);
                }
        }
        hap_stream_in_close(in);
        return 0;
}
