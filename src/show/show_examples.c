#include "show/show_examples.h"

#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "show/show_record.h"
#include "show/show_table.h"

enum { USUAL_EXAMPLES = 10, PREDICTIONS = 3, PREDICTION_TEXT = 100 };

struct examples {
        struct hap_table table;
        json_t *ids;  /* {id: null}, of those in the table */
        json_t *rows; /* {circuit: {id: row}} */
        size_t top, all;
        const struct hap_tokenizer *tokenizer;
};

/* The row of the circuit and example, or a new one; -1 when memory is short. */
static long row_of(struct examples *x, const char *circuit, const char *id)
{
        json_t *of_circuit = json_object_get(x->rows, circuit), *known;
        long row;

        if (!of_circuit) {
                of_circuit = json_object();
                if (json_object_set_new(x->rows, circuit, of_circuit) < 0)
                        return -1;
        }
        known = json_object_get(of_circuit, id);
        if (known)
                return (long)json_integer_value(known);
        row = hap_table_row(&x->table);
        if (row < 0 || json_object_set_new(of_circuit, id, json_integer(row)) < 0 ||
            hap_table_set(&x->table, (size_t)row, 0, id) < 0 ||
            hap_table_set(&x->table, (size_t)row, 1, circuit) < 0)
                return -1;
        return row;
}

static void prediction_text(const struct examples *x, const json_t *prediction, char *text)
{
        const json_int_t token = json_integer_value(json_array_get(prediction, 0));
        const double p = json_number_value(json_array_get(prediction, 1));
        const char *bytes;
        char printable[64];
        size_t n;

        bytes = x->tokenizer && token >= 0 && token <= INT32_MAX
                        ? hap_tokenizer_text(x->tokenizer, (int32_t)token, &n) : NULL;
        if (bytes) {
                hap_printable(bytes, printable, sizeof printable);
                snprintf(text, PREDICTION_TEXT, "'%s' %.3f", printable, p);
        } else {
                snprintf(text, PREDICTION_TEXT, "%lld %.3f", (long long)token, p);
        }
}

static void predictions_text(const struct examples *x, const json_t *predictions, char *text,
                             size_t size)
{
        size_t used = 0;

        *text = '\0';
        for (size_t i = 0; i < json_array_size(predictions) && i < PREDICTIONS; i++) {
                char one[PREDICTION_TEXT];

                prediction_text(x, json_array_get(predictions, i), one);
                used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? "  " : "", one);
        }
}

static int put_record(struct examples *x, const json_t *record)
{
        const json_t *predictions = json_object_get(record, "predictions");
        const char *metric = hap_text_of(record, "metric");
        char text[PREDICTIONS * (PREDICTION_TEXT + 2)];
        const long row = row_of(x, hap_text_of(record, "circuit"), hap_text_of(record, "id"));
        const long column = row < 0 ? -1 : hap_table_column(&x->table, predictions ? "predictions"
                                                            : *metric ? metric : "value");

        if (predictions)
                predictions_text(x, predictions, text, sizeof text);
        else
                snprintf(text, sizeof text, "%.4g",
                         json_number_value(json_object_get(record, "value")));
        return column < 0 ? -1 : hap_table_set(&x->table, (size_t)row, (size_t)column, text);
}

/* Whether the example is one of the first. */
static bool is_shown(struct examples *x, const char *id)
{
        if (json_object_get(x->ids, id))
                return true;
        if (json_object_size(x->ids) >= x->top)
                return false;
        json_object_set_new(x->ids, id, json_null());
        return true;
}

/* The number of examples is that of the first circuit's first metric. */
static void count_example(struct examples *x, const json_t *record, const json_t *first)
{
        const json_t *metric = json_object_get(record, "metric");
        const json_t *of_first = json_object_get(first, "metric");

        x->all += json_equal(json_object_get(record, "circuit"), json_object_get(first, "circuit")) &&
                  !metric == !of_first && (!metric || json_equal(metric, of_first));
}

static int put_examples(struct examples *x, const json_t *records)
{
        const json_t *record, *first = NULL;
        size_t i;

        if (hap_table_column(&x->table, "example") < 0 || hap_table_column(&x->table, "circuit") < 0)
                return -1;
        json_array_foreach((json_t *)records, i, record) {
                if (!json_object_get(record, "id"))
                        continue;
                first = first ? first : record;
                count_example(x, record, first);
                if (is_shown(x, hap_text_of(record, "id")) && put_record(x, record) < 0)
                        return -1;
        }
        return 0;
}

int hap_write_examples(const json_t *records, size_t top, const struct hap_tokenizer *tokenizer,
                       FILE *out, struct hap_error *err)
{
        struct examples x = {.ids = json_object(), .rows = json_object(),
                             .top = top ? top : USUAL_EXAMPLES, .tokenizer = tokenizer};
        int rc = x.ids && x.rows ? put_examples(&x, records) : -1;

        if (rc == 0 && x.table.rows > 1) {
                fputc('\n', out);
                hap_table_write(&x.table, 2, out);
                if (x.all > x.top)
                        fprintf(out, "  the first %zu of %zu examples; --top N shows more\n", x.top,
                                x.all);
        }
        hap_table_release(&x.table);
        json_decref(x.ids);
        json_decref(x.rows);
        return rc == 0 ? HAP_OK : hap_fail_memory(err, "a table");
}
