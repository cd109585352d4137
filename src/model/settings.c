#include "model/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int hap_settings_init(struct hap_settings *settings, json_t *values, const char *path,
                      struct hap_error *err)
{
        *settings = (struct hap_settings){
                .values = values, .seen = json_object(), .path = path, .err = err};
        if (!values || !settings->seen) {
                hap_settings_release(settings);
                return hap_fail_memory(err, "the model's settings");
        }
        return 0;
}

void hap_settings_release(struct hap_settings *settings)
{
        json_decref(settings->values);
        json_decref(settings->seen);
        *settings = (struct hap_settings){0};
}

void hap_settings_fail(struct hap_settings *settings, const char *format, ...)
{
        char why[600];
        va_list args;

        if (settings->rc < 0)
                return;
        va_start(args, format);
        vsnprintf(why, sizeof(why), format, args);
        va_end(args);
        settings->rc = hap_fail(settings->err, HAP_EINPUT, "cannot use '%s': %s",
                                settings->path, why);
}

/* The same key may be refused for every layer. */
static void refuse_more(struct hap_settings *settings, const char *item)
{
        char *message = settings->err->message;
        size_t n = strlen(message);

        if (!strstr(message, item))
                snprintf(message + n, sizeof(settings->err->message) - n, ", %s", item);
}

void hap_settings_refuse(struct hap_settings *settings, const char *key)
{
        json_t *value = json_object_get(settings->values, key);
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS);
        char item[400];

        snprintf(item, sizeof(item), "%.100s = %.230s%s", key, text ? text : "?",
                 strcmp(key, "quantization_config") == 0
                         ? " (use the folder that is not quantised, or a GGUF file)" : "");
        free(text);
        if (settings->refused) {
                refuse_more(settings, item);
                return;
        }
        settings->refused = settings->rc == 0;
        hap_settings_fail(settings, "unsupported: %s", item);
}

void hap_settings_default(struct hap_settings *settings, const char *key, json_t *value)
{
        if (json_object_get(settings->values, key))
                json_decref(value);
        else
                json_object_set_new(settings->values, key, value);
}

const json_t *hap_settings_value(struct hap_settings *settings, const char *key)
{
        json_t *value = json_object_get(settings->values, key);

        json_object_set_new(settings->seen, key, json_true());
        return json_is_null(value) ? NULL : value;
}

bool hap_settings_is_null(const struct hap_settings *settings, const char *key)
{
        return json_is_null(json_object_get(settings->values, key));
}

double hap_settings_real(struct hap_settings *settings, const char *key, double min,
                         double max, double fallback)
{
        const json_t *value = hap_settings_value(settings, key);
        double number;

        if (!value && fallback > HAP_REQUIRED)
                return fallback;
        if (!value) {
                hap_settings_fail(settings, "it has no '%s'", key);
                return min;
        }
        number = json_number_value(value);
        if (json_is_number(value) && number >= min && number <= max)
                return number;
        hap_settings_fail(settings, "'%s' is not a number from %g to %g", key, min, max);
        return min;
}

int hap_settings_int(struct hap_settings *settings, const char *key, int min, int max,
                     double fallback)
{
        const json_t *value = hap_settings_value(settings, key);
        json_int_t number;

        if (!value && fallback > HAP_REQUIRED)
                return (int)fallback;
        if (!value) {
                hap_settings_fail(settings, "it has no '%s'", key);
                return min;
        }
        number = json_integer_value(value);
        if (json_is_integer(value) && number >= min && number <= max)
                return (int)number;
        hap_settings_fail(settings, "'%s' is not a whole number from %d to %d", key, min, max);
        return min;
}

bool hap_settings_flag(struct hap_settings *settings, const char *key, bool fallback)
{
        const json_t *value = hap_settings_value(settings, key);

        if (!value) /* null is false, as in Python */
                return fallback && !hap_settings_is_null(settings, key);
        if (!json_is_boolean(value))
                hap_settings_fail(settings, "'%s' is neither true nor false", key);
        return json_is_true(value);
}

const char *hap_settings_text(struct hap_settings *settings, const char *key,
                              const char *fallback)
{
        const json_t *value = hap_settings_value(settings, key);

        if (!value)
                return fallback;
        if (!json_is_string(value)) {
                hap_settings_fail(settings, "'%s' is not a text", key);
                return fallback;
        }
        return json_string_value(value);
}

void hap_settings_must_be(struct hap_settings *settings, const char *key, bool value)
{
        if (hap_settings_flag(settings, key, value) != value)
                hap_settings_refuse(settings, key);
}

/* Keys without an effect on what a model computes from given tokens: training,
 * text generation, bookkeeping. A '*' at the end matches anything. */
static const char *const without_effect[] = {
        "_*",
        "architectures",
        "attention_dropout",
        "attention_probs_dropout_prob",
        "attn_implementation",
        "attn_pdrop",
        "auto_map",
        "bad_words_ids",
        "begin_suppress_tokens",
        "bos_token_id",
        "cache_implementation",
        "chunk_size_feed_forward",
        "classifier_dropout*",
        "cls_token_id",
        "cross_attention_hidden_size",
        "decoder_start_token_id",
        "diversity_penalty",
        "do_sample",
        "dtype",
        "early_stopping",
        "embd_pdrop",
        "embed_dropout",
        "embedding_dropout",
        "encoder_no_repeat_ngram_size",
        "eos_token_id",
        "exponential_decay_length_penalty",
        "finetuning_task",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "gradient_checkpointing",
        "hidden_dropout*",
        "id2label",
        "initializer_range",
        "is_llama_config",
        "keys_to_ignore_at_inference",
        "label2id",
        "length_penalty",
        "mask_token_id",
        "max_length",
        "min_length",
        "min_p",
        "model_type",
        "no_repeat_ngram_size",
        "num_beam_groups",
        "num_beams",
        "num_return_sequences",
        "output_attentions",
        "output_hidden_states",
        "output_scores",
        "pad_token_id",
        "prefix",
        "pretraining_tp",
        "problem_type",
        "remove_invalid_values",
        "reorder_and_upcast_attn",
        "repetition_penalty",
        "resid_dropout",
        "resid_pdrop",
        "residual_dropout",
        "return_dict",
        "return_dict_in_generate",
        "sep_token_id",
        "summary_*",
        "suppress_tokens",
        "task_specific_params",
        "temperature",
        "tensor_data_layout",
        "tf_legacy_loss",
        "tokenizer_class",
        "top_k",
        "top_p",
        "torch_dtype",
        "torchscript",
        "transformers.js_config",
        "transformers_version",
        "typical_p",
        "unk_token_id",
        "unsloth*",
        "use_bfloat16",
        "use_cache",
};

/* Keys that change what some class of transformers (4.57 and 5) computes. A family reads those of
 * its class, and those that its class ignores though models have them. */
static const char *const with_effect[] = {
        "add_cross_attention",
        "alibi",
        "apply_residual_connection_post_layernorm",
        "attention_bias",
        "attention_layers",
        "attention_multiplier",
        "attention_types",
        "attn_config",
        "attn_logit_softcapping",
        "clip_qkv",
        "compression_config",
        "cross_attention*",
        "decoder_sparse_step",
        "do_layer_norm_before",
        "embedding_multiplier",
        "emb_scale",
        "enable_bias",
        "ffn_config",
        "final_logit_softcapping",
        "first_k_dense_replace",
        "is_causal",
        "is_encoder_decoder",
        "kv_lora_rank",
        "layer_types",
        "logit_scale",
        "logits_scaling",
        "mlp_bias",
        "mlp_only_layers",
        "moe_*",
        "multi_query",
        "new_decoder_architecture",
        "no_rope_layer*",
        "norm_topk_prob",
        "num_experts*",
        "num_local_experts",
        "parallel_attn",
        "partial_rotary_factor",
        "position_embedding_type",
        "pruned_heads",
        "qk_layernorm",
        "qkv_bias",
        "q_lora_rank",
        "quantization_config",
        "query_pre_attn_scalar",
        "residual_multiplier",
        "rope_*",
        "rotary_*",
        "scale_attn_*",
        "scale_embedding",
        "shared_expert*",
        "sliding_window",
        "sliding_window_pattern",
        "swiglu_*",
        "transformers_weights",
        "use_bias",
        "use_bidirectional_attention",
        "use_parallel_residual",
        "use_qk_norm",
        "use_qkv_bias",
        "use_sliding_window",
        "window_size",
};

static bool is_listed(const char *const list[], size_t n_list, const char *key)
{
        for (size_t i = 0; i < n_list; i++) {
                const size_t n = strlen(list[i]);

                if (list[i][n - 1] == '*' ? strncmp(key, list[i], n - 1) == 0
                                          : strcmp(key, list[i]) == 0)
                        return true;
        }
        return false;
}
#define IS_LISTED(list, key) is_listed(list, sizeof(list) / sizeof(*(list)), key)

/* An unknown key is ignored when its value is null, false, or an empty list or object. */
static bool says_nothing(const json_t *value)
{
        return json_is_null(value) || json_is_false(value) ||
               (json_is_array(value) && json_array_size(value) == 0) ||
               (json_is_object(value) && json_object_size(value) == 0);
}

/* Keys that configs without sliding windows may still have: layers with full attention, and
 * the first layer that would have a window. */
static bool says_no_window(const char *key, const json_t *value)
{
        const char *type;

        if (strcmp(key, "max_window_layers") == 0)
                return true;
        if (strcmp(key, "layer_types") != 0 || !json_is_array(value))
                return false;
        for (size_t i = 0; i < json_array_size(value); i++) {
                type = json_string_value(json_array_get(value, i));
                if (!type || strcmp(type, "full_attention") != 0)
                        return false;
        }
        return true;
}

static void list_unread(struct hap_settings *settings, const char *key)
{
        const size_t n = strlen(settings->unread), size = sizeof(settings->unread);

        if (n + strlen(key) + 4 < size)
                snprintf(settings->unread + n, size - n, "%s%s", n ? ", " : "", key);
        else if (n + 6 < size && n > 0 && settings->unread[n - 1] != '.')
                snprintf(settings->unread + n, size - n, ", ...");
}

int hap_settings_end(struct hap_settings *settings)
{
        const char *key;
        json_t *value;

        json_object_foreach(settings->values, key, value) {
                if (json_object_get(settings->seen, key) || IS_LISTED(without_effect, key) ||
                    says_nothing(value) || says_no_window(key, value))
                        continue;
                if (settings->strict || IS_LISTED(with_effect, key))
                        hap_settings_refuse(settings, key);
                else
                        list_unread(settings, key);
        }
        return settings->rc;
}

void hap_settings_end_inner(struct hap_settings *outer, const char *name,
                            struct hap_settings *inner)
{
        char keys[sizeof(inner->unread) + 64];

        if (outer->rc == 0)
                outer->rc = hap_settings_end(inner);
        outer->refused |= inner->refused;
        snprintf(keys, sizeof(keys), "of %s: %s", name, inner->unread);
        if (*inner->unread)
                list_unread(outer, keys);
        hap_settings_release(inner);
}
