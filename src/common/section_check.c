#include "common/section_check.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/digest.h"
#include "common/json.h"
#include "common/stream_out.h"

static const char *const known_kinds[] = {"task", "cache", "scores", "node-scores",
                                          "example-scores", "circuit", "constants", "report",
                                          "log"};

/* The features that a header may list under "requires". A program must refuse a section
 * that requires any other. */
static const char *const known_features[] = {"split-input", "positions", "experts"};

static bool is_one_of(const char *text, const char *const *known, size_t n)
{
        for (size_t i = 0; text && i < n; i++)
                if (strcmp(text, known[i]) == 0)
                        return true;
        return false;
}

static int check_requires(const json_t *header, const char *name, uint64_t section,
                          struct hap_error *err)
{
        const json_t *list = json_object_get(header, "requires"), *item;
        size_t i;

        if (list && !json_is_array(list))
                return hap_fail(err, HAP_EINPUT,
                                "cannot read '%s': \"requires\" of section %" PRIu64
                                " is not a list",
                                name, section);
        json_array_foreach((json_t *)list, i, item) {
                const char *feature = json_string_value(item);

                if (!is_one_of(feature, known_features, sizeof(known_features) / sizeof(char *)))
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot read '%s': section %" PRIu64
                                        " requires '%s', which this version does not support",
                                        name, section,
                                        feature ? feature : "?");
        }
        return 0;
}

int hap_section_check_header(const json_t *header, const char *name, uint64_t section,
                             struct hap_error *err)
{
        const json_t *version = json_object_get(header, "hap");
        const char *kind = json_string_value(json_object_get(header, "kind"));

        if (!version)
                return section == 1
                        ? hap_fail(err, HAP_EINPUT, "cannot read '%s': not a hap stream", name)
                        : hap_fail(err, HAP_EINPUT, "cannot read '%s': section %" PRIu64
                                   " does not begin with a header", name, section);
        if (!json_is_integer(version) || json_integer_value(version) != HAP_STREAM_VERSION)
                return hap_fail(err, HAP_EINPUT,
                                "cannot read '%s': section %" PRIu64
                                " has version %" JSON_INTEGER_FORMAT
                                "; this program reads version %d",
                                name, section, json_integer_value(version), HAP_STREAM_VERSION);
        if (!is_one_of(kind, known_kinds, sizeof(known_kinds) / sizeof(char *)))
                return hap_fail(err, HAP_EINPUT,
                                "cannot read '%s': section %" PRIu64 " has unknown kind '%s'",
                                name, section, kind ? kind : "");
        return check_requires(header, name, section, err);
}

/* --- the end --- */

/* What a header says of its own records. */
static const struct {
        const char *kind, *object, *key; /* object NULL: the header itself */
} counts[] = {
        {"task", "task", "examples"},
        {"cache", NULL, "examples"},
        {"circuit", "circuit", "edges"},
};

const json_t *hap_section_count(const json_t *header, const char **object, const char **key)
{
        const char *kind = json_string_value(json_object_get(header, "kind"));

        for (size_t i = 0; kind && i < sizeof counts / sizeof *counts; i++)
                if (strcmp(kind, counts[i].kind) == 0) {
                        *object = counts[i].object;
                        *key = counts[i].key;
                        return json_object_get(*object ? json_object_get(header, *object) : header,
                                               *key);
                }
        return NULL;
}

static int fail_end(const struct hap_section_end *end, const char *why, struct hap_error *err)
{
        return hap_fail(err, HAP_EINPUT, "cannot read '%s': section %" PRIu64 " %s", end->name,
                        end->section, why);
}

/* A task says the digest of its records, too. */
static int check_claims(const struct hap_section_end *end, struct hap_error *err)
{
        const char *object, *key, *kind = json_string_value(json_object_get(end->header, "kind"));
        const json_t *count = hap_section_count(end->header, &object, &key);
        const char *digest = json_string_value(
                json_object_get(json_object_get(end->header, "task"), "digest"));
        char here[HAP_DIGEST_TEXT], why[200];

        if (count && (!json_is_integer(count) ||
                      (uint64_t)json_integer_value(count) != end->records)) {
                snprintf(why, sizeof why, "has %" PRIu64 " records; its header says %s %"
                         JSON_INTEGER_FORMAT ": they were changed after they were written",
                         end->records, key, json_integer_value(count));
                return fail_end(end, why, err);
        }
        hap_digest_text(end->digest, here);
        if (strcmp(kind, "task") != 0 || !digest || strcmp(digest, here) == 0)
                return HAP_OK;
        snprintf(why, sizeof why, "has records with digest %s; its header says %.16s: they were "
                 "changed after they were written", here, digest);
        return fail_end(end, why, err);
}

int hap_section_check_end(const struct hap_section_end *end, const msgpack_object *map,
                          struct hap_error *err)
{
        const msgpack_object *records = hap_map_get(map, "records");
        const msgpack_object *crc = hap_map_get(map, "crc32");
        const msgpack_object *digest = hap_map_get(map, "digest");
        char why[200], here[HAP_DIGEST_TEXT];

        if (!hap_object_is_text(hap_map_get(map, "end"),
                                json_string_value(json_object_get(end->header, "kind"))))
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': the trailer of section %" PRIu64
                                " does not end kind '%s'", end->name, end->section,
                                json_string_value(json_object_get(end->header, "kind")));
        if (!records || records->type != MSGPACK_OBJECT_POSITIVE_INTEGER || !crc ||
            crc->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': the trailer of section %" PRIu64
                                " has no record count or no crc32", end->name, end->section);
        if (map->via.map.size != (digest ? 4 : 3)) /* or damage to a key would not be found */
                return fail_end(end, "has a trailer with an unknown key", err);
        snprintf(why, sizeof why, "has %" PRIu64 " records; its trailer says %" PRIu64,
                 end->records, records->via.u64);
        if (records->via.u64 != end->records)
                return fail_end(end, why, err);
        if (crc->via.u64 != end->crc32)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': damaged: section %" PRIu64
                                " has crc32 %08" PRIx32 "; its trailer says %08" PRIx64, end->name,
                                end->section, end->crc32, crc->via.u64);
        hap_digest_text(end->digest, here);
        snprintf(why, sizeof why, "has records with digest %s; its trailer says another", here);
        return digest && !hap_object_is_text(digest, here) ? fail_end(end, why, err)
                                                           : check_claims(end, err);
}

void hap_section_mark(json_t *header, size_t section)
{
        const size_t n = json_array_size(json_object_get(header, "history"));
        json_t *read = json_pack("{s:O, s:I}", "kind", json_object_get(header, "kind"), "section",
                                 (json_int_t)section);

        if (n > 0)
                json_object_set_new(read, "from", json_integer((json_int_t)n - 1));
        json_object_del(header, HAP_SECTION_INPUTS);
        json_object_set_new(header, HAP_SECTION_READ, read);
}

size_t hap_section_number(const json_t *header)
{
        return (size_t)json_integer_value(
                json_object_get(json_object_get(header, HAP_SECTION_READ), "section"));
}
