/* hap-show: summarise or draw streams and training logs. */
#include <stdlib.h>
#include <sys/stat.h>

#include "common/program.h"
#include "show/show_dot.h"
#include "show/show_export.h"
#include "show/show_figures.h"
#include "show/show_html.h"
#include "show/show_svg.h"
#include "show/show_text.h"

struct show_options {
        int64_t top;
        bool svg, html, dot, positions, white, markdown, tsv, latex;
};

static const struct hap_option options[] = {
        {0, "top", "N", HAP_INT, offsetof(struct show_options, top),
         "show the N strongest edges [20; pictures: whole circuit, 200 of scores]",
         .min = 1, .max = INT32_MAX},
        {0, "svg", NULL, HAP_FLAG, offsetof(struct show_options, svg),
         .help = "draw a circuit or the best scores, else curves, reports or training logs, as SVG"},
        {0, "html", NULL, HAP_FLAG, offsetof(struct show_options, html),
         .help = "write a web page: picture, tables, prompts; with -m, tokens as text"},
        {0, "positions", NULL, HAP_FLAG, offsetof(struct show_options, positions),
         .help = "with --svg: draw each named position as a column"},
        {0, "white", NULL, HAP_FLAG, offsetof(struct show_options, white),
         .help = "with --svg: draw on a white background"},
        {0, "dot", NULL, HAP_FLAG, offsetof(struct show_options, dot),
         .help = "write the graph in the language of Graphviz"},
        {0, "markdown", NULL, HAP_FLAG, offsetof(struct show_options, markdown),
         .help = "write the reports as a table in Markdown"},
        {0, "tsv", NULL, HAP_FLAG, offsetof(struct show_options, tsv),
         .help = "write the reports as tab-separated lines, with errors and intervals as columns"},
        {0, "latex", NULL, HAP_FLAG, offsetof(struct show_options, latex),
         .help = "write the reports as a table in LaTeX"},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-show",
        .summary = "summarise or draw streams and training logs",
        .operands = "[FILE ...]",
        .uses = HAP_USES_MODEL,
        .options = options,
        .notes = "A file of JSON lines is read as a training log of hap-prune --log.",
};

enum { EXAMPLES_IN_TEXT = 3, EXAMPLES_ON_PAGE = 200 };

/* No stream begins with '{'. Only regular files are examined: standard input is never read
 * as a log. */
static bool is_json_lines(const char *path)
{
        struct stat status;
        FILE *file;
        int first;

        if (stat(path, &status) < 0 || !S_ISREG(status.st_mode) || !(file = fopen(path, "r")))
                return false;
        first = fgetc(file);
        fclose(file);
        return first == '{';
}

static void read_log(struct hap_program *p, struct hap_show *show, const char *path)
{
        FILE *file = fopen(path, "r");

        if (!file)
                hap_die(p, HAP_ESYSTEM, "cannot open '%s'", path);
        hap_must(p, hap_show_read_log(show, file, path, &p->error));
        fclose(file);
}

/* Reads the operands one by one: logs and streams may be mixed. */
static void read_operands(struct hap_program *p, struct hap_show *show, size_t examples)
{
        static const char *const standard_input[] = {"-"};
        const char *const *paths = (const char *const *)p->operands;
        int n = p->n_operands;

        if (n == 0) {
                paths = standard_input;
                n = 1;
        }
        for (int i = 0; i < n; i++) {
                struct hap_stream_in *in;

                hap_program_reads(p, paths[i]);
                if (is_json_lines(paths[i])) {
                        read_log(p, show, paths[i]);
                        continue;
                }
                hap_must(p, hap_stream_in_open(&in, &paths[i], 1, &p->error));
                hap_must(p, hap_show_read(show, in, examples, &p->error));
                hap_stream_in_close(in);
        }
        if (show->n == 0)
                hap_die(p, HAP_EINPUT, "the input is empty");
}

static int draw_graph(const struct show_options *opt, const struct hap_show *show, FILE *out,
                      struct hap_error *err)
{
        const struct hap_drawing_options how = {
                .top = (size_t)opt->top, .columns = opt->positions, .white = opt->white};
        struct hap_drawing drawing;
        int rc = hap_drawing_init(&drawing, show, &how, err);

        if (rc < 0)
                return rc;
        if (opt->dot)
                rc = hap_show_dot(&drawing, out, err);
        else
                rc = hap_show_svg(&drawing, out, err);
        hap_drawing_release(&drawing);
        return rc;
}

static int show_all(const struct show_options *opt, const struct hap_show *show,
                    const struct hap_tokenizer *tokenizer, FILE *out, struct hap_error *err)
{
        const enum hap_export table = opt->markdown ? HAP_EXPORT_MARKDOWN
                                      : opt->tsv    ? HAP_EXPORT_TSV
                                      : opt->latex  ? HAP_EXPORT_LATEX
                                                    : HAP_EXPORT_NONE;

        if (table != HAP_EXPORT_NONE)
                return hap_show_export(show, table, out, err);
        if (opt->html)
                return hap_show_html(show, (size_t)opt->top, tokenizer, out, err);
        if (!opt->svg && !opt->dot)
                return hap_show_text(show, (size_t)opt->top, tokenizer, out, err);
        if (opt->svg && !hap_show_has_edges(show) && hap_show_has_figures(show))
                return hap_show_figures(show, opt->white, out, err);
        return draw_graph(opt, show, out, err);
}

int main(int argc, char **argv)
{
        struct show_options opt = {0};
        struct hap_program p;
        struct hap_show show = {0};
        struct hap_tokenizer *tokenizer = NULL; /* tokens are texts if a model is named */
        size_t sections;

        hap_program_begin(&p, &info, argc, argv, &opt);
        if (opt.svg + opt.html + opt.dot + opt.markdown + opt.tsv + opt.latex > 1)
                hap_die(&p, HAP_EUSAGE, "--svg, --html, --dot, --markdown, --tsv and --latex cannot "
                        "be combined: only one form of output can be chosen");
        if ((opt.positions || opt.white) && !opt.svg)
                hap_die(&p, HAP_EUSAGE, "--%s needs --svg", opt.positions ? "positions" : "white");
        read_operands(&p, &show, opt.html ? EXAMPLES_ON_PAGE : EXAMPLES_IN_TEXT);
        if (p.model)
                hap_must(&p, hap_tokenizer_load(&tokenizer, p.model, &p.error));
        hap_must(&p, show_all(&opt, &show, tokenizer, hap_program_text(&p), &p.error));
        hap_tokenizer_free(tokenizer);
        sections = show.n;
        hap_show_release(&show);
        return hap_program_end(&p, sections, "sections");
}
