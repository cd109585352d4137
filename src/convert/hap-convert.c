/* hap-convert: converts streams to JSON lines or MIB exchange files, and back. */
#include "common/program.h"
#include "convert/json_pack.h"
#include "convert/json_print.h"
#include "convert/mib.h"
#include "model/model.h"
#include "model/description.h"

enum form { FORM_NONE = -1, FORM_JSON, FORM_MIB };

struct convert_options {
        int to, from; /* enum form */
};

static const char *const forms[] = {"json", "mib", NULL};

static const struct hap_option options[] = {
        {0, "to", "FORM", HAP_CHOICE, offsetof(struct convert_options, to),
         "read streams and write FORM", .choices = forms},
        {0, "from", "FORM", HAP_CHOICE, offsetof(struct convert_options, from),
         "read FORM and write a stream", .choices = forms},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-convert",
        .summary = "convert streams to and from JSON lines and MIB files",
        .operands = "[FILE ...]",
        .uses = HAP_USES_INPUT | HAP_USES_MODEL,
        .options = options,
        .notes = "-m is only for --from mib: it records the model in the headers.",
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

/* Converts files of another form one by one; no operand means standard input. */
static size_t convert_from(struct hap_program *p, enum form form)
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
                n += form == FORM_JSON ? one_from_json(p, &input) : one_from_mib(p, &input);
                hap_byte_input_close(&input);
        }
        return n;
}

int main(int argc, char **argv)
{
        struct convert_options opt = {.to = FORM_NONE, .from = FORM_NONE};
        struct hap_program p;
        size_t n;

        hap_program_begin(&p, &info, argc, argv, &opt);
        if ((opt.to == FORM_NONE) == (opt.from == FORM_NONE))
                hap_die(&p, HAP_EUSAGE, "give either --to or --from; see hap-convert -h");
        if (p.model && opt.from != FORM_MIB)
                hap_die(&p, HAP_EUSAGE, "-m needs --from mib; see hap-convert -h");
        if (opt.from != FORM_NONE)
                n = convert_from(&p, (enum form)opt.from);
        else
                n = opt.to == FORM_JSON ? to_json(&p) : to_mib(&p);
        return hap_program_end(&p, n,
                               opt.to == FORM_MIB || opt.from == FORM_MIB ? "edges" : "records");
}
