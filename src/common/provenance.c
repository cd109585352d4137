#include "common/provenance.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/section_check.h"

#define READ HAP_SECTION_READ
#define INPUTS HAP_SECTION_INPUTS

bool hap_provenance_is_key(const char *key)
{
        return strcmp(key, READ) == 0 || strcmp(key, INPUTS) == 0 || strcmp(key, "history") == 0;
}

/* --- joining --- */

/* Moves the "from" of an input: place[i] is where entry i of the other history went. A number
 * that is none of the n is removed. */
static void move_from(json_t *input, const size_t *place, size_t n)
{
        const json_t *from = json_object_get(input, "from");
        const json_int_t i = json_integer_value(from);

        if (json_is_integer(from) && i >= 0 && (size_t)i < n)
                json_object_set_new(input, "from", json_integer((json_int_t)place[i]));
        else
                json_object_del(input, "from");
}

static json_t *moved_entry(const json_t *entry, const size_t *place, size_t n)
{
        json_t *moved = json_deep_copy(entry), *input;
        size_t i;

        json_array_foreach(json_object_get(moved, "inputs"), i, input)
                move_from(input, place, n);
        return moved;
}

static size_t find_or_append(json_t *list, json_t *item)
{
        size_t i;
        json_t *here;

        json_array_foreach(list, i, here) {
                if (json_equal(item, here))
                        break;
        }
        if (i == json_array_size(list))
                json_array_append_new(list, item);
        else
                json_decref(item);
        return i;
}

/* The list under this key, which is made if it does not exist. */
static json_t *list_of(json_t *header, const char *key)
{
        json_t *list = json_object_get(header, key);

        if (json_is_array(list))
                return list;
        list = json_array();
        json_object_set_new(header, key, list);
        return list;
}

static void join_input(json_t *header, const json_t *input, const size_t *place, size_t n)
{
        json_t *moved = json_deep_copy(input);

        if (!json_equal(json_object_get(input, "section"),
                        json_object_get(json_object_get(header, READ), "section"))) {
                move_from(moved, place, n);
                find_or_append(list_of(header, INPUTS), json_incref(moved));
        }
        json_decref(moved);
}

void hap_header_join(json_t *header, const json_t *other)
{
        const json_t *theirs = json_object_get(other, "history");
        const size_t n = json_array_size(theirs);
        json_t *history = list_of(header, "history"), *entry, *input;
        size_t *place = calloc(n + 1, sizeof *place), i;

        if (!place) {
                hap_memory_short();
                return;
        }
        json_array_foreach((json_t *)theirs, i, entry)
                place[i] = find_or_append(history, moved_entry(entry, place, i));
        if (json_object_get(other, READ))
                join_input(header, json_object_get(other, READ), place, n);
        json_array_foreach(json_object_get(other, INPUTS), i, input)
                join_input(header, input, place, n);
        free(place);
}

/* --- the entry of this program --- */

/* A task that has not been read to its end says its digest itself. */
static void append_input(json_t *inputs, const json_t *read, const json_t *header,
                         const struct hap_stream_in *in)
{
        json_t *input = json_pack("{s:O}", "kind", json_object_get(read, "kind"));
        char digest[HAP_DIGEST_TEXT];

        if (hap_stream_in_digest(in, header, digest))
                json_object_set_new(input, "digest", json_string(digest));
        if (json_object_get(read, "from"))
                json_object_set(input, "from", json_object_get(read, "from"));
        json_array_append_new(inputs, input);
}

json_t *hap_provenance_history(const json_t *from, const json_t *entry,
                               const struct hap_stream_in *in)
{
        const json_t *before = json_object_get(from, "history"), *read = json_object_get(from, READ);
        json_t *history = json_is_array(before) ? json_copy((json_t *)before) : json_array();
        json_t *copy, *inputs, *input;
        size_t i;

        if (!in || !read) {
                json_array_append(history, (json_t *)entry);
                return history;
        }
        copy = json_copy((json_t *)entry);
        inputs = list_of(copy, "inputs");
        append_input(inputs, read, from, in);
        json_array_foreach(json_object_get(from, INPUTS), i, input) {
                json_t *header = json_pack("{s:O}", READ, input);

                append_input(inputs, input, header, in);
                json_decref(header);
        }
        json_array_append_new(history, copy);
        return history;
}
