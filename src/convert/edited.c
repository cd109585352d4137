#include "convert/edited.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/section_check.h"

/* What was measured on the records, or follows from them. */
static const struct {
        const char *kind, *object, *key;
} measured[] = {
        {"cache", NULL, "tokens"},
        {"cache", NULL, "shortest"},
        {"circuit", "pruning", "training_kl"},
        {"circuit", "pruning", "training_kl_on"},
        {"circuit", "pruning", "soft_sparsity"},
        {"circuit", "pruning", "reached"},
        {"circuit", "pruning", "edges"},
        {"circuit", "pruning", "dead_dropped"},
        {"circuit", "selection", "selected"},
        {"circuit", "selection", "auto"},
        {"constants", "constants", "kl"},
        {"constants", "constants", "kl_mean"},
};

/* Notes of changes, separated by commas. */
struct notes {
        char text[400];
        size_t used;
};

__attribute__((format(printf, 2, 3)))
static void note(struct notes *notes, const char *format, ...)
{
        const size_t left = sizeof notes->text - notes->used;
        va_list args;
        int n;

        if (left < 3)
                return;
        if (notes->used) {
                notes->used += (size_t)snprintf(notes->text + notes->used, left, ", ");
        }
        va_start(args, format);
        n = vsnprintf(notes->text + notes->used, sizeof notes->text - notes->used, format, args);
        va_end(args);
        notes->used += n > 0 ? (size_t)n : 0;
        if (notes->used >= sizeof notes->text)
                notes->used = sizeof notes->text - 1;
}

static void remove_measured(json_t *header, const char *kind, struct notes *notes)
{
        for (size_t i = 0; i < sizeof measured / sizeof *measured; i++) {
                const char *object = measured[i].object, *key = measured[i].key;
                json_t *map = object ? json_object_get(header, object) : header;

                if (strcmp(kind, measured[i].kind) != 0 || !json_object_get(map, key))
                        continue;
                json_object_del(map, key);
                note(notes, "%s%s%s is removed", object ? object : "", object ? "." : "", key);
        }
}

static void correct_count(json_t *header, const struct hap_edit *edit, struct notes *notes)
{
        const char *object, *key;
        const json_t *count = hap_section_count(header, &object, &key);
        json_t *map = count && object ? json_object_get(header, object) : header;
        const double of = json_number_value(json_object_get(map, "of"));

        if (!count || (json_is_integer(count) &&
                       (uint64_t)json_integer_value(count) == edit->records))
                return;
        json_object_set_new(map, key, json_integer((json_int_t)edit->records));
        note(notes, "%s%s%s is %" PRIu64, object ? object : "", object ? "." : "", key,
             edit->records);
        if (json_object_get(map, "sparsity") && of > 0)
                json_object_set_new(map, "sparsity", json_real(1 - (double)edit->records / of));
}

/* The section that was edited is the input of this program. One without history was not made by
 * hap. */
static void add_entry(const struct hap_program *program, json_t *header, const char *kind,
                      const char *before)
{
        json_t *history = json_object_get(header, "history"), *entry, *input;
        const size_t n = json_array_size(history);

        if (!json_is_array(history))
                return;
        input = json_pack("{s:s}", "kind", kind);
        if (before)
                json_object_set_new(input, "digest", json_string(before));
        if (n > 0)
                json_object_set_new(input, "from", json_integer((json_int_t)n - 1));
        entry = json_copy(program->history);
        json_object_set_new(entry, "inputs", json_pack("[o]", input));
        json_array_append_new(history, entry);
}

void hap_edited_header(const struct hap_program *program, json_t *header,
                       const struct hap_edit *edit)
{
        const char *kind = json_string_value(json_object_get(header, "kind"));
        json_t *task = json_object_get(header, "task");
        struct notes notes = {.used = 0};
        char digest[HAP_DIGEST_TEXT];

        correct_count(header, edit, &notes);
        if (edit->records_changed)
                remove_measured(header, kind, &notes);
        if (strcmp(kind, "task") == 0 && json_is_object(task)) {
                hap_digest_text(edit->digest, digest);
                json_object_set_new(task, "digest", json_string(digest));
        }
        add_entry(program, header, kind, edit->before);
        if (notes.used)
                hap_say(program, "'%s': a %s was edited: %s", edit->name, kind, notes.text);
}
