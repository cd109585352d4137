#include "merge/shards.h"

#include <stdlib.h>
#include <string.h>

/* --- one section --- */

static size_t count_of(const json_t *header)
{
        const json_t *task = json_object_get(header, "task");
        const json_t *of = json_object_get(header, "examples");

        return (size_t)json_integer_value(of ? of : json_object_get(task, "examples"));
}

/* The header without histories and what depends on the prompts of the shard. New reference. */
static json_t *form_of(const json_t *header)
{
        static const char *const of_shard[] = {"examples", "tokens", "shortest"};
        json_t *form = json_deep_copy(header), *task = json_object_get(form, "task"), *value;
        const char *key;
        void *next;

        json_object_foreach_safe(form, next, key, value)
                if (hap_provenance_is_key(key))
                        json_object_del(form, key);
        for (size_t i = 0; i < sizeof of_shard / sizeof *of_shard; i++)
                json_object_del(form, of_shard[i]);
        json_object_del(task, "examples");
        json_object_del(task, "digest");
        json_object_del(json_object_get(task, "shard"), "number");
        json_object_del(json_object_get(task, "shard"), "first");
        json_object_del(json_object_get(form, "model"), "path");
        return form;
}

static void release_part(struct hap_part *part)
{
        json_decref(part->header);
        json_decref(part->layout);
        json_decref(part->ids);
        if (part->spool.state)
                hap_spool_release(&part->spool);
        free(part->values);
        free(part->name);
        *part = (struct hap_part){0};
}

static int read_part(struct hap_stream_in *in, const json_t *header,
                     const struct hap_merge_kind *kind, struct hap_part *part,
                     struct hap_error *err)
{
        const char *name = hap_stream_in_name(in);
        int rc = hap_shard_of_header(header, &part->shard, err);

        if (rc < 0)
                return hap_fail_within(err, "cannot merge '%s'", name);
        if (!part->shard.of)
                return hap_fail(err, HAP_EINPUT, "cannot merge '%s': its %s is not of a shard; "
                                "hap-task --shard I/N makes shards", name, kind->name);
        part->header = json_deep_copy(header);
        part->name = strdup(name);
        if (!part->header || !part->name)
                return hap_fail_memory(err, "a header");
        hap_shard_of_header(part->header, &part->shard, err); /* the digest is the copy's */
        part->examples = count_of(header);
        if (part->examples == 0)
                return hap_fail(err, HAP_EINPUT, "cannot merge '%s': its header does not say the "
                                "number of examples", name);
        return kind->read(in, part, err);
}

int hap_part_add_value(struct hap_part *part, double value, struct hap_error *err)
{
        double *grown;

        if ((part->n & (part->n - 1)) == 0) { /* the array doubles */
                grown = reallocarray(part->values, part->n ? 2 * part->n : 1, sizeof *grown);
                if (!grown)
                        return hap_fail_memory(err, "values");
                part->values = grown;
        }
        part->values[part->n++] = value;
        return HAP_OK;
}

/* --- sets --- */

/* The key in which two headers differ, or NULL. */
static const char *difference(json_t *a, json_t *b)
{
        const char *key;
        json_t *value;

        json_object_foreach(a, key, value)
                if (!json_equal(value, json_object_get(b, key)))
                        return key;
        json_object_foreach(b, key, value)
                if (!json_object_get(a, key))
                        return key;
        return NULL;
}

/* The set of this form, which is made if it does not exist; NULL: memory is short. */
static struct hap_shard_set *find_set(struct hap_shard_sets *sets,
                                      const struct hap_merge_kind *kind, json_t *form, size_t of)
{
        struct hap_shard_set *grown;

        for (size_t i = 0; i < sets->n; i++)
                if (json_equal(sets->items[i].form, form))
                        return sets->items + i;
        grown = reallocarray(sets->items, sets->n + 1, sizeof *grown);
        if (!grown)
                return NULL;
        sets->items = grown;
        grown += sets->n;
        *grown = (struct hap_shard_set){.kind = kind, .of = of};
        grown->parts = calloc(of, sizeof *grown->parts);
        if (!grown->parts)
                return NULL;
        grown->form = json_incref(form);
        sets->n++;
        return grown;
}

/* Keeps one copy of what is the same in all parts. */
static void share_layout(const struct hap_shard_set *set, struct hap_part *part)
{
        for (size_t i = 0; part->layout && i < set->of; i++)
                if (set->parts[i].layout && json_equal(set->parts[i].layout, part->layout)) {
                        json_decref(part->layout);
                        part->layout = json_incref(set->parts[i].layout);
                        return;
                }
}

static int add_part(struct hap_shard_sets *sets, const struct hap_merge_kind *kind,
                    struct hap_part *part, struct hap_error *err)
{
        json_t *form = form_of(part->header);
        struct hap_shard_set *set = form ? find_set(sets, kind, form, part->shard.of) : NULL;
        struct hap_part *place;

        json_decref(form);
        if (!set)
                return hap_fail_memory(err, "shards");
        place = set->parts + part->shard.number - 1;
        if (place->header)
                return hap_fail(err, HAP_EINPUT, "cannot merge '%s': its %s is of shard %zu of %zu, "
                                "as that of '%s'", part->name, kind->name, part->shard.number,
                                set->of, place->name);
        share_layout(set, part);
        *place = *part;
        *part = (struct hap_part){0};
        return HAP_OK;
}

/* Why a set is incomplete: another set of its kind differs in a key of the header, or a shard is
 * missing. */
static int fail_missing(const struct hap_shard_sets *sets, const struct hap_shard_set *set,
                        size_t missing, struct hap_error *err)
{
        const struct hap_part *part = set->parts, *there;

        while (!part->header)
                part++;
        for (size_t i = 0; i < sets->n; i++) {
                const struct hap_shard_set *other = sets->items + i;

                if (other == set || other->kind != set->kind)
                        continue;
                for (there = other->parts; !there->header;)
                        there++;
                if (set->of != other->of)
                        return hap_fail(err, HAP_EINPUT, "cannot merge '%s' with '%s': their tasks "
                                        "are cut into %zu and %zu shards", part->name,
                                        there->name, set->of, other->of);
                return hap_fail(err, HAP_EINPUT, "cannot merge '%s' with '%s': their headers "
                                "differ in '%s'", part->name, there->name,
                                difference(set->form, other->form));
        }
        return hap_fail(err, HAP_EINPUT, "cannot merge %s: shard %zu of %zu is missing",
                        set->kind->name, missing, set->of);
}

static int check_set(const struct hap_shard_sets *sets, const struct hap_shard_set *set,
                     struct hap_error *err)
{
        size_t examples = 0;

        for (size_t i = 0; i < set->of; i++) {
                const struct hap_part *part = set->parts + i;
                const size_t end = i + 1 < set->of ? part[1].shard.first : part->shard.examples;

                if (!part->header)
                        return fail_missing(sets, set, i + 1, err);
                if (i + 1 < set->of && !part[1].header)
                        return fail_missing(sets, set, i + 2, err);
                if (part->shard.first != examples || end < examples ||
                    part->examples != end - examples)
                        return hap_fail(err, HAP_EINPUT, "cannot merge '%s': its %s is of %zu "
                                        "examples from %zu on, the shard is another", part->name,
                                        set->kind->name, part->examples, part->shard.first);
                if (part->layout && !json_equal(part->layout, set->parts->layout))
                        return hap_fail(err, HAP_EINPUT, "cannot merge '%s' with '%s': their "
                                        "records are not of the same %s", part->name,
                                        set->parts->name,
                                        part->ids ? "circuits and metrics" : "names in one order");
                examples = end;
        }
        return HAP_OK;
}

static const struct hap_merge_kind *find_kind(const struct hap_merge_kind *kinds,
                                              const json_t *header)
{
        const char *name = json_string_value(json_object_get(header, "kind"));

        for (; kinds->name; kinds++)
                if (strcmp(kinds->name, name) == 0)
                        return kinds;
        return NULL;
}

int hap_shard_sets_read(struct hap_stream_in *in, const struct hap_merge_kind *kinds,
                        struct hap_shard_sets *sets, struct hap_error *err)
{
        json_t *header;
        int rc;

        *sets = (struct hap_shard_sets){0};
        while ((rc = hap_stream_in_section(in, &header, err)) > 0) {
                const struct hap_merge_kind *kind = find_kind(kinds, header);
                struct hap_part part = {0};

                if (!kind)
                        return hap_fail(err, HAP_EINPUT, "cannot merge '%s': a section of kind "
                                        "'%s' has no sum over shards", hap_stream_in_name(in),
                                        json_string_value(json_object_get(header, "kind")));
                rc = read_part(in, header, kind, &part, err);
                if (rc == 0)
                        rc = add_part(sets, kind, &part, err);
                release_part(&part);
                if (rc < 0)
                        return rc;
        }
        if (rc == 0 && sets->n == 0)
                rc = hap_stream_in_fail_missing(in, "results of shards", err);
        for (size_t i = 0; i < sets->n && rc == 0; i++)
                rc = check_set(sets, sets->items + i, err);
        return rc;
}

void hap_shard_sets_release(struct hap_shard_sets *sets)
{
        for (size_t i = 0; i < sets->n; i++) {
                for (size_t k = 0; k < sets->items[i].of; k++)
                        release_part(sets->items[i].parts + k);
                free(sets->items[i].parts);
                json_decref(sets->items[i].form);
        }
        free(sets->items);
        *sets = (struct hap_shard_sets){0};
}

size_t hap_shard_set_examples(const struct hap_shard_set *set)
{
        return set->parts->shard.examples;
}

/* The largest (sign 1) or smallest (sign −1) value of a count of the headers. */
static void join_count(const struct hap_shard_set *set, json_t *header, const char *key, int sign)
{
        json_int_t best = 0;

        if (!json_object_get(header, key))
                return;
        for (size_t i = 0; i < set->of; i++) {
                json_int_t here = json_integer_value(json_object_get(set->parts[i].header, key));

                if (i == 0 || (sign > 0 ? here > best : here < best))
                        best = here;
        }
        json_object_set_new(header, key, json_integer(best));
}

json_t *hap_shard_set_header(const struct hap_shard_set *set)
{
        const struct hap_shard *shard = &set->parts->shard;
        json_t *header = json_deep_copy(set->parts->header);
        json_t *task = json_object_get(header, "task");
        const json_int_t examples = (json_int_t)shard->examples;
        int rc = header ? 0 : -1;

        if (json_object_get(header, "examples"))
                rc |= json_object_set_new(header, "examples", json_integer(examples));
        rc |= json_object_set_new(task, "examples", json_integer(examples));
        rc |= json_object_set_new(task, "digest", json_string(shard->digest));
        rc |= json_object_del(task, "shard");
        if (rc < 0) {
                json_decref(header);
                return NULL;
        }
        join_count(set, header, "tokens", 1);
        join_count(set, header, "shortest", -1);
        for (size_t i = 1; i < set->of; i++)
                hap_header_join(header, set->parts[i].header);
        return header;
}
