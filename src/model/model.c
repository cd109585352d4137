#include "model/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mpi.h"
#include "common/mpi_layers.h"
#include "model/fingerprint.h"
#include "model/import.h"
#include "model/model_files.h"

/* Checks what the engine assumes about every model. */
static void check_config(struct hap_settings *s, const struct hap_config *c)
{
        if (s->rc < 0)
                return;
        if (c->n_heads % c->n_kv_heads != 0)
                hap_settings_fail(s, "%d key and value heads do not divide %d heads",
                                  c->n_kv_heads, c->n_heads);
        if ((int64_t)c->n_heads * c->d_head > HAP_MAX_WIDTH)
                hap_settings_fail(s, "%d heads of %d dimensions are more than %d", c->n_heads,
                                  c->d_head, HAP_MAX_WIDTH);
}

static void set_defaults(struct hap_config *c)
{
        c->embedding_scale = c->logit_scale = c->residual_scale = 1;
}

static int keep_unread(struct hap_model *model, const struct hap_settings *settings,
                       struct hap_error *err)
{
        const size_t n = strlen(settings->unread) + 1;
        char *text = hap_arena_alloc(&model->arena, n, 1);

        if (!text)
                return hap_fail_memory(err, "the model's settings");
        memcpy(text, settings->unread, n);
        model->unread_keys = text;
        return 0;
}

/* Which layers this rank holds. */
static int set_layers(struct hap_model *model, struct hap_error *err)
{
        const int n = model->config.n_layers;
        int begin, end;

        hap_mpi_layers(n, hap_mpi_rank(), &begin, &end);
        model->layers_before = begin;
        model->layers_after = n - end;
        if (hap_mpi_layers_divided() && hap_mpi_ranks() > (size_t)n)
                return hap_fail(err, HAP_EUSAGE, "--layers-over-ranks: %zu ranks for %d layer%s of "
                                "'%s'; start at most one for each", hap_mpi_ranks(), n,
                                n == 1 ? "" : "s", model->path);
        return HAP_OK;
}

/* Fills config and layers. *layout gets the names of the weights. */
static int read_description(struct hap_model *model, const struct hap_model_files *source,
                            struct hap_weight_layout *layout, struct hap_error *err)
{
        struct hap_settings settings = {0};
        struct hap_blueprint blueprint = {.settings = &settings, .model = model, .err = err};
        int rc;

        set_defaults(&model->config);
        rc = hap_model_files_settings(source, &settings, &blueprint, err);
        if (rc < 0)
                goto out;
        check_config(&settings, &model->config);
        rc = hap_settings_end(&settings);
        if (rc == 0)
                rc = keep_unread(model, &settings, err);
        if (rc == 0)
                rc = set_layers(model, err);
        hap_blueprint_scale_rotary(&blueprint);
        *layout = blueprint.layout;
        model->config.embedding_norm = layout->embedding_norm != NULL;
        model->config.pre_norm = layout->attention_norm != NULL;
        model->config.qk_norm = layout->q_norm != NULL;
        model->config.qk_norm_each = layout->qk_norm_each != HAP_QK_NORM_SHARED;
        model->config.qk_norm_together = layout->qk_norm_each == HAP_QK_NORM_ALL;
        model->config.attention_post_norm = layout->attention_post_norm != NULL;
        model->config.mlp_post_norm = layout->mlp_post_norm != NULL;
out:
        hap_settings_release(&settings);
        return rc;
}

static void close_files(struct hap_model *model)
{
        if (model->files)
                hap_model_files_close(model->files);
        free(model->files);
        model->files = NULL;
}

static int begin_model(struct hap_model *model, const char *path, struct hap_error *err)
{
        *model = (struct hap_model){0};
        hap_arena_init(&model->arena);
        if ((size_t)snprintf(model->path, sizeof(model->path), "%s", path) >=
            sizeof(model->path))
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': its path is too long", path);
        return 0;
}

size_t hap_model_f32_bytes(const struct hap_config *c)
{
        const size_t d = (size_t)c->d_model, heads = (size_t)c->n_heads * (size_t)c->d_head;
        const size_t kv = (size_t)c->n_kv_heads * (size_t)c->d_head;
        const size_t experts = (size_t)c->n_experts;
        const size_t mlp = (c->gated ? 3 : 2) * (size_t)c->d_mlp * (experts ? experts : 1);
        const size_t layer = d * (2 * heads + 2 * kv + mlp + experts);
        size_t rows = (size_t)c->n_vocab + (c->tied ? 0 : (size_t)c->n_out);

        if (c->position_kind == HAP_POSITIONS_LEARNED)
                rows += (size_t)c->n_context;
        return (rows * d + (size_t)hap_mpi_most_layers(c->n_layers) * layer) * sizeof(float);
}

/* Bytes of the tensors that this rank holds. */
static size_t held_bytes(const struct hap_store *store)
{
        size_t bytes = 0;

        for (size_t i = 0; i < store->n; i++)
                bytes += store->items[i].elsewhere ? 0 : store->items[i].bytes;
        return bytes;
}

/* Bytes of the tensors that stay as stored; 0: they become F32. All ranks decide alike: by their
 * share of the layers. */
static size_t stored_bytes(const struct hap_model *model, const struct hap_store *store,
                           const struct hap_weights_want *want)
{
        const int layers = model->config.n_layers;
        const size_t f32 = hap_model_f32_bytes(&model->config);
        const size_t limit = want->max_bytes ? want->max_bytes : hap_mpi_memory() / 2;
        const size_t bytes = held_bytes(store) * (size_t)hap_mpi_most_layers(layers) /
                             (size_t)layers;

        if (want->kind == HAP_WEIGHTS_STORED)
                return bytes;
        return want->kind == HAP_WEIGHTS_AUTO && f32 > limit && bytes < f32 ? bytes : 0;
}

static const struct hap_weights_want usual = {HAP_WEIGHTS_AUTO, 0};

int hap_model_load_config_as(struct hap_model *model, const char *path,
                             const struct hap_weights_want *want, struct hap_error *err)
{
        struct hap_model_files source = {0};
        struct hap_weight_layout layout;
        struct hap_error ignored = {0};
        int rc = begin_model(model, path, err);

        if (rc == 0)
                rc = hap_model_files_open(&source, path, err);
        if (rc == 0)
                rc = read_description(model, &source, &layout, err);
        /* Loading the weights reports what is wrong with them. */
        if (rc == 0 && hap_model_files_tensors(&source, &ignored) == 0)
                model->stored_bytes = stored_bytes(model, &source.store, want ? want : &usual);
        hap_model_files_close(&source);
        if (rc < 0)
                hap_model_release(model);
        return rc;
}

int hap_model_load_config(struct hap_model *model, const char *path, struct hap_error *err)
{
        return hap_model_load_config_as(model, path, NULL, err);
}

static int load_weights(struct hap_model *model, struct hap_model_files *source,
                        const struct hap_weight_layout *layout,
                        const struct hap_weights_want *want, struct hap_error *err)
{
        int rc = hap_model_files_tensors(source, err);
        char fingerprint[24];

        if (rc < 0)
                return rc;
        model->stored_bytes = stored_bytes(model, &source->store, want);
        rc = hap_import(model, layout, &source->store, model->stored_bytes > 0, err);
        if (rc == 0 && model->stored_bytes)
                model->stored_bytes = held_bytes(&source->store);
        if (rc == 0)
                rc = hap_fingerprint(model, &source->store, err);
        snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, model->fingerprint);
        return rc < 0 ? rc : hap_mpi_same("model", fingerprint, err);
}

int hap_model_load_as(struct hap_model *model, const char *path,
                      const struct hap_weights_want *want, struct hap_error *err)
{
        struct hap_model_files *source = calloc(1, sizeof(*source));
        struct hap_weight_layout layout;
        int rc = begin_model(model, path, err);

        if (!source)
                return hap_fail_memory(err, "a model");
        if (rc == 0)
                rc = hap_model_files_open(source, path, err);
        if (rc == 0)
                rc = read_description(model, source, &layout, err);
        if (rc == 0)
                rc = load_weights(model, source, &layout, want, err);
        model->files = source;
        if (rc < 0)
                hap_model_release(model);
        else if (!model->stored_bytes)
                close_files(model);
        return rc;
}

int hap_model_load(struct hap_model *model, const char *path, struct hap_error *err)
{
        return hap_model_load_as(model, path, &usual, err);
}

void hap_model_release(struct hap_model *model)
{
        close_files(model);
        hap_arena_release(&model->arena);
        *model = (struct hap_model){0};
        hap_arena_init(&model->arena);
}
