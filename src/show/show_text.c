/* For every section: its kind, its header and history, then a summary of its records that
 * depends on the kind. */
#include "show/show_text.h"

#include <stdlib.h>
#include <string.h>

#include "common/provenance.h"
#include "show/drawing.h"
#include "show/show_edges.h"
#include "show/show_examples.h"
#include "show/show_output.h"
#include "show/show_compare.h"
#include "show/show_nodes.h"
#include "show/show_overlap.h"
#include "show/show_phrase.h"
#include "show/show_report.h"
#include "show/show_table.h"

enum { WIDE = 96 }; /* columns */

/* "ioi, corruption abc, split train": the entries of a map, of a map within it
 * in parentheses; other values as they are. */
static void write_entries(FILE *out, const json_t *value, int depth)
{
        const char *key, *separator = "";
        json_t *entry;

        if (!json_is_object(value))
                hap_write_value(out, value);
        json_object_foreach((json_t *)value, key, entry) {
                bool map = json_is_object(entry) && depth == 0;

                fputs(separator, out);
                if (map || strcmp(key, "name") != 0) {
                        hap_write_plain(out, key, SIZE_MAX);
                        fputs(map ? " (" : " ", out);
                }
                if (map)
                        write_entries(out, entry, depth + 1);
                else
                        hap_write_value(out, entry);
                if (map)
                        fputc(')', out);
                separator = ", ";
        }
}

/* Writes text after a label; breaks at commas lines that would be longer than WIDE. */
static void write_wrapped(const char *text, FILE *out)
{
        size_t column = HAP_LABEL_COLUMNS;

        while (*text) {
                const char *comma = strstr(text, ", ");
                const size_t n = comma ? (size_t)(comma - text) + 1 : strlen(text);

                if (column + n > WIDE && column > HAP_LABEL_COLUMNS)
                        column = (size_t)fprintf(out, "\n%*s", HAP_LABEL_COLUMNS, "") - 1;
                else if (column > HAP_LABEL_COLUMNS)
                        column += (size_t)fprintf(out, " ");
                column += fwrite(text, 1, n, out);
                text += comma ? n + 1 : n;
        }
        fputc('\n', out);
}

static int write_entry(const char *key, const json_t *value, FILE *out, struct hap_error *err)
{
        char *text = NULL;
        size_t size;
        FILE *line = open_memstream(&text, &size);

        int rc = HAP_OK;

        if (line)
                write_entries(line, value, 0);
        if (!line || fclose(line) != 0 || !text) { /* without memory, fclose only frees the text */
                rc = hap_fail_memory(err, "the header");
        } else {
                hap_write_label(out, key);
                write_wrapped(text, out);
        }
        free(text);
        return rc;
}

static int write_header(const json_t *header, FILE *out, struct hap_error *err)
{
        static const char *const elsewhere[] = {"hap", "kind", "requires", "model", "graph",
                                                "circuit", "circuits"};
        const json_t *model = json_object_get(header, "model");
        const char *key;
        json_t *value;

        if (model) {
                hap_write_label(out, "model");
                hap_write_value(out, json_object_get(model, "path"));
                fputs(" (", out);
                hap_write_value(out, json_object_get(model, "family"));
                fprintf(out, ", %" JSON_INTEGER_FORMAT " layers, %" JSON_INTEGER_FORMAT " heads), ",
                        json_integer_value(json_object_get(model, "layers")),
                        json_integer_value(json_object_get(model, "heads")));
                hap_write_value(out, json_object_get(model, "fingerprint"));
                fputc('\n', out);
        }
        json_object_foreach((json_t *)header, key, value) {
                bool elsewhere_shown = hap_provenance_is_key(key);

                for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
                        elsewhere_shown |= strcmp(key, elsewhere[i]) == 0;
                if (!elsewhere_shown && write_entry(key, value, out, err) < 0)
                        return err->code;
        }
        return HAP_OK;
}

/* "2 (cache 59efe7a01e8a4490), 4 (circuit 6fbb47da6607251a)": what an entry was made from, and
 * the numbers of the entries of the programs that made it. */
static void write_inputs(const json_t *entry, FILE *out)
{
        json_t *input;
        size_t i;

        json_array_foreach(json_object_get(entry, "inputs"), i, input) {
                const json_t *from = json_object_get(input, "from");

                fputs(i == 0 ? ", from " : ", ", out);
                if (json_is_integer(from))
                        fprintf(out, "%" JSON_INTEGER_FORMAT " ", json_integer_value(from) + 1);
                fputc('(', out);
                hap_write_value(out, json_object_get(input, "kind"));
                if (json_object_get(input, "digest")) {
                        fputc(' ', out);
                        hap_write_value(out, json_object_get(input, "digest"));
                }
                fputc(')', out);
        }
}

/* Whether each program read what the one before it wrote, and nothing else. */
static bool is_chain(const json_t *history)
{
        json_t *entry;
        size_t i;

        json_array_foreach((json_t *)history, i, entry) {
                const json_t *inputs = json_object_get(entry, "inputs");
                const json_t *from = json_object_get(json_array_get(inputs, 0), "from");

                if (json_array_size(inputs) > 1 ||
                    (json_is_integer(from) && json_integer_value(from) + 1 != (json_int_t)i))
                        return false;
        }
        return true;
}

static void write_history(const json_t *header, FILE *out)
{
        const json_t *history = json_object_get(header, "history");
        const bool chain = is_chain(history);
        size_t i, k;
        json_t *entry, *argument;

        json_array_foreach((json_t *)history, i, entry) {
                hap_write_label(out, i == 0 ? "history" : "");
                if (!chain)
                        fprintf(out, "%zu ", i + 1);
                hap_write_value(out, json_object_get(entry, "name"));
                json_array_foreach(json_object_get(entry, "arguments"), k, argument) {
                        fputc(' ', out);
                        hap_write_value(out, argument);
                }
                fputs(" (", out);
                hap_write_value(out, json_object_get(entry, "version"));
                fputc(')', out);
                if (!chain)
                        write_inputs(entry, out);
                fputc('\n', out);
        }
}

/* The digests of the circuits of a report: a name may mean another circuit tomorrow. */
static void write_circuits(const json_t *header, FILE *out)
{
        const char *label = "circuits";
        json_t *circuit;
        size_t i;

        json_array_foreach(json_object_get(header, "circuits"), i, circuit) {
                if (!json_object_get(circuit, "digest"))
                        continue;
                hap_write_label(out, label);
                hap_write_value(out, json_object_get(circuit, "name"));
                fputs(", digest ", out);
                hap_write_value(out, json_object_get(circuit, "digest"));
                fputc('\n', out);
                label = "";
        }
}

/* In columns, 30 at most. */
static size_t widest_key(const json_t *records)
{
        size_t i, widest = 0;
        json_t *record, *value;
        const char *key;

        json_array_foreach(records, i, record) {
                json_object_foreach(record, key, value)
                        widest = hap_text_width(key) > widest ? hap_text_width(key) : widest;
        }
        return widest < 30 ? widest : 30;
}

static bool holds_texts(const json_t *value)
{
        const char *key;
        json_t *entry;
        bool all = json_object_size(value) > 0;

        json_object_foreach((json_t *)value, key, entry)
                all = all && json_is_string(entry);
        return all;
}

static void write_key(FILE *out, const char *key, size_t width)
{
        fputs("  ", out);
        hap_write_padded(out, key, width);
        fputs("  ", out);
}

/* Writes a map of texts, such as both prompts, one a line; any other value in one line. */
static void write_field(FILE *out, const char *key, const json_t *value, size_t width)
{
        const char *inner;
        json_t *entry;

        if (!holds_texts(value)) {
                write_key(out, key, width);
                write_entries(out, value, 0);
                fputc('\n', out);
                return;
        }
        json_object_foreach((json_t *)value, inner, entry) {
                write_key(out, key, width);
                hap_write_plain(out, inner, SIZE_MAX);
                fputs(": ", out);
                hap_write_value(out, entry);
                fputc('\n', out);
                key = "";
        }
}

/* The first records, one field a line. */
static void write_records(const struct hap_section *s, FILE *out)
{
        size_t width = widest_key(s->records), i;
        json_t *record, *value;
        const char *key;

        json_array_foreach(s->records, i, record) {
                fputc('\n', out);
                json_object_foreach(record, key, value)
                        write_field(out, key, value, width);
        }
        if (s->n > i)
                fprintf(out, "\n  and %zu more\n", s->n - i);
}

/* The first and the last value of each field of a log. */
static void write_log(const struct hap_section *s, FILE *out)
{
        size_t n = json_array_size(s->records);
        const json_t *first = json_array_get(s->records, 0);
        const json_t *last_one = n > 0 ? json_array_get(s->records, n - 1) : NULL;
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)last_one, key, value) {
                hap_write_label(out, key);
                hap_write_value(out, json_object_get(first, key));
                fputs(" ... ", out);
                hap_write_value(out, value);
                fputc('\n', out);
        }
}

static const char *kind_name(const struct hap_section *s)
{
        const char *kind = json_string_value(json_object_get(s->header, "kind"));

        return kind ? kind : "log";
}

static const char *unit_name(const struct hap_section *s)
{
        return s->kind == HAP_SHOW_EDGES ? "edge"
               : s->kind == HAP_SHOW_NODES ? "node"
               : s->kind == HAP_SHOW_EXAMPLE_SCORES ? "example"
               : s->kind == HAP_SHOW_TASK || s->kind == HAP_SHOW_CACHE ? "example" : "record";
}

/* The scores that rank the edges of a circuit. */
static const struct hap_edges *scores_for(const struct hap_show *show, const struct hap_section *s)
{
        const struct hap_section *scores = hap_scores_for(show, &s->edges.graph);

        return scores ? &scores->edges : NULL;
}

/* Refuses before anything is written. */
static int check_rankings(const struct hap_show *show, size_t top, struct hap_error *err)
{
        int rc = HAP_OK;

        for (size_t i = 0; i < show->n && rc == HAP_OK; i++) {
                const struct hap_section *s = &show->sections[i];

                if (hap_section_is_circuit(s))
                        rc = hap_check_ranking(&s->edges, scores_for(show, s), top, err);
        }
        return rc;
}

/* The tables of a report, the last of which is that of single examples. */
static int write_report(const struct hap_section *s, size_t top,
                        const struct hap_tokenizer *tokenizer, FILE *out, struct hap_error *err)
{
        const int rc = hap_write_report(s->records, out, err);

        return rc < 0 ? rc : hap_write_examples(s->records, top, tokenizer, out, err);
}

int hap_show_text(const struct hap_show *show, size_t top, const struct hap_tokenizer *tokenizer,
                  FILE *out, struct hap_error *err)
{
        int rc = check_rankings(show, top, err);

        for (size_t i = 0; i < show->n && rc == 0; i++) {
                const struct hap_section *s = &show->sections[i];
                char count[32];

                hap_phrase_count(s->n, count);
                fprintf(out, "%s", i > 0 ? "\n" : "");
                hap_write_plain(out, s->name, SIZE_MAX);
                fprintf(out, ": %s, %s %s%s\n", kind_name(s), count, unit_name(s),
                        s->n == 1 ? "" : "s");
                if ((rc = write_header(s->header, out, err)) < 0)
                        return rc;
                if (*s->digest) {
                        hap_write_label(out, "digest");
                        fprintf(out, "%s\n", s->digest);
                }
                write_circuits(s->header, out);
                write_history(s->header, out);
                if (s->kind == HAP_SHOW_EDGES)
                        rc = hap_write_edges(&s->edges, scores_for(show, s), top, out, err);
                else if (s->kind == HAP_SHOW_REPORT)
                        rc = write_report(s, top, tokenizer, out, err);
                else if (s->kind == HAP_SHOW_NODES)
                        rc = hap_write_nodes(s->records, top, out, err);
                else if (s->kind == HAP_SHOW_LOG)
                        write_log(s, out);
                else
                        write_records(s, out);
        }
        if (rc == 0)
                hap_write_overlap(show, out);
        if (rc == 0)
                rc = hap_write_comparison(show, out, err);
        return rc < 0 ? rc : hap_show_written(out, err);
}
