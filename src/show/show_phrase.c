#include "show/show_phrase.h"

#include <stdio.h>
#include <string.h>

#include "common/header.h"

/* Text of a header: the model's file "demo", "ioi (abc)", the recipe or method "eap-ig-inputs";
 * empty if the header has none. */
enum { PHRASE = 256 };

static const char *header_text(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

static void phrase_model(const json_t *header, char *text)
{
        size_t length;
        const char *name = hap_header_model_name(header, &length);

        snprintf(text, PHRASE, "%.*s", (int)length, name);
}

static void phrase_task(const json_t *header, char *text)
{
        const json_t *task = json_object_get(header, "task");
        const char *corruption = header_text(task, "corruption");

        snprintf(text, PHRASE, "%s%s%s%s", hap_header_name(header, "task"),
                 *corruption ? " (" : "", corruption, *corruption ? ")" : "");
}

static void phrase_method(const json_t *header, char *text)
{
        const char *recipe = header_text(json_object_get(header, "pruning"), "recipe");

        snprintf(text, PHRASE, "%s", *recipe ? recipe : hap_header_name(header, "method"));
}

void hap_phrase_title(const json_t *header, const char *otherwise, char *title)
{
        char task[PHRASE], model[PHRASE], method[PHRASE];

        phrase_task(header, task);
        phrase_model(header, model);
        phrase_method(header, method);
        snprintf(title, HAP_TITLE, "%s%s%s%s%s", task, *task && *model ? " on " : "", model,
                 *method && (*task || *model) ? ", " : "", method);
        if (!*title)
                snprintf(title, HAP_TITLE, "%s", otherwise);
}

void hap_phrase_count(size_t n, char *text)
{
        char digits[32];
        int length = snprintf(digits, sizeof digits, "%zu", n);

        for (int i = 0; i < length; i++) {
                if (i > 0 && (length - i) % 3 == 0)
                        *text++ = ',';
                *text++ = digits[i];
        }
        *text = '\0';
}
