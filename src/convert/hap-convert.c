/* hap-convert: converts streams to JSON lines or MIB exchange files, and back. */
#include "common/program.h"
#include "convert/edge_pruning_list.h"
#include "convert/json_pack.h"
#include "convert/json_print.h"
#include "convert/mib.h"
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
        .notes = "-m is for --from mib, where it records the model in the headers, and for\n"
                 "--from edge-pruning, which needs it.",
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

static size_t to_mib(struct hap_program *p)
{
        size_t n = 0;

        hap_must(p, hap_mib_write(p->in, hap_program_text(p), &n, &p->error));
        return n;
}

static size_t to_edge_pruning(struct hap_program *p)
{
        size_t n = 0;

        hap_must(p, hap_edge_pruning_write(p->in, hap_program_text(p), &n, &p->error));
        return n;
}

static size_t to_table(struct hap_program *p, char separator)
{
        size_t n = 0;

        hap_must(p, hap_table_convert(p->in, separator, hap_program_text(p), &n, &p->error));
        return n;
}

static size_t to_csv(struct hap_program *p)
{
        return to_table(p, ',');
}

static size_t to_tsv(struct hap_program *p)
{
        return to_table(p, '\t');
}

static size_t one_from_json(struct hap_program *p, struct hap_byte_input *input)
{
        int64_t n = hap_json_read(input, p->out, &p->error);

        hap_must(p, n < 0 ? (int)n : 0);
        return (size_t)n;
}

/* The description of the model of -m, or NULL without -m. */
static json_t *model_of(struct hap_program *p)
{
        struct hap_model model;
        json_t *description;

        if (!p->model)
                return NULL;
        hap_must(p, hap_model_load(&model, p->model, &p->error));
        description = hap_model_describe(&model);
        hap_model_release(&model);
        return description;
}

static size_t one_from_mib(struct hap_program *p, struct hap_byte_input *input)
{
        json_t *model = model_of(p);
        size_t n = 0;

        hap_must(p, hap_mib_read(input, p, model, p->out, &n, &p->error));
        json_decref(model);
        return n;
}

static size_t one_from_edge_pruning(struct hap_program *p, struct hap_byte_input *input)
{
        json_t *model = model_of(p);
        size_t n = 0;

        hap_must(p, hap_edge_pruning_read(input, p, model, p->out, &n, &p->error));
        json_decref(model);
        return n;
}

static const struct form {
        const char *name, *help;
        const char *records; /* what is counted */
        size_t (*to)(struct hap_program *p);
        size_t (*from)(struct hap_program *p, struct hap_byte_input *input);
        bool takes_model; /* -m with --from */
} forms[] = {
        {"json", "lines of JSON: header, records, trailer", "records", to_json, one_from_json,
         false},
        {"mib", "a graph of EAP-IG and the MIB benchmark", "edges", to_mib, one_from_mib, true},
        {"edge-pruning", "a circuit as Edge-Pruning's edges.json", "edges", to_edge_pruning,
         one_from_edge_pruning, true},
        {"csv", "a table: a line for each record (only --to)", "records", to_csv, NULL, false},
        {"tsv", "the same, tab-separated (only --to)", "records", to_tsv, NULL, false},
};
enum { N_FORMS = sizeof forms / sizeof *forms };

static const char *form_choice(int i, const char **help)
{
        if (i >= N_FORMS)
                return NULL;
        *help = forms[i].help;
        return forms[i].name;
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
                n += form->from(p, &input);
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
        if (p.model && (opt.from == FORM_NONE || !form->takes_model))
                hap_die(&p, HAP_EUSAGE, "-m needs --from mib or --from edge-pruning; see "
                        "hap-convert -h");
        if (opt.from != FORM_NONE && !form->from)
                hap_die(&p, HAP_EUSAGE, "--from cannot be %s; hap-task --from reads tables of "
                        "prompts", form->name);
        n = opt.from == FORM_NONE ? form->to(&p) : convert_from(&p, form);
        return hap_program_end(&p, n, form->records);
}
