#include "show/show_nodes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "show/show_table.h"

struct ranked_node {
        double score;
        size_t at; /* the record */
};

/* The larger magnitude first; of equal ones, the order of the records. */
static int compare(const void *a, const void *b)
{
        const struct ranked_node *x = a, *y = b;
        const double difference = fabs(y->score) - fabs(x->score);

        if (difference != 0)
                return (difference > 0) - (difference < 0);
        return (x->at > y->at) - (x->at < y->at);
}

int hap_write_nodes(const json_t *records, size_t top, FILE *out, struct hap_error *err)
{
        const size_t n = json_array_size(records);
        struct ranked_node *order = calloc(n + 1, sizeof *order);

        if (!order)
                return hap_fail_memory(err, "the records");
        for (size_t i = 0; i < n; i++)
                order[i] = (struct ranked_node){
                        json_number_value(json_object_get(json_array_get(records, i), "score")), i};
        qsort(order, n, sizeof *order, compare);
        fputc('\n', out);
        for (size_t i = 0; i < n && i < top; i++) {
                const char *name = json_string_value(
                        json_object_get(json_array_get(records, order[i].at), "node"));

                fputs("  ", out);
                hap_write_padded(out, name ? name : "", 16);
                fprintf(out, "  %10.4f\n", order[i].score);
        }
        if (n > top)
                fprintf(out, "\n  and %zu more\n", n - top);
        free(order);
        return HAP_OK;
}
