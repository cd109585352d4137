/* hap-convert: converts streams to JSON lines or MIB exchange files, and back. */
#include <unistd.h>

#include "common/program.h"
#include "convert/acdc.h"
#include "convert/attribution_graph.h"
#include "convert/auto_circuit.h"
#include "convert/edge_pruning_list.h"
#include "convert/json_lines.h"
#include "convert/json_print.h"
#include "convert/mib.h"
#include "convert/npz.h"
#include "convert/table.h"
#include "model/model.h"
#include "model/description.h"

enum { FORM_NONE = -1 };

struct convert_options {
        int to, from; /* rows of the table of forms */
};

static const char *form_choice(int i, const char **help);

static const struct hap_option options[] = {
        {0, "to", "FORM", HAP_CHOICE, offsetof(struct convert_options, to),
         "read streams and write FORM", .choice = form_choice},
        {0, "from", "FORM", HAP_CHOICE, offsetof(struct convert_options, from),
         "read FORM and write a stream", .choice = form_choice},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-convert",
        .summary = "convert streams to and from JSON lines and the files of others",
        .operands = "[FILE ...]",
        .uses = HAP_USES_INPUT | HAP_USES_MODEL,
        .options = options,
        .notes = "-m is for --from: mib records the model in the headers, and edge-pruning, acdc and\n"
                 "auto-circuit need it.",
};

static size_t to_json(struct hap_program *p)
{
        FILE *out = hap_program_text(p);
        json_t *header;
        msgpack_object record;
        size_t n = 0, bytes;

        while (hap_must(p, hap_stream_in_section(p->in, &header, &p->error))) {
                do {
                        hap_json_print(hap_stream_in_raw(p->in, &bytes), out);
                        putc('\n', out);
                        n++;
                } while (hap_must(p, hap_stream_in_record(p->in, &record, &p->error)));
                n--; /* the header is not a record */
                hap_json_print(hap_stream_in_raw(p->in, &bytes), out);
                putc('\n', out);
        }
        return n;
}

/* A file of another program. */
typedef int write_edges(struct hap_stream_in *in, FILE *out, size_t *n, struct hap_error *err);
typedef int read_edges(struct hap_byte_input *input, const struct hap_program *program,
                       const json_t *model, struct hap_stream_out *out, size_t *n,
                       struct hap_error *err);

static const struct form {
        const char *name, *help;
        const char *records; /* what is counted */
        write_edges *to;   /* NULL for JSON lines */
        read_edges *from;  /* NULL for JSON lines, and if hap does not read the form */
        bool parallel;     /* models with a parallel residual too */
        bool binary;       /* not for a terminal */
} forms[] = {
        {"json", "lines of JSON: header, records, trailer", "records", NULL, NULL, true, false},
        {"mib", "a graph of EAP-IG and the MIB benchmark", "edges", hap_mib_write, hap_mib_read, true, false},
        {"edge-pruning", "a circuit as Edge-Pruning's edges.json", "edges", hap_edge_pruning_write,
         hap_edge_pruning_read, false, false},
        {"acdc", "a circuit as a list of ACDC's edges", "edges", hap_acdc_write, hap_acdc_read,
         false, false},
        {"auto-circuit", "scores as auto-circuit's PruneScores", "edges", hap_auto_circuit_write,
         hap_auto_circuit_read, false, false},
        {"attribution-graph", "a circuit for the viewers of circuit-tracer and Neuronpedia; --to only",
         "links", hap_attribution_graph_write, NULL, true, false},
        {"csv", "a table: a line for each record; --to only", "records", hap_csv_write, NULL, true, false},
        {"tsv", "the same, tab-separated; --to only", "records", hap_tsv_write, NULL, true, false},
        {"npz", "arrays that numpy.load reads; --to only", "records", hap_npz_write, NULL, true, true},
};
enum { N_FORMS = sizeof forms / sizeof *forms };

static const char *form_choice(int i, const char **help)
{
        if (i >= N_FORMS)
                return NULL;
        *help = forms[i].help;
        return forms[i].name;
}

static bool is_json(const struct form *form)
{
        return !form->to;
}

static size_t convert_to(struct hap_program *p, const struct form *form)
{
        size_t n = 0;

        if (is_json(form))
                return to_json(p);
        if (form->binary && !p->output && isatty(STDOUT_FILENO))
                hap_die(p, HAP_EUSAGE, "cannot write binary data to a terminal; use -o FILE or a pipe");
        hap_must(p, form->to(p->in, hap_program_text(p), &n, &p->error));
        return n;
}

/* The description of the model of -m, or NULL without -m. */
static json_t *model_of(struct hap_program *p, const struct form *form)
{
        struct hap_model model;
        json_t *description;

        if (!p->model)
                return NULL;
        hap_must(p, hap_model_load(&model, p->model, &p->error));
        if (model.config.parallel_residual && !form->parallel)
                hap_die(p, HAP_EUSAGE, "'%s' has a parallel residual, which --from %s does not support",
                        p->model, form->name);
        description = hap_model_describe(&model);
        hap_model_release(&model);
        return description;
}

static size_t convert_one(struct hap_program *p, const struct form *form,
                          struct hap_byte_input *input)
{
        json_t *model = model_of(p, form);
        size_t n = 0;

        if (is_json(form)) {
                const int64_t read = hap_json_read(input, p);

                hap_must(p, read < 0 ? (int)read : 0);
                n = (size_t)read;
        } else {
                hap_must(p, form->from(input, p, model, p->out, &n, &p->error));
        }
        json_decref(model);
        return n;
}

/* Converts files of another form one by one; no operand means standard input. */
static size_t convert_from(struct hap_program *p, const struct form *form)
{
        char *standard[] = {"-"};
        int n_files = p->n_operands ? p->n_operands : 1;
        char **files = p->n_operands ? p->operands : standard;
        size_t n = 0;

        hap_stream_in_close(p->in);
        p->in = NULL;
        hap_must(p, hap_stream_out_open(&p->out, p->output, false, &p->error));
        for (int i = 0; i < n_files; i++) {
                struct hap_byte_input input;

                hap_must(p, hap_byte_input_open(&input, files[i], &p->error));
                n += convert_one(p, form, &input);
                hap_byte_input_close(&input);
        }
        return n;
}

int main(int argc, char **argv)
{
        struct convert_options opt = {.to = FORM_NONE, .from = FORM_NONE};
        struct hap_program p;
        const struct form *form;
        size_t n;

        hap_program_begin(&p, &info, argc, argv, &opt);
        if ((opt.to == FORM_NONE) == (opt.from == FORM_NONE))
                hap_die(&p, HAP_EUSAGE, "give either --to or --from; see hap-convert -h");
        form = forms + (opt.to == FORM_NONE ? opt.from : opt.to);
        if (p.model && (opt.from == FORM_NONE || is_json(form)))
                hap_die(&p, HAP_EUSAGE, "-m needs --from mib or --from edge-pruning, acdc or "
                        "auto-circuit; see hap-convert -h");
        if (opt.from != FORM_NONE && !is_json(form) && !form->from)
                hap_die(&p, HAP_EUSAGE, "hap writes the form %s but does not read it", form->name);
        n = opt.from == FORM_NONE ? convert_to(&p, form) : convert_from(&p, form);
        return hap_program_end(&p, n, form->records);
}
