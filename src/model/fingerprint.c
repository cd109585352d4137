/* The hash covers what a model computes with: its description and its stored weights.
 * Names of files and the tokenizer are left out. */
#include "model/fingerprint.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define PIECE ((size_t)8 << 20) /* bytes of a file that are resident at a time */

static int set_json_field(json_t *object, const char *key, json_t *value)
{
        return json_object_set_new(object, key, value);
}

static json_t *real(float value)
{
        return json_real((double)value);
}

/* Settings that most families do not have: recorded only where they differ from the usual, so
 * that the others keep their fingerprints. */
static int describe_rare(const struct hap_config *c, json_t *o)
{
        int bad = 0;

        if (c->logit_scale != 1)
                bad |= set_json_field(o, "logit_scale", real(c->logit_scale));
        if (c->residual_scale != 1)
                bad |= set_json_field(o, "residual_scale", real(c->residual_scale));
        if (c->qk_norm_together)
                bad |= set_json_field(o, "qk_norm_together", json_true());
        if (c->n_experts > 0) {
                bad |= set_json_field(o, "experts", json_integer(c->n_experts));
                bad |= set_json_field(o, "experts_used", json_integer(c->n_used));
                bad |= set_json_field(o, "route_all", json_boolean(c->route_all));
        }
        if (c->swiglu_limit != 0)
                bad |= set_json_field(o, "swiglu_limit", real(c->swiglu_limit));
        if (c->alibi_bf16)
                bad |= set_json_field(o, "alibi_bf16", json_true());
        return bad;
}

static json_t *describe_config(const struct hap_config *c)
{
        json_t *o = json_object();
        int bad = 0;

        if (!o)
                return NULL;
        bad |= set_json_field(o, "layers", json_integer(c->n_layers));
        bad |= set_json_field(o, "heads", json_integer(c->n_heads));
        bad |= set_json_field(o, "kv_heads", json_integer(c->n_kv_heads));
        bad |= set_json_field(o, "d_model", json_integer(c->d_model));
        bad |= set_json_field(o, "d_head", json_integer(c->d_head));
        bad |= set_json_field(o, "d_mlp", json_integer(c->d_mlp));
        bad |= set_json_field(o, "vocabulary", json_integer(c->n_vocab));
        bad |= set_json_field(o, "out", json_integer(c->n_out));
        bad |= set_json_field(o, "norm", json_integer(c->norm));
        bad |= set_json_field(o, "norm_eps", real(c->norm_eps));
        bad |= set_json_field(o, "positions", json_integer(c->position_kind));
        bad |= set_json_field(o, "rotary", json_integer(c->n_rotary));
        bad |= set_json_field(o, "rotary_interleaved", json_boolean(c->rotary_interleaved));
        bad |= set_json_field(o, "causal", json_boolean(c->causal));
        bad |= set_json_field(o, "attention_scale", real(c->attention_scale));
        if (c->attention_scale_by_layer)
                bad |= set_json_field(o, "attention_scale_by_layer", json_true());
        bad |= set_json_field(o, "attention_cap", real(c->attention_cap));
        bad |= set_json_field(o, "logit_cap", real(c->logit_cap));
        bad |= set_json_field(o, "embedding_scale", real(c->embedding_scale));
        bad |= set_json_field(o, "activation", json_integer(c->activation));
        bad |= set_json_field(o, "gated", json_boolean(c->gated));
        bad |= set_json_field(o, "parallel", json_boolean(c->parallel_residual));
        bad |= set_json_field(o, "tied", json_boolean(c->tied));
        bad |= describe_rare(c, o);
        if (bad == 0)
                return o;
        json_decref(o);
        return NULL;
}

static void hash_u64(XXH3_state_t *state, uint64_t value)
{
        unsigned char bytes[8];

        for (int i = 0; i < 8; i++)
                bytes[i] = (unsigned char)(value >> 8 * i);
        XXH3_64bits_update(state, bytes, sizeof(bytes));
}

static void hash_layers(XXH3_state_t *state, const struct hap_model *model)
{
        size_t n = (size_t)model->config.n_rotary / 2;

        for (int i = 0; i < model->config.n_layers; i++) {
                const struct hap_layer *layer = &model->layers[i];

                hash_u64(state, (uint64_t)layer->window);
                if (!layer->rotary_frequency)
                        continue;
                XXH3_64bits_update(state, layer->rotary_frequency, n * sizeof(float));
                XXH3_64bits_update(state, &layer->rotary_scale, sizeof(float));
        }
}

static void hash_tensor(XXH3_state_t *state, const struct hap_stored *stored, uint64_t bytes)
{
        XXH3_64bits_update(state, stored->name, strlen(stored->name) + 1);
        XXH3_64bits_update(state, stored->dtype, strlen(stored->dtype) + 1);
        hash_u64(state, (uint64_t)stored->n_dims);
        for (int i = 0; i < stored->n_dims; i++)
                hash_u64(state, stored->shape[i]);
        hash_u64(state, bytes);
}

/* -1 when memory is short. */
static int hash_bytes(const struct hap_stored *stored, uint64_t *hash)
{
        XXH3_state_t *state = XXH3_createState();

        if (!state)
                return -1;
        XXH3_64bits_reset(state);
        for (size_t at = 0; at < stored->bytes; at += PIECE) {
                size_t n = stored->bytes - at < PIECE ? stored->bytes - at : PIECE;

                XXH3_64bits_update(state, stored->data + at, n);
                hap_file_map_forget(stored->data + at, n);
        }
        *hash = XXH3_64bits_digest(state);
        XXH3_freeState(state);
        return 0;
}

/* Hashes each tensor separately, so that threads can share the work, and then the hashes in
 * the order of names. */
static int hash_tensors(XXH3_state_t *state, const struct hap_store *store,
                        struct hap_error *err)
{
        uint64_t *hashes = calloc(store->n + 1, sizeof(*hashes));
        int failed = 0;

        if (!hashes)
                return hap_fail_memory(err, "the model's fingerprint");
#pragma omp parallel for schedule(dynamic) reduction(|:failed)
        for (size_t i = 0; i < store->n; i++)
                if (store->items[i].used)
                        failed |= hash_bytes(&store->items[i], &hashes[i]) < 0;
        if (failed) {
                free(hashes);
                return hap_fail_memory(err, "the model's fingerprint");
        }
        for (size_t i = 0; i < store->n; i++)
                if (store->items[i].used)
                        hash_tensor(state, &store->items[i], hashes[i]);
        free(hashes);
        return 0;
}

int hap_fingerprint(struct hap_model *model, const struct hap_store *store,
                    struct hap_error *err)
{
        XXH3_state_t *state = XXH3_createState();
        json_t *config = describe_config(&model->config);
        char *text = config ? json_dumps(config, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
        int rc;

        if (!state || !text) {
                rc = hap_fail_memory(err, "the model's fingerprint");
                goto out;
        }
        XXH3_64bits_reset(state);
        XXH3_64bits_update(state, text, strlen(text) + 1);
        hash_layers(state, model);
        rc = hash_tensors(state, store, err);
        if (rc == 0)
                model->fingerprint = XXH3_64bits_digest(state);
out:
        free(text);
        json_decref(config);
        XXH3_freeState(state);
        return rc;
}
