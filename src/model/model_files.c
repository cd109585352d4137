#include "model/model_files.h"
#include "common/json_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_CONFIG (16u << 20)

int hap_model_files_open(struct hap_model_files *source, const char *path, struct hap_error *err)
{
        struct stat st;

        *source = (struct hap_model_files){.path = path};
        if (stat(path, &st) < 0)
                return hap_fail(err, HAP_ESYSTEM, "cannot read model '%s': %s", path,
                                strerror(errno));
        if (S_ISDIR(st.st_mode))
                return 0;
        source->is_gguf = true;
        return hap_gguf_open(&source->gguf, path, err);
}

void hap_model_files_close(struct hap_model_files *source)
{
        hap_store_close(&source->store);
        hap_gguf_close(&source->gguf);
        *source = (struct hap_model_files){0};
}

int hap_model_files_tensors(struct hap_model_files *source, struct hap_error *err)
{
        if (source->is_gguf)
                return hap_store_of_gguf(&source->store, &source->gguf, err);
        return hap_store_open_folder(&source->store, source->path, err);
}

/* A family by "model_type"; Tracr's folders have a "name" instead. */
static const struct hap_family *family_of(struct hap_settings *settings)
{
        const char *name = hap_settings_text(settings, "name", "");
        const char *type = hap_settings_text(settings, "model_type", NULL);
        const struct hap_family *family;

        if (!type && strncmp(name, "tracr-", 6) == 0)
                type = "tracr";
        if (!type) {
                hap_settings_fail(settings, "it does not say 'model_type'");
                return NULL;
        }
        family = hap_family_find(type);
        if (!family)
                hap_settings_fail(settings, "unsupported: model_type = \"%.60s\" (families: %s)",
                                  type, hap_family_names());
        return family;
}

int hap_model_files_settings(const struct hap_model_files *source, struct hap_settings *settings,
                        struct hap_blueprint *blueprint, struct hap_error *err)
{
        struct hap_config *config = &blueprint->model->config;
        const struct hap_family *family;
        char path[2048];
        json_t *values;
        int rc;

        if (source->is_gguf)
                return hap_gguf_describe(&source->gguf, settings, blueprint, err);
        snprintf(path, sizeof(path), "%s/config.json", source->path);
        if ((rc = hap_json_file(&values, path, MAX_CONFIG, err)) < 0 ||
            (rc = hap_settings_init(settings, values, source->path, err)) < 0)
                return rc;
        family = family_of(settings);
        if (!family)
                return settings->rc;
        snprintf(config->family, sizeof(config->family), "%s", family->name);
        family->describe(blueprint);
        return HAP_OK;
}
