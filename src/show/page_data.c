#include "show/page_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "show/drawing.h"
#include "show/show_phrase.h"

enum { USUAL_SCORES = 200, MOST_SCORES = 2000 };

/* --- JSON --- */

/* JSON contains '<' only in strings. */
static void write_json_text(FILE *out, const char *text)
{
        for (; *text; text++) {
                if (*text == '<')
                        fputs("\\u003c", out);
                else
                        fputc(*text, out);
        }
}

/* Takes the reference. */
static int write_json(FILE *out, json_t *value, struct hap_error *err)
{
        char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY |
                                                       JSON_REAL_PRECISION(9)) : NULL;

        json_decref(value);
        if (!text)
                return hap_fail_memory(err, "the page");
        write_json_text(out, text);
        free(text);
        return HAP_OK;
}

/* --- the graph --- */

const struct hap_section *hap_page_main(const struct hap_show *show)
{
        const struct hap_section *scores = NULL;

        for (size_t i = show->n; i-- > 0;) {
                const struct hap_section *s = &show->sections[i];

                if (s->kind != HAP_SHOW_EDGES)
                        continue;
                if (s->edges.z)
                        return s;
                scores = scores ? scores : s;
        }
        return scores;
}

static json_t *describe_graph(const struct hap_graph *g)
{
        json_t *inputs = json_array(), *positions = json_array(), *answers = json_array();
        char name[HAP_NAME];

        for (int w = 0; w < g->n_inputs; w++) {
                hap_graph_writer_name(g, w, name);
                json_array_append_new(inputs, json_string(name));
        }
        for (int p = 0; p < g->positions.n; p++) {
                json_array_append_new(positions, json_string(g->positions.name[p]));
                if (g->positions.answers[p])
                        json_array_append_new(answers, json_string(g->positions.name[p]));
        }
        return json_pack("{s:i, s:i, s:I, s:o, s:o, s:o, s:o*}", "layers", g->n_layers, "heads",
                         g->n_heads, "edges", (json_int_t)g->n_edges, "inputs", inputs,
                         "positions", positions, "answers", answers, "experts",
                         g->n_experts ? json_integer(g->n_experts) : NULL);
}

/* The numbers of an edge that a section has: each is a column of the page's edges. */
struct columns {
        struct {
                const char *key;
                const float *singles; /* or */
                const double *doubles;
        } column[3];
        int n;
};

static struct columns columns_of(const struct hap_edges *edges)
{
        struct columns c = {.n = 0};

        if (edges->z)
                c.column[c.n].key = "z", c.column[c.n++].singles = edges->z;
        if (edges->score)
                c.column[c.n].key = "score", c.column[c.n++].doubles = edges->score;
        if (edges->ranking)
                c.column[c.n].key = "rank", c.column[c.n++].doubles = edges->ranking;
        if (edges->cost)
                c.column[c.n].key = "cost", c.column[c.n++].doubles = edges->cost;
        return c;
}

static bool is_shown(const struct hap_section *s, const struct hap_section *main)
{
        return s->kind == HAP_SHOW_EDGES && hap_graph_equal(&s->edges.graph, &main->edges.graph);
}

static json_t *describe_section(const struct hap_section *s, int first_column)
{
        const struct columns c = columns_of(&s->edges);
        const char *kind = s->edges.z ? "circuit" : "scores";
        const json_t *ranking = json_object_get(s->header, "ranking");
        json_t *columns = json_object();
        char title[HAP_TITLE];

        hap_phrase_title(s->header, kind, title);
        for (int i = 0; i < c.n; i++)
                json_object_set_new(columns, c.column[i].key, json_integer(first_column + i));
        return json_pack("{s:s, s:s, s:s, s:I, s:i, s:o, s:b, s:s?}", "kind", kind, "name", s->name,
                         "title", title, "n", (json_int_t)s->n, "member", first_column,
                         "columns", columns, "graded", (int)hap_is_graded(&s->edges), "by",
                         json_string_value(json_object_get(ranking, "by")));
}

static int write_sections(const struct hap_show *show, const struct hap_section *main, FILE *out,
                          struct hap_error *err)
{
        json_t *list = json_array();
        int column = 0;

        for (size_t i = 0; i < show->n; i++) {
                const struct hap_section *s = &show->sections[i];

                if (!is_shown(s, main))
                        continue;
                json_array_append_new(list, describe_section(s, column));
                column += columns_of(&s->edges).n;
        }
        fputs(",\n\"sections\":", out);
        return write_json(out, list, err);
}

/* --- edges --- */

static int compare_larger(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return x < y ? 1 : x > y ? -1 : 0;
}

/* The `top`-th largest magnitude of the given scores; -1 if there are fewer. NaN: no memory. */
static double limit_of(const struct hap_edges *edges, size_t top)
{
        double *sizes = malloc((edges->n_given + 1) * sizeof *sizes), limit = -1;
        size_t n = 0;

        if (!sizes)
                return (double)NAN;
        for (size_t e = 0; e < edges->graph.n_edges; e++)
                if (edges->given[e])
                        sizes[n++] = fabs(edges->score[e]);
        if (n > top) {
                qsort(sizes, n, sizeof *sizes, compare_larger);
                limit = sizes[top - 1];
        }
        free(sizes);
        return limit;
}

static void write_edge(const struct hap_show *show, const struct hap_section *main, size_t edge,
                       FILE *out)
{
        char name[HAP_NAME];

        hap_graph_edge_name(&main->edges.graph, edge, name);
        fputs("[\"", out);
        write_json_text(out, name);
        fputc('"', out);
        for (size_t i = 0; i < show->n; i++) {
                const struct hap_section *s = &show->sections[i];
                const struct columns c = is_shown(s, main) ? columns_of(&s->edges)
                                                           : (struct columns){.n = 0};

                for (int k = 0; k < c.n; k++) {
                        const double value = c.column[k].singles
                                                     ? (double)c.column[k].singles[edge]
                                                     : c.column[k].doubles[edge];

                        if (s->edges.given[edge] && isfinite(value))
                                fprintf(out, ",%.9g", value);
                        else
                                fputs(",null", out);
                }
        }
        fputc(']', out);
}

/* Whether a circuit contains the edge, or, of scores alone, it is one of the strongest. */
static bool is_wanted(const struct hap_show *show, const struct hap_section *main, double limit,
                      size_t edge)
{
        if (!main->edges.z)
                return main->edges.given[edge] && fabs(main->edges.score[edge]) >= limit;
        for (size_t i = 0; i < show->n; i++) {
                const struct hap_section *s = &show->sections[i];

                if (is_shown(s, main) && s->edges.z && s->edges.given[edge])
                        return true;
        }
        return false;
}

static int write_edges(const struct hap_show *show, const struct hap_section *main, size_t top,
                       FILE *out, struct hap_error *err)
{
        const double limit = main->edges.z ? 0 : limit_of(&main->edges, hap_max(top, MOST_SCORES));
        const char *before = "\n";

        if (isnan(limit))
                return hap_fail_memory(err, "the page");
        fputs(",\n\"edges\":[", out);
        for (size_t e = 0; e < main->edges.graph.n_edges; e++) {
                if (!is_wanted(show, main, limit, e))
                        continue;
                fputs(before, out);
                before = ",\n";
                write_edge(show, main, e, out);
        }
        fputs("\n]", out);
        return HAP_OK;
}

/* --- prompts and reports --- */

static void add_tokens(json_t *texts, const json_t *value, const struct hap_tokenizer *tokenizer)
{
        const json_t *one;
        char key[32];
        size_t i, length;

        if (json_is_integer(value)) {
                const char *text = hap_tokenizer_text(tokenizer,
                                                      (int32_t)json_integer_value(value), &length);

                snprintf(key, sizeof key, "%lld", (long long)json_integer_value(value));
                if (text)
                        json_object_set_new(texts, key, json_string(text));
        }
        json_array_foreach((json_t *)value, i, one)
                add_tokens(texts, one, tokenizer);
}

/* The texts of the tokens of all records. */
static json_t *token_texts(const json_t *records, const struct hap_tokenizer *tokenizer)
{
        static const char *const keys[] = {"clean", "corrupted", "answers", "wrongs", "answer",
                                           "wrong", "predictions"};
        json_t *texts = json_object();
        const json_t *record;
        size_t i;

        json_array_foreach((json_t *)records, i, record) {
                for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
                        add_tokens(texts, json_object_get(record, keys[k]), tokenizer);
        }
        return texts;
}

static json_t *describe_records(const struct hap_section *s, const struct hap_tokenizer *tokenizer)
{
        json_t *section = json_pack("{s:s, s:I, s:O}", "name", s->name, "n", (json_int_t)s->n,
                                    "records", s->records);

        if (section && tokenizer)
                json_object_set_new(section, "tokens", token_texts(s->records, tokenizer));
        return section;
}

static int write_records(const struct hap_show *show, bool reports,
                         const struct hap_tokenizer *tokenizer, FILE *out, struct hap_error *err)
{
        json_t *list = json_array();

        for (size_t i = 0; i < show->n; i++) {
                const struct hap_section *s = &show->sections[i];
                const bool prompts = s->kind == HAP_SHOW_TASK || s->kind == HAP_SHOW_CACHE;

                if (reports ? s->kind == HAP_SHOW_REPORT : prompts)
                        json_array_append_new(list, describe_records(s, tokenizer));
        }
        fprintf(out, ",\n\"%s\":", reports ? "reports" : "tasks");
        return write_json(out, list, err);
}

int hap_page_data(const struct hap_show *show, size_t top, const struct hap_tokenizer *tokenizer,
                  FILE *out, struct hap_error *err)
{
        const struct hap_section *main = hap_page_main(show);
        int rc;

        fputs("{\"graph\":", out);
        rc = write_json(out, main ? describe_graph(&main->edges.graph) : json_null(), err);
        if (main && rc == HAP_OK) {
                fprintf(out, ",\n\"top\":%zu", top || main->edges.z ? top : USUAL_SCORES);
                rc = write_sections(show, main, out, err);
                if (rc == HAP_OK)
                        rc = write_edges(show, main, top, out, err);
        }
        if (rc == HAP_OK)
                rc = write_records(show, false, tokenizer, out, err);
        if (rc == HAP_OK)
                rc = write_records(show, true, tokenizer, out, err);
        fputs("}\n", out);
        return rc;
}
