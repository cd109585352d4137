#include "model/folder.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json_file.h"
#include "model/safetensors.h"

#define MAX_INDEX (64u << 20)
#define MAX_SHARDS 10000u

static int join_path(char *path, size_t size, const char *folder, const char *name,
                     struct hap_error *err)
{
        size_t n = strlen(folder);
        const char *slash = n > 0 && folder[n - 1] == '/' ? "" : "/";

        if ((size_t)snprintf(path, size, "%s%s%s", folder, slash, name) >= size)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': its path is too long", folder);
        return 0;
}

/* Maps FOLDER/NAME as the store's next file and reads its tensors. */
static int add_shard(struct hap_store *store, const char *folder, const char *name,
                     struct hap_error *err)
{
        struct hap_file_map *map = &store->maps[store->n_maps];
        char path[4096];
        int rc;

        if ((rc = join_path(path, sizeof(path), folder, name, err)) < 0 ||
            (rc = hap_file_map_open(map, path, err)) < 0)
                return rc;
        store->n_maps++;
        return hap_safetensors_read(store, map, path, err);
}

/* Collects the files that the index names as keys of *shards. */
static int list_shards(const json_t *weights, json_t *shards, const char *path,
                       struct hap_error *err)
{
        const char *tensor;
        json_t *value;

        json_object_foreach((json_t *)(uintptr_t)weights, tensor, value) {
                const char *name = json_string_value(value);

                if (!name || !*name || strchr(name, '/') || name[0] == '.')
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot read '%s': the file of tensor '%.200s' is not a "
                                        "plain name",
                                        path, tensor);
                if (json_object_set_new(shards, name, json_true()) < 0)
                        return hap_fail_memory(err, "the list of shards");
        }
        if (json_object_size(shards) == 0 || json_object_size(shards) > MAX_SHARDS)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': it names %zu files, 1 to %u "
                                "are expected", path, json_object_size(shards), MAX_SHARDS);
        return 0;
}

/* Checks that the files contain each tensor of the index. */
static int check_index(const struct hap_store *store, const json_t *weights, const char *path,
                       struct hap_error *err)
{
        const char *tensor;
        json_t *value;

        json_object_foreach((json_t *)(uintptr_t)weights, tensor, value)
                if (!hap_store_find(store, tensor))
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot use '%s': tensor '%.200s' is in none of its files",
                                        path, tensor);
        return 0;
}

static int open_shards(struct hap_store *store, const char *folder, const char *path,
                       struct hap_error *err)
{
        json_t *index, *shards = json_object(), *value;
        const json_t *weights;
        const char *name;
        int rc = hap_json_file(&index, path, MAX_INDEX, err);

        if (rc == 0 && !shards)
                rc = hap_fail_memory(err, "the list of shards");
        if (rc < 0)
                goto out;
        weights = json_object_get(index, "weight_map");
        if (!json_is_object(weights)) {
                rc = hap_fail(err, HAP_EINPUT, "cannot read '%s': it has no weight_map", path);
                goto out;
        }
        if ((rc = list_shards(weights, shards, path, err)) < 0)
                goto out;
        store->maps = calloc(json_object_size(shards), sizeof(*store->maps));
        if (!store->maps) {
                rc = hap_fail_memory(err, "the list of shards");
                goto out;
        }
        json_object_foreach(shards, name, value)
                if ((rc = add_shard(store, folder, name, err)) < 0)
                        goto out;
        if ((rc = hap_store_sort(store, path, err)) == 0)
                rc = check_index(store, weights, path, err);
out:
        json_decref(index);
        json_decref(shards);
        return rc;
}

static int open_single(struct hap_store *store, const char *folder, const char *path,
                       struct hap_error *err)
{
        int rc;

        store->maps = calloc(1, sizeof(*store->maps));
        if (!store->maps)
                return hap_fail_memory(err, "the list of files");
        rc = add_shard(store, folder, "model.safetensors", err);
        return rc < 0 ? rc : hap_store_sort(store, path, err);
}

static bool has_file(const char *folder, const char *name)
{
        struct hap_error ignored;
        char path[4096];

        return join_path(path, sizeof(path), folder, name, &ignored) == 0 && access(path, F_OK) == 0;
}

static int refuse_adapter(const char *folder, struct hap_error *err)
{
        return hap_fail(err, HAP_EINPUT,
                        "cannot read model '%s': it is an adapter for another model; merge "
                        "it into that model (PEFT's merge_and_unload) and save the result",
                        folder);
}

int hap_folder_check(const char *folder, struct hap_error *err)
{
        if (has_file(folder, "adapter_config.json") && !has_file(folder, "config.json"))
                return refuse_adapter(folder, err);
        return 0;
}

/* A folder without safetensors: says what it has instead, and what to do. */
static int explain_folder(const char *folder, struct hap_error *err)
{
        static const char *const pickles[] = {"pytorch_model.bin", "pytorch_model.bin.index.json"};

        for (size_t i = 0; i < sizeof(pickles) / sizeof(*pickles); i++)
                if (has_file(folder, pickles[i]))
                        return hap_fail(err, HAP_EINPUT,
                                        "cannot read model '%s': its weights are a pickle, %s; "
                                        "python3 -c 'from transformers import AutoModelForCausalLM "
                                        "as M; M.from_pretrained(\"%s\").save_pretrained(\"%s\")' "
                                        "saves them as model.safetensors",
                                        folder, pickles[i], folder, folder);
        if (has_file(folder, "adapter_config.json"))
                return refuse_adapter(folder, err);
        return hap_fail(err, HAP_EINPUT, "cannot read model '%s': it has no model.safetensors, and no "
                        "model.safetensors.index.json that lists its shards", folder);
}

int hap_store_open_folder(struct hap_store *store, const char *folder, struct hap_error *err)
{
        char single[4096], index[4096];
        int rc;

        *store = (struct hap_store){0};
        if ((rc = join_path(single, sizeof(single), folder, "model.safetensors", err)) < 0 ||
            (rc = join_path(index, sizeof(index), folder, "model.safetensors.index.json", err)) < 0)
                return rc;
        if (access(single, F_OK) == 0)
                rc = open_single(store, folder, single, err);
        else if (access(index, F_OK) == 0)
                rc = open_shards(store, folder, index, err);
        else
                rc = explain_folder(folder, err);
        if (rc < 0)
                hap_store_close(store);
        return rc;
}
