/* Remarks on prompts that can be used but are probably not what was meant. */
#include "task/task_remarks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE ": --ablation interchange has no effect on them"
const char *const hap_task_remarks[HAP_REMARKS] = {
        [HAP_REMARK_SAME] = "clean and corrupted are the same" IDLE,
        [HAP_REMARK_LATER] =
                "clean and corrupted differ only after the last answer position" IDLE,
        [HAP_REMARK_SPACE] =
                "the last character is a space: answers begin with it in most tokenizers",
        [HAP_REMARK_GLUED] =
                "an answer has no space before it, the prompt ends in a letter, and the answer "
                "with a space is one token too: is a space missing?",
        [HAP_REMARK_GLUED_WHOLE] =
                "an answer of several tokens begins with a letter, and the prompt ends in one: is a "
                "space missing?",
        [HAP_REMARK_JOINS] =
                "the tokenizer divides prompt and answer together otherwise than apart: the model "
                "does not expect such an answer; end the prompt where a token ends",
        [HAP_REMARK_TWICE] =
                "BOS comes twice: the tokenizer adds it, so the text need not begin with it",
        [HAP_REMARK_WHOLE] =
                "an answer has several tokens: it is scored as a whole, by the probability of all "
                "its tokens",
};

/* A prompt as text, answered at its end, that ends in a space. */
static bool ends_in_space(const json_t *record)
{
        const json_t *clean = json_object_get(record, "clean");
        size_t n = json_string_length(clean);

        return n && json_string_value(clean)[n - 1] == ' ' && !json_object_get(record, "at");
}

static bool is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether an answer continues the last word of the prompt, where the answer as a word of its own
 * is one token too. */
static bool lacks_space(const char *answer, const struct hap_tokenizer *tokenizer)
{
        char spaced[66];

        if (!is_letter(*answer) || strlen(answer) > sizeof spaced - 2)
                return false;
        snprintf(spaced, sizeof spaced, " %s", answer);
        return hap_tokenizer_single(tokenizer, answer) >= 0 &&
               hap_tokenizer_single(tokenizer, spaced) >= 0;
}

/* Whether an answer of several tokens may continue the last word of the prompt. */
static bool may_lack_space(const char *answer, const struct hap_tokenizer *tokenizer)
{
        return is_letter(*answer) && hap_tokenizer_single(tokenizer, answer) < 0;
}

/* A prompt as text that ends in a letter, answered at its end, with such an answer. */
static bool glues_answer(const json_t *record, const struct hap_tokenizer *tokenizer,
                         bool (*glued)(const char *answer, const struct hap_tokenizer *tokenizer))
{
        const json_t *clean = json_object_get(record, "clean"), *list, *answer;
        const size_t n = json_string_length(clean);
        size_t i;

        if (!tokenizer || !n || !is_letter(json_string_value(clean)[n - 1]) ||
            json_object_get(record, "at"))
                return false;
        for (int k = 0; k < 2; k++) {
                list = json_object_get(record, k ? "wrongs" : "answers");
                json_array_foreach(list, i, answer)
                        if (json_is_string(answer) && glued(json_string_value(answer), tokenizer))
                                return true;
        }
        return false;
}

#define MAX_JOINED 4096 /* tokens of a prompt with its answer; longer ones are not checked */

/* clean + answer, as text: whether its tokens are those of `clean` and `answer` one after the
 * other. */
static bool joins(const struct hap_tokenizer *tokenizer, const char *clean, const char *answer)
{
        const size_t n_clean = strlen(clean), n_answer = strlen(answer);
        char *both = malloc(n_clean + n_answer + 1);
        int32_t *ids = calloc(2 * MAX_JOINED, sizeof *ids), *joined = ids ? ids + MAX_JOINED : NULL;
        struct hap_error err;
        bool differ = false;
        int n = 0, more = 0, all = 0;

        if (both && ids) {
                memcpy(both, clean, n_clean);
                memcpy(both + n_clean, answer, n_answer);
                n = hap_tokenizer_encode(tokenizer, clean, n_clean, true, true, ids, MAX_JOINED,
                                         &err);
                all = hap_tokenizer_encode(tokenizer, both, n_clean + n_answer, true, true, joined,
                                           MAX_JOINED, &err);
        }
        if (n > 0 && n < MAX_JOINED && all > 0 && all <= MAX_JOINED)
                more = hap_tokenizer_continue(tokenizer, answer, n_answer, ids + n,
                                              (size_t)(MAX_JOINED - n), &err);
        if (more > 0 && n + more <= MAX_JOINED)
                differ = all != n + more || memcmp(ids, joined, (size_t)all * sizeof *ids) != 0;
        free(both);
        free(ids);
        return differ;
}

/* A prompt as text, answered at its end, whose text together with its first answer has other
 * tokens than the two apart. */
static bool joins_answer(const json_t *record, const struct hap_tokenizer *tokenizer)
{
        const char *clean = json_string_value(json_object_get(record, "clean"));
        const json_t *answers = json_object_get(record, "answers");
        const char *answer = json_string_value(json_array_get(answers, 0));

        return tokenizer && clean && answer && !json_object_get(record, "at") &&
               joins(tokenizer, clean, answer);
}

/* Whether a prompt begins with two of the tokenizer's BOS. */
static bool repeats_bos(const json_t *record, const struct hap_tokenizer *tokenizer)
{
        const json_t *prompts[] = {json_object_get(record, "clean"),
                                   json_object_get(record, "corrupted")};
        const json_int_t bos = tokenizer ? hap_tokenizer_bos(tokenizer) : -1;

        for (size_t i = 0; bos >= 0 && i < 2; i++) {
                const json_t *first = json_array_get(prompts[i], 0);
                const json_t *second = json_array_get(prompts[i], 1);

                if (json_is_integer(first) && json_integer_value(first) == bos &&
                    json_is_integer(second) && json_integer_value(second) == bos)
                        return true;
        }
        return false;
}

static bool has_whole_answer(const json_t *record)
{
        const json_t *lists[] = {json_object_get(record, "answers"),
                                 json_object_get(record, "wrongs")};
        json_t *answer;
        size_t i;

        for (int k = 0; k < 2; k++)
                json_array_foreach((json_t *)lists[k], i, answer)
                        if (json_array_size(answer) > 1)
                                return true;
        return false;
}

/* How the prompts differ, for patching: HAP_REMARKS if some answer may change. */
static enum hap_task_remark difference(const json_t *record, const struct hap_model *model)
{
        const json_t *clean = json_object_get(record, "clean");
        const json_t *corrupted = json_object_get(record, "corrupted");
        const json_t *at = json_object_get(record, "at");
        size_t end = json_array_size(clean);

        if (json_equal(clean, corrupted))
                return HAP_REMARK_SAME;
        if (!model || !model->config.causal)
                return HAP_REMARKS;
        if (at)
                end = (size_t)json_integer_value(json_array_get(at, json_array_size(at) - 1)) + 1;
        for (size_t i = 0; i < end; i++)
                if (!json_equal(json_array_get(clean, i), json_array_get(corrupted, i)))
                        return HAP_REMARKS;
        return HAP_REMARK_LATER;
}

void hap_task_remark_text(const json_t *record, const struct hap_task_model *model,
                          size_t n[HAP_REMARKS])
{
        if (ends_in_space(record))
                n[HAP_REMARK_SPACE]++;
        else if (glues_answer(record, model->tokenizer, lacks_space))
                n[HAP_REMARK_GLUED]++;
        else if (glues_answer(record, model->tokenizer, may_lack_space))
                n[HAP_REMARK_GLUED_WHOLE]++;
        else if (joins_answer(record, model->tokenizer))
                n[HAP_REMARK_JOINS]++;
}

void hap_task_remark_ids(const json_t *record, const struct hap_task_model *model,
                         size_t n[HAP_REMARKS])
{
        const enum hap_task_remark how = difference(record, model->model);

        if (how != HAP_REMARKS)
                n[how]++;
        n[HAP_REMARK_TWICE] += repeats_bos(record, model->tokenizer);
        n[HAP_REMARK_WHOLE] += has_whole_answer(record);
}
