/* Exchange files of other programs: they become scores or circuits over the small model's graph,
 * which can be read again, or are refused. */
#include <stdlib.h>

#include "convert/acdc.h"
#include "convert/auto_circuit.h"
#include "convert/edge_pruning_list.h"
#include "convert/mib.h"
#include "graph/edges.h"
#include "model/description.h"
#include "target.h"

/* The description of the small model. */
static const json_t *model_description(void)
{
        static json_t *description;
        struct hap_model model;
        struct hap_error err;

        if (description)
                return description;
        MUST(hap_model_load(&model, fuzz_model(), &err) == 0);
        description = hap_model_describe(&model);
        MUST(description != NULL);
        hap_model_release(&model);
        return description;
}

/* Reads what was written. Returns the sections. */
static int sections_in(const uint8_t *stream, size_t n)
{
        static const char *const kinds[] = {"scores", "circuit"};
        int sections = 0;

        for (int kind = 0; kind < 2; kind++) {
                struct hap_stream_in *in;
                struct hap_edges edges;
                struct hap_error err;
                int rc;

                MUST(hap_stream_in_open_memory(&in, "stream", stream, n, &err) == 0);
                while ((rc = hap_edges_next(in, kinds[kind], &edges, &err)) == 1) {
                        sections++;
                        hap_edges_release(&edges);
                }
                MUST(rc == 0);
                hap_stream_in_close(in);
        }
        return sections;
}

typedef int read_edges(struct hap_byte_input *input, const struct hap_program *program,
                       const json_t *model, struct hap_stream_out *out, size_t *n,
                       struct hap_error *err);

static bool read_as(read_edges *read, const json_t *model, const uint8_t *data, size_t n)
{
        static const struct hap_program_info info = {.name = "hap-convert"};
        struct hap_program program = {.info = &info, .quiet = true};
        struct hap_stream_out *out = fuzz_output();
        struct hap_byte_input input;
        struct hap_error err;
        size_t n_edges, size;
        uint8_t *stream;
        int rc;

        MUST(hap_byte_input_memory(&input, "file", data, n, &err) == 0);
        program.history = json_pack("{s:s, s:[]}", "program", "hap-convert", "arguments");
        rc = read(&input, &program, model, out, &n_edges, &err);
        stream = fuzz_output_end(out, rc, &size);
        hap_byte_input_close(&input);
        json_decref(program.history);
        if (!fuzz_done(rc, &err))
                return false;
        MUST(sections_in(stream, size) > 0);
        free(stream);
        return true;
}

bool fuzz_mib(const uint8_t *data, size_t n)
{
        const bool any = read_as(hap_mib_read, NULL, data, n);
        const bool ours = read_as(hap_mib_read, model_description(), data, n);

        MUST(any || !ours);
        return any;
}

bool fuzz_edge_pruning(const uint8_t *data, size_t n)
{
        return read_as(hap_edge_pruning_read, model_description(), data, n);
}

bool fuzz_acdc(const uint8_t *data, size_t n)
{
        return read_as(hap_acdc_read, model_description(), data, n);
}

bool fuzz_auto_circuit(const uint8_t *data, size_t n)
{
        return read_as(hap_auto_circuit_read, model_description(), data, n);
}
