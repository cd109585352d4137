/* The stages of tokenizer.json around the model: normalizer, pre_tokenizer and post_processor.
 * Each is an object with a "type", or a Sequence of such objects. */
#include "tokenizer/tokenizer_stages.h"

#include <string.h>

#include "tokenizer/tokenizer_impl.h"

typedef int stage_fn(struct hap_tokenizer *t, const json_t *json,
                     struct hap_error *err);

static const char *type_of(const json_t *json)
{
        const char *type = json_string_value(json_object_get(json, "type"));

        return type != NULL ? type : "(no type)";
}

static bool is_type(const json_t *json, const char *type)
{
        return strcmp(type_of(json), type) == 0;
}

static bool flag_of(const json_t *json, const char *name, bool otherwise)
{
        const json_t *value = json_object_get(json, name);

        return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static int unsupported_stage(struct hap_error *err, const char *stage, const char *what)
{
        return hap_fail(err, HAP_EINPUT, "%s '%.80s' is not supported", stage, what);
}

/* Every member of a Sequence; `key` names its list. */
static int each_stage(struct hap_tokenizer *t, const json_t *json, const char *key, stage_fn *stage,
                      struct hap_error *err)
{
        const json_t *list = json_object_get(json, key), *member;
        size_t i;
        int rc = 0;

        if (!json_is_array(list))
                return hap_fail(err, HAP_EINPUT, "a Sequence has no '%s'", key);
        json_array_foreach(list, i, member) {
                rc = is_type(member, "Sequence")
                             ? hap_fail(err, HAP_EINPUT,
                                        "a Sequence within a Sequence is not supported")
                             : stage(t, member, err);
                if (rc != 0)
                        break;
        }
        return rc;
}

static int copy_text(struct hap_buffer *to, const json_t *json, struct hap_error *err)
{
        if (!json_is_string(json))
                return hap_fail(err, HAP_EINPUT, "a normalizer's text is missing");
        if (hap_buffer_append(to, json_string_value(json), json_string_length(json)))
                return hap_fail_memory(err, "a normalizer");
        return 0;
}

static int replace_step(struct hap_normal_step *step, const json_t *json,
                        struct hap_error *err)
{
        const json_t *pattern = json_object_get(json, "pattern");
        int rc;

        step->kind = HAP_NORMAL_REPLACE;
        if (!json_is_string(json_object_get(pattern, "String")))
                return unsupported_stage(err, "normalizer", "Replace of a pattern");
        rc = copy_text(&step->from, json_object_get(pattern, "String"), err);
        if (rc == 0 && step->from.length == 0)
                return unsupported_stage(err, "normalizer", "Replace of nothing");
        return rc != 0 ? rc
                       : copy_text(&step->to, json_object_get(json, "content"), err);
}

static int one_normalizer(struct hap_tokenizer *t, const json_t *json,
                          struct hap_error *err)
{
        static const struct {
                const char *type;
                enum hap_normal_kind kind;
        } forms[] = { { "NFC", HAP_NORMAL_NFC },
                      { "NFD", HAP_NORMAL_NFD },
                      { "NFKC", HAP_NORMAL_NFKC },
                      { "NFKD", HAP_NORMAL_NFKD } };
        struct hap_normal_step *step = &t->normal[t->n_normal];

        if (t->n_normal == HAP_STEPS_MAX)
                return hap_fail(err, HAP_EINPUT, "more than %d normalizers",
                                HAP_STEPS_MAX);
        t->n_normal++;
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
                if (is_type(json, forms[i].type)) {
                        step->kind = forms[i].kind;
                        return 0;
                }
        if (is_type(json, "Replace"))
                return replace_step(step, json, err);
        if (is_type(json, "Prepend")) {
                step->kind = HAP_NORMAL_PREPEND;
                return copy_text(&step->to, json_object_get(json, "prepend"), err);
        }
        return unsupported_stage(err, "normalizer", type_of(json));
}

int hap_stage_normalizer(struct hap_tokenizer *t, const json_t *json,
                         struct hap_error *err)
{
        if (json == NULL || json_is_null(json))
                return 0;
        if (is_type(json, "Sequence"))
                return each_stage(t, json, "normalizers", one_normalizer, err);
        return one_normalizer(t, json, err);
}

static int behaviour_of(const json_t *json, enum hap_split_behaviour *behaviour,
                        struct hap_error *err)
{
        static const char *const names[] = {
                [HAP_SPLIT_ISOLATED] = "Isolated",
                [HAP_SPLIT_REMOVED] = "Removed",
                [HAP_SPLIT_CONTIGUOUS] = "Contiguous",
                [HAP_SPLIT_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
                [HAP_SPLIT_MERGED_WITH_NEXT] = "MergedWithNext",
        };
        const char *name = json_string_value(json_object_get(json, "behavior"));

        for (size_t i = 0; name != NULL && i < sizeof names / sizeof *names; i++)
                if (strcmp(name, names[i]) == 0) {
                        *behaviour = (enum hap_split_behaviour)i;
                        return 0;
                }
        return hap_fail(err, HAP_EINPUT, "a %.20s's behavior '%.80s' is not supported",
                        type_of(json), name != NULL ? name : "(none)");
}

static int split_stage(struct hap_tokenizer *t, const json_t *json,
                       struct hap_error *err)
{
        const json_t *pattern = json_object_get(json, "pattern");
        const json_t *regex = json_object_get(pattern, "Regex");
        const json_t *text = json_object_get(pattern, "String");
        enum hap_split_behaviour behaviour = HAP_SPLIT_ISOLATED;
        int rc = behaviour_of(json, &behaviour, err);

        if (rc != 0)
                return rc;
        if (json_is_string(regex))
                return hap_split_add(t, json_string_value(regex),
                                     json_string_length(regex), behaviour,
                                     flag_of(json, "invert", false), err);
        if (json_is_string(text))
                return hap_split_add_literal(t, json_string_value(text),
                                             json_string_length(text), behaviour,
                                             flag_of(json, "invert", false), err);
        return hap_fail(err, HAP_EINPUT, "a Split has no pattern");
}

/* A prefix is put before the whole text, so only the first step may add one. */
static int set_prefix(struct hap_tokenizer *t, const char *prefix,
                      struct hap_error *err)
{
        if (t->n_split > 0)
                return unsupported_stage(err, "pre_tokenizer",
                                   "add_prefix_space after another");
        if (strlen(prefix) >= sizeof t->prefix)
                return unsupported_stage(err, "a Metaspace's replacement", prefix);
        strcpy(t->prefix, prefix);
        return 0;
}

static int byte_level_stage(struct hap_tokenizer *t, const json_t *json, struct hap_error *err)
{
        int rc = 0;

        if (flag_of(json, "add_prefix_space", true))
                rc = set_prefix(t, " ", err);
        if (rc == 0 && flag_of(json, "use_regex", true))
                rc = hap_split_add(t, HAP_PATTERN_GPT2, sizeof HAP_PATTERN_GPT2 - 1,
                                   HAP_SPLIT_ISOLATED, false, err);
        t->byte_level = true;
        return rc;
}

/* Replaces spaces as a normalizer would. Only the search for normalised added tokens comes
 * between the two, and tokens for which that matters are refused. Words begin with the
 * replacement. */
static int metaspace_stage(struct hap_tokenizer *t, const json_t *json, struct hap_error *err)
{
        const json_t *with = json_object_get(json, "replacement");
        const char *scheme = json_string_value(json_object_get(json, "prepend_scheme"));
        struct hap_normal_step *step = &t->normal[t->n_normal];
        int rc = 0;

        if (scheme == NULL)
                scheme = flag_of(json, "add_prefix_space", true) ? "always" : "never";
        if (t->n_split > 0 || t->n_normal == HAP_STEPS_MAX || !json_is_string(with))
                return unsupported_stage(err, "pre_tokenizer", "Metaspace after another");
        step->kind = HAP_NORMAL_REPLACE;
        t->n_normal++;
        t->metaspace = step;
        if (hap_buffer_append(&step->from, " ", 1) != 0)
                return hap_fail_memory(err, "a normalizer");
        rc = copy_text(&step->to, with, err);
        if (rc == 0 && strcmp(scheme, "never") != 0)
                rc = set_prefix(t, json_string_value(with), err);
        t->prefix_first_only = strcmp(scheme, "first") == 0;
        if (rc == 0 && flag_of(json, "split", true))
                rc = hap_split_add_literal(t, json_string_value(with),
                                           json_string_length(with),
                                           HAP_SPLIT_MERGED_WITH_NEXT, false, err);
        return rc;
}

static int digits_stage(struct hap_tokenizer *t, const json_t *json, struct hap_error *err)
{
        return hap_split_add(t, "\\p{N}", 5,
                             flag_of(json, "individual_digits", false) ? HAP_SPLIT_ISOLATED
                                                                       : HAP_SPLIT_CONTIGUOUS,
                             false, err);
}

static int punctuation_stage(struct hap_tokenizer *t, const json_t *json, struct hap_error *err)
{
        enum hap_split_behaviour behaviour = HAP_SPLIT_ISOLATED;
        int rc = json_object_get(json, "behavior") == NULL ? 0 : behaviour_of(json, &behaviour, err);

        return rc != 0 ? rc
                       : hap_split_add(t, hap_pattern_punctuation,
                                       strlen(hap_pattern_punctuation), behaviour, false, err);
}

static int one_pre_tokenizer(struct hap_tokenizer *t, const json_t *json,
                             struct hap_error *err)
{
        static const struct {
                const char *type;
                stage_fn *stage;
                bool after_byte_level;
        } forms[] = { { "ByteLevel", byte_level_stage, false },
                      { "Digits", digits_stage, true },
                      { "Metaspace", metaspace_stage, false },
                      { "Punctuation", punctuation_stage, true },
                      { "Split", split_stage, true } };
        bool after = t->byte_level;
        size_t first = t->n_split, i = 0;
        int rc;

        while (i < sizeof forms / sizeof *forms && !is_type(json, forms[i].type))
                i++;
        if (i == sizeof forms / sizeof *forms)
                return unsupported_stage(err, "pre_tokenizer", type_of(json));
        if (after && !forms[i].after_byte_level)
                return unsupported_stage(err, "a pre_tokenizer after ByteLevel", type_of(json));
        rc = forms[i].stage(t, json, err);
        while (first < t->n_split)
                t->split[first++].in_alphabet = after;
        return rc;
}

int hap_stage_pre_tokenizer(struct hap_tokenizer *t, const json_t *json,
                            struct hap_error *err)
{
        if (json == NULL || json_is_null(json))
                return 0;
        if (is_type(json, "Sequence"))
                return each_stage(t, json, "pretokenizers", one_pre_tokenizer, err);
        return one_pre_tokenizer(t, json, err);
}

/* "BOS text" or "text": causal models have no other templates. */
static int template_stage(struct hap_tokenizer *t, const json_t *json, struct hap_error *err)
{
        const json_t *single = json_object_get(json, "single");
        const json_t *tokens = json_object_get(json, "special_tokens");
        const json_t *first = json_array_get(single, 0), *special, *ids;
        size_t n = json_array_size(single);

        if (n < 1 || n > 2 ||
            json_object_get(json_array_get(single, n - 1), "Sequence") == NULL)
                return unsupported_stage(err, "post_processor",
                                   "TemplateProcessing other than BOS, text");
        if (n == 1)
                return 0;
        special = json_object_get(json_object_get(first, "SpecialToken"), "id");
        ids = json_object_get(json_object_get(tokens, json_string_value(special) != NULL
                                                              ? json_string_value(special)
                                                              : ""),
                              "ids");
        if (json_array_size(ids) != 1 || !json_is_integer(json_array_get(ids, 0)))
                return hap_fail(err, HAP_EINPUT,
                                "the first token of TemplateProcessing must have one id");
        json_int_t id = json_integer_value(json_array_get(ids, 0));
        if (id < 0 || id >= HAP_TOKENS_MAX)
                return hap_fail(err, HAP_EINPUT,
                                "the first token of TemplateProcessing has id %lld",
                                (long long)id);
        t->bos_id = (int32_t)id;
        return 0;
}

static int one_post_processor(struct hap_tokenizer *t, const json_t *json,
                              struct hap_error *err)
{
        if (is_type(json, "ByteLevel")) /* changes offsets only */
                return 0;
        if (is_type(json, "TemplateProcessing"))
                return template_stage(t, json, err);
        return unsupported_stage(err, "post_processor", type_of(json));
}

int hap_stage_post_processor(struct hap_tokenizer *t, const json_t *json,
                             struct hap_error *err)
{
        if (json == NULL || json_is_null(json))
                return 0;
        if (is_type(json, "Sequence"))
                return each_stage(t, json, "processors", one_post_processor, err);
        return one_post_processor(t, json, err);
}
