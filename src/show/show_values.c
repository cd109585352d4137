#include "show/show_values.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "show/show_record.h"

enum { MANY_SIZES = 3 };

static double number_of(const json_t *record, const char *key)
{
        const json_t *value = json_object_get(record, key);

        return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static bool is_drawn(const json_t *record)
{
        return json_is_string(json_object_get(record, "metric")) &&
               json_is_string(json_object_get(record, "circuit")) &&
               json_is_number(json_object_get(record, "value")) &&
               !json_object_get(record, "class") && hap_is_mean(record);
}

static struct hap_value value_of(const json_t *record, const char *file)
{
        struct hap_value v = {
                .metric = json_string_value(json_object_get(record, "metric")),
                .circuit = json_string_value(json_object_get(record, "circuit")),
                .file = file,
                .value = number_of(record, "value"),
                .low = number_of(record, "low"),
                .high = number_of(record, "high"),
                .size = 1 - number_of(record, "sparsity"),
        };
        const double sd = number_of(record, "sd");

        /* of circuits that differ in their seed, the spread is that of the circuits */
        if (!isfinite(v.low) && isfinite(sd) && json_object_get(record, "circuits")) {
                v.low = v.value - sd;
                v.high = v.value + sd;
        }
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a value's circuit is text */
        v.reference = strcmp(v.circuit, "full") == 0 || strcmp(v.circuit, "empty") == 0;
        return v;
}

static void add_metric(struct hap_values *values, const char *metric)
{
        for (size_t i = 0; i < values->n_metrics; i++)
                if (strcmp(values->metrics[i], metric) == 0)
                        return;
        values->metrics[values->n_metrics++] = metric;
}

int hap_values_read(struct hap_values *values, const struct hap_show *show,
                    struct hap_error *err)
{
        size_t all = 1, k;
        const json_t *record;

        *values = (struct hap_values){0};
        for (size_t i = 0; i < show->n; i++)
                if (show->sections[i].kind == HAP_SHOW_REPORT)
                        all += json_array_size(show->sections[i].records);
        values->items = calloc(all, sizeof *values->items);
        values->metrics = calloc(all, sizeof *values->metrics);
        if (!values->items || !values->metrics) {
                hap_values_release(values);
                return hap_fail_memory(err, "the values");
        }
        for (size_t i = 0; i < show->n; i++) {
                if (show->sections[i].kind != HAP_SHOW_REPORT)
                        continue;
                json_array_foreach(show->sections[i].records, k, record) {
                        if (!is_drawn(record))
                                continue;
                        values->items[values->n] = value_of(record, show->sections[i].name);
                        add_metric(values, values->items[values->n++].metric);
                }
        }
        return HAP_OK;
}

void hap_values_release(struct hap_values *values)
{
        free(values->items);
        free(values->metrics);
        *values = (struct hap_values){0};
}

/* Whether a part of a name is a size or a seed: "94%", "s1", "seed3", "0.9". */
static bool is_number_part(const char *part, size_t length)
{
        size_t i = 0;

        if (length > 4 && memcmp(part, "seed", 4) == 0)
                i = 4;
        else if (length > 1 && part[0] == 's')
                i = 1;
        if (i == length || !isdigit((unsigned char)part[i]))
                return false;
        for (; i < length; i++)
                if (!isdigit((unsigned char)part[i]) && part[i] != '%' && part[i] != '.')
                        return false;
        return true;
}

/* "circuit 1", as hap-eval calls a circuit without a name. */
static bool is_numbered(const char *name)
{
        return strncmp(name, "circuit ", 8) == 0 && isdigit((unsigned char)name[8]);
}

void hap_series_name(const struct hap_value *value, char *name, size_t size)
{
        static const char separators[] = "-_ @/,";
        const char *from = is_numbered(value->circuit) ? value->file : value->circuit;
        const char *slash = strrchr(from, '/');
        size_t used = 0;

        from = slash ? slash + 1 : from;
        name[0] = '\0';
        while (*from) {
                size_t length = strcspn(from, separators), kept = length;
                const char *dot = memchr(from, '.', length);

                if (dot && !isdigit((unsigned char)dot[1])) /* .circuit, .s1 */
                        kept = (size_t)(dot - from);
                if (kept > 0 && !is_number_part(from, kept) && used + kept + 2 < size)
                        used += (size_t)snprintf(name + used, size - used, "%s%.*s",
                                                 used ? "-" : "", (int)kept, from);
                from += length;
                from += strspn(from, separators);
        }
        if (!used)
                snprintf(name, size, "%s", value->circuit);
}

/* The number of sizes of the series that the value begins; 0 if an earlier one does. */
static int count_sizes(const struct hap_values *values, size_t first)
{
        char name[128], other[128];
        double sizes[MANY_SIZES];
        int n = 0;

        hap_series_name(&values->items[first], name, sizeof name);
        for (size_t i = 0; i < values->n && n < MANY_SIZES; i++) {
                const struct hap_value *v = &values->items[i];
                bool known = v->reference || !isfinite(v->size);

                hap_series_name(v, other, sizeof other);
                if (known || strcmp(name, other) != 0)
                        continue;
                if (i < first)
                        return 0;
                for (int k = 0; k < n; k++)
                        known = known || fabs(sizes[k] - v->size) < 1e-9;
                if (!known)
                        sizes[n++] = v->size;
        }
        return n;
}

bool hap_values_sweep(const struct hap_values *values)
{
        int with_two = 0;

        for (size_t i = 0; i < values->n; i++) {
                const int n = values->items[i].reference ? 0 : count_sizes(values, i);

                if (n >= MANY_SIZES)
                        return true;
                with_two += n == 2;
        }
        return with_two >= 2;
}
