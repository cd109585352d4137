#include "show/show_roles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "show/show_record.h"
#include "show/show_table.h"

enum { SHOWN_ATTENTION = 3, SHOWN_EFFECTS = 8, SHOWN_LOADINGS = 5 };

static bool is_metric(const json_t *record, const char *metric)
{
        return strcmp(hap_text_of(record, "metric"), metric) == 0;
}

/* --- the largest of some records --- */

struct largest {
        const json_t *records[SHOWN_EFFECTS];
        size_t n, most;
};

static double size_of(const json_t *record)
{
        return fabs(hap_number_of(record, "value"));
}

static void insert(struct largest *l, const json_t *record)
{
        size_t at;

        if (l->n == l->most && size_of(record) <= size_of(l->records[l->n - 1]))
                return;
        at = l->n < l->most ? l->n++ : l->n - 1;
        for (; at > 0 && size_of(l->records[at - 1]) < size_of(record); at--)
                l->records[at] = l->records[at - 1];
        l->records[at] = record;
}

/* The largest records of a metric whose `key` is this (NULL: of any). */
static struct largest find_largest(const json_t *records, const char *metric, const char *key,
                                   const char *value, size_t most)
{
        struct largest l = {.most = most};
        const json_t *record;
        size_t i;

        json_array_foreach(records, i, record)
                if (is_metric(record, metric) &&
                    (!key || strcmp(hap_text_of(record, key), value) == 0))
                        insert(&l, record);
        return l;
}

/* --- the tables --- */

/* The score in a column whose title states the threshold. */
static int put_score(struct hap_table *table, size_t row, const json_t *record, const char *name)
{
        char key[32], title[64], text[32];

        snprintf(key, sizeof key, "%s_threshold", name);
        if (!json_object_get(record, name))
                return 0;
        snprintf(title, sizeof title, "%s >= %.3g", name, hap_number_of(record, key));
        snprintf(text, sizeof text, "%.3f", hap_number_of(record, name));
        return hap_table_put(table, row, title, text);
}

/* "END->S2 0.70, END->END 0.12" */
static int put_attention(struct hap_table *table, size_t row, const json_t *records,
                         const char *head)
{
        const struct largest l = find_largest(records, "attention", "head", head, SHOWN_ATTENTION);
        char text[256] = "";
        size_t at = 0;

        for (size_t i = 0; i < l.n && at < sizeof text; i++)
                at += (size_t)snprintf(text + at, sizeof text - at, "%s%.30s->%.30s %.2f",
                                       i ? ", " : "", hap_text_of(l.records[i], "from"),
                                       hap_text_of(l.records[i], "to"),
                                       hap_number_of(l.records[i], "value"));
        return l.n ? hap_table_put(table, row, "attends most", text) : 0;
}

static int put_role(struct hap_table *table, const json_t *records, const json_t *record)
{
        const char *head = hap_text_of(record, "head");
        const long row = hap_table_row(table);
        const size_t at = (size_t)row;

        if (row < 0 || hap_table_put(table, at, "role", hap_text_of(record, "role")) < 0 ||
            hap_table_put(table, at, "head", head) < 0 ||
            put_score(table, at, record, "attention") < 0 ||
            put_score(table, at, record, "effect") < 0)
                return -1;
        return put_attention(table, at, records, head);
}

static int write_found(const json_t *records, FILE *out)
{
        struct hap_table table = {0};
        const json_t *record;
        size_t i;
        int rc = hap_table_column(&table, "role") < 0 ? -1 : 0;

        json_array_foreach(records, i, record)
                if (rc == 0 && is_metric(record, "role") &&
                    json_is_true(json_object_get(record, "found")))
                        rc = put_role(&table, records, record);
        if (rc == 0 && table.rows > 1) {
                fputc('\n', out);
                hap_table_write(&table, 2, out);
        }
        hap_table_release(&table);
        return rc;
}

static void write_direct_effects(const json_t *records, FILE *out)
{
        const struct largest l = find_largest(records, "direct-effect", NULL, NULL, SHOWN_EFFECTS);

        if (l.n == 0)
                return;
        fputs("\n  largest direct effects on the logit difference:", out);
        for (size_t i = 0; i < l.n; i++) {
                fputs(i ? ", " : " ", out);
                hap_write_plain(out, hap_text_of(l.records[i], "node"), SIZE_MAX);
                fprintf(out, " %+.3g", hap_number_of(l.records[i], "value"));
        }
        fputc('\n', out);
}

/* The edge's effect, and the readers that it passes, with their shares. */
static int put_edge(struct hap_table *table, const json_t *records, const json_t *record)
{
        const char *edge = hap_text_of(record, "edge");
        const double effect = hap_number_of(record, "value");
        const struct largest l = find_largest(records, "loading", "edge", edge, SHOWN_LOADINGS);
        const long row = hap_table_row(table);
        char text[512] = "";
        size_t at = 0;

        for (size_t i = 0; i < l.n && at < sizeof text && effect != 0; i++)
                at += (size_t)snprintf(text + at, sizeof text - at, "%s%.64s %.0f %%",
                                       i ? ", " : "", hap_text_of(l.records[i], "via"),
                                       100 * hap_number_of(l.records[i], "value") / effect);
        if (row < 0 || hap_table_put(table, (size_t)row, "edge", edge) < 0 ||
            hap_table_put(table, (size_t)row, "passes through", text) < 0)
                return -1;
        snprintf(text, sizeof text, "%+.4g", effect);
        return hap_table_put(table, (size_t)row, "effect", text);
}

static int write_loadings(const json_t *records, FILE *out)
{
        struct hap_table table = {0};
        const json_t *record;
        size_t i;
        int rc = hap_table_column(&table, "edge") < 0 || hap_table_column(&table, "effect") < 0 ? -1
                                                                                               : 0;

        json_array_foreach(records, i, record)
                if (rc == 0 && is_metric(record, "edge-effect"))
                        rc = put_edge(&table, records, record);
        if (rc == 0 && table.rows > 1) {
                fputc('\n', out);
                hap_table_write(&table, 2, out);
        }
        hap_table_release(&table);
        return rc;
}

int hap_write_roles(const json_t *records, FILE *out, struct hap_error *err)
{
        int rc = write_found(records, out);

        write_direct_effects(records, out);
        if (rc == 0)
                rc = write_loadings(records, out);
        return rc == 0 ? HAP_OK : hap_fail_memory(err, "a table");
}
