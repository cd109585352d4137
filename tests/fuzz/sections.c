/* The sections of streams, as JSON lines: hap-convert makes a stream of them, whose trailers then
 * fit, and the programs' readers take that. */
#include <stdlib.h>
#include <string.h>

#include "attrib/algebra.h"
#include "attrib/example_scores.h"
#include "convert/acdc.h"
#include "convert/attribution_graph.h"
#include "convert/auto_circuit.h"
#include "convert/edge_pruning_list.h"
#include "convert/json_lines.h"
#include "convert/mib.h"
#include "convert/table.h"
#include "data/inputs.h"
#include "forward/ablation.h"
#include "merge/merge_kinds.h"
#include "merge/merge_report.h"
#include "show/show_dot.h"
#include "show/show_export.h"
#include "show/show_figures.h"
#include "show/show_html.h"
#include "show/show_svg.h"
#include "show/show_text.h"
#include "target.h"

/* The stream of the lines, *size bytes; NULL: they were refused. */
static uint8_t *stream_of(const uint8_t *data, size_t n, size_t *size)
{
        static const struct hap_program_info info = {.name = "hap-convert"};
        struct hap_program program = {.info = &info, .quiet = true};
        struct hap_byte_input input;
        struct hap_error err;
        int64_t read;
        uint8_t *stream;

        MUST(hap_byte_input_memory(&input, "lines", data, n, &err) == 0);
        program.history = json_pack("{s:s, s:[]}", "program", "hap-convert", "arguments");
        program.out = fuzz_output();
        read = hap_json_read(&input, &program);
        stream = fuzz_output_end(program.out, read, size);
        fuzz_done(read, &program.error);
        hap_byte_input_close(&input);
        json_decref(program.history);
        return stream;
}

/* A reader of a whole stream: whether it was accepted. */
typedef bool read_stream(struct hap_stream_in *in);

/* Whether no header names a graph of more than 64 layers or heads: those of up to 2^27 edges are
 * allowed, and take seconds each. */
static bool is_small(const uint8_t *stream, size_t size)
{
        struct hap_stream_in *in;
        struct hap_error err;
        json_t *header;
        bool small = true;

        MUST(hap_stream_in_open_memory(&in, "stream", stream, size, &err) == 0);
        while (hap_stream_in_section(in, &header, &err) == 1) {
                const json_t *graph = json_object_get(header, "graph");

                small = small && json_integer_value(json_object_get(graph, "layers")) <= 64 &&
                        json_integer_value(json_object_get(graph, "heads")) <= 64;
        }
        hap_stream_in_close(in);
        return small;
}

/* What hap-convert has written can be opened; the readers judge what is in it. */
static bool read_by(const uint8_t *data, size_t n, read_stream *const *readers)
{
        size_t size;
        uint8_t *stream = stream_of(data, n, &size);
        bool accepted = false;

        if (!stream)
                return false;
        for (const bool small = is_small(stream, size); small && *readers; readers++) {
                struct hap_stream_in *in;
                struct hap_error err;

                MUST(hap_stream_in_open_memory(&in, "stream", stream, size, &err) == 0);
                accepted = (*readers)(in) || accepted;
                hap_stream_in_close(in);
        }
        free(stream);
        return accepted;
}

/* --- hap-show --- */

static void draw(const struct hap_show *show, bool dot)
{
        const struct hap_drawing_options how = {.columns = !dot};
        struct hap_drawing drawing;
        struct hap_error err;

        if (!fuzz_done(hap_drawing_init(&drawing, show, &how, &err), &err))
                return;
        if (dot)
                fuzz_done(hap_show_dot(&drawing, fuzz_sink(), &err), &err);
        else
                fuzz_done(hap_show_svg(&drawing, fuzz_sink(), &err), &err);
        hap_drawing_release(&drawing);
}

static bool show(struct hap_stream_in *in)
{
        struct hap_show all = {0};
        struct hap_error err;
        bool accepted = fuzz_done(hap_show_read(&all, in, 5, &err), &err) && all.n > 0;

        if (accepted) {
                fuzz_done(hap_show_text(&all, 0, NULL, fuzz_sink(), &err), &err);
                fuzz_done(hap_show_html(&all, 0, NULL, fuzz_sink(), &err), &err);
                for (int how = HAP_EXPORT_MARKDOWN; how <= HAP_EXPORT_LATEX; how++)
                        fuzz_done(hap_show_export(&all, (enum hap_export)how, fuzz_sink(), &err),
                                  &err);
                draw(&all, false);
                draw(&all, true);
                if (!hap_show_has_edges(&all) && hap_show_has_figures(&all))
                        fuzz_done(hap_show_figures(&all, false, fuzz_sink(), &err), &err);
        }
        hap_show_release(&all);
        return accepted;
}

bool fuzz_show(const uint8_t *data, size_t n)
{
        return read_by(data, n, (read_stream *const[]){show, NULL});
}

/* --- hap-convert --to --- */

#define EXPORTER(name, write)                                                    \
        static bool name(struct hap_stream_in *in)                               \
        {                                                                        \
                struct hap_error err;                                            \
                size_t written;                                                  \
                                                                                 \
                return fuzz_done(write(in, fuzz_sink(), &written, &err), &err);  \
        }
EXPORTER(to_mib, hap_mib_write)
EXPORTER(to_edge_pruning, hap_edge_pruning_write)
EXPORTER(to_acdc, hap_acdc_write)
EXPORTER(to_auto_circuit, hap_auto_circuit_write)
EXPORTER(to_attribution_graph, hap_attribution_graph_write)
EXPORTER(to_csv, hap_csv_write)
EXPORTER(to_tsv, hap_tsv_write)

bool fuzz_export(const uint8_t *data, size_t n)
{
        return read_by(data, n, (read_stream *const[]){to_mib, to_edge_pruning, to_acdc,
                                                       to_auto_circuit, to_attribution_graph,
                                                       to_csv, to_tsv, NULL});
}

/* --- hap-merge, hap-select, hap-cluster --- */

static void write_set(const struct hap_shard_set *set)
{
        const struct hap_merge_report_options options = {.intervals = {.resamples = 10, .level = 0.95}};
        struct hap_stream_out *out = fuzz_output();
        json_t *header = hap_shard_set_header(set);
        struct hap_error err;
        size_t n;
        int rc;

        MUST(header != NULL);
        json_object_set_new(header, "hap", json_integer(HAP_STREAM_VERSION));
        json_object_set_new(header, "kind", json_string(set->kind->name));
        rc = set->kind->write(set, out, header, &options, &err);
        free(fuzz_output_end(out, rc, &n));
        fuzz_done(rc, &err);
        json_decref(header);
}

static bool merge_shards(struct hap_stream_in *in)
{
        struct hap_shard_sets sets;
        struct hap_error err;
        const bool accepted = fuzz_done(hap_shard_sets_read(in, hap_merge_kinds, &sets, &err), &err);

        for (size_t i = 0; accepted && i < sets.n; i++)
                write_set(sets.items + i);
        hap_shard_sets_release(&sets);
        return accepted;
}

static bool unite(struct hap_stream_in *in)
{
        const struct hap_algebra_options options = {.together = true};
        struct hap_selection selection = {0};
        struct hap_error err;

        const bool accepted = fuzz_done(hap_algebra_run(in, &options, &selection, &err), &err);

        if (accepted)
                fuzz_done(hap_selection_finish(&selection, NULL, 0, false, &err), &err);
        hap_selection_release(&selection);
        return accepted;
}

static bool single_examples(struct hap_stream_in *in)
{
        struct hap_example_scores scores;
        struct hap_error err;
        bool any = false;
        int rc;

        while ((rc = hap_example_scores_next(in, &scores, &err)) == 1) {
                MUST(scores.n > 0 && json_array_size(scores.ids) == scores.n);
                hap_example_scores_release(&scores);
                any = true;
        }
        return fuzz_done(rc, &err) && any;
}

bool fuzz_merge(const uint8_t *data, size_t n)
{
        return read_by(data, n, (read_stream *const[]){merge_shards, unite, single_examples, NULL});
}

/* --- the loader of all programs that run the model --- */

static bool run_with(struct hap_stream_in *in, const struct hap_ablation *ablation)
{
        struct hap_inputs inputs;
        const struct hap_prompts *prompts;
        const struct hap_inputs_want want = {
                .circuits = HAP_ANY_NUMBER, .scores = 1, .batches = 1, .model_path = fuzz_model(),
                .prompts = {.ablation = ablation, .want_q = true, .want_log_p = true},
                .memory = hap_memory_within(&hap_memory_eval, (size_t)1 << 28, 1)};
        struct hap_error err;
        int rc;

        if (!fuzz_done(hap_inputs_read(in, &want, &inputs, &err), &err))
                return false;
        do {
                rc = hap_inputs_next(&inputs, &prompts, &err);
        } while (rc == 1);
        hap_inputs_release(&inputs);
        return fuzz_done(rc, &err);
}

static bool run_interchange(struct hap_stream_in *in)
{
        return run_with(in, &hap_interchange);
}

static bool run_mean(struct hap_stream_in *in)
{
        return run_with(in, &hap_mean_position);
}

static bool run_optimal(struct hap_stream_in *in)
{
        return run_with(in, &hap_optimal);
}

bool fuzz_inputs(const uint8_t *data, size_t n)
{
        return read_by(data, n, (read_stream *const[]){run_interchange, run_mean, run_optimal, NULL});
}
