#include "model/model_files.h"
#include "common/json_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/family.h"
#include "model/folder.h"
#include "model/gguf_settings.h"

#define MAX_CONFIG (16u << 20)

int hap_model_files_open(struct hap_model_files *source, const char *name, struct hap_error *err)
{
        char found[HAP_PATH], hint[HAP_PATH];
        const char *path = hap_model_path(name, found);
        struct stat st;

        *source = (struct hap_model_files){0};
        if (stat(path, &st) < 0)
                return hap_fail(err, HAP_ESYSTEM, "cannot read model '%s': %s%s", name,
                                strerror(errno), hap_model_path_hint(name, hint));
        if ((size_t)snprintf(source->path, sizeof source->path, "%s", path) >= sizeof source->path)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': its path is too long", path);
        if (S_ISDIR(st.st_mode))
                return 0;
        if (strlen(path) > 12 && strcmp(path + strlen(path) - 12, ".safetensors") == 0)
                return hap_fail(err, HAP_EINPUT, "cannot use model '%s': the file has weights only; "
                                "name the folder that it is in", path);
        source->is_gguf = true;
        return hap_gguf_open(&source->gguf, source->path, err);
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

/* The family of a config.json. */
static const struct hap_family *family_of_config(struct hap_settings *settings)
{
        const char *name = hap_settings_text(settings, "name", "");
        const char *type = hap_settings_text(settings, "model_type", NULL);
        const struct hap_family *family = hap_family_find(type, name);
        char names[512];

        if (!family && !type)
                hap_settings_fail(settings, "it has no 'model_type'");
        else if (!family)
                hap_settings_fail(settings, "unsupported: model_type = \"%.60s\" (families: %s)",
                                  type, hap_family_names(names, sizeof names));
        return family;
}

static int read_config(const struct hap_model_files *source, struct hap_settings *settings,
                       struct hap_blueprint *blueprint, struct hap_error *err)
{
        struct hap_config *config = &blueprint->model->config;
        const struct hap_family *family;
        char path[HAP_PATH + 16];
        json_t *values;
        int rc;

        snprintf(path, sizeof(path), "%s/config.json", source->path);
        if ((rc = hap_json_file(&values, path, MAX_CONFIG, err)) < 0 ||
            (rc = hap_settings_init(settings, values, source->path, err)) < 0)
                return rc;
        family = family_of_config(settings);
        if (!family)
                return settings->rc;
        snprintf(config->family, sizeof(config->family), "%s", family->name);
        blueprint->layout = *family->layout;
        family->read_config(blueprint);
        return HAP_OK;
}

/* A model that is split over several GGUF files is refused. */
static int refuse_split(const struct hap_gguf *gguf, struct hap_error *err)
{
        int64_t files = 1;
        int rc = hap_gguf_int(gguf, "split.count", &files, err);

        if (rc < 0 || files <= 1)
                return rc < 0 ? rc : 0;
        return hap_fail(err, HAP_EINPUT,
                        "cannot use '%s': unsupported: it is one of %lld files of a model",
                        gguf->path, (long long)files);
}

static int read_gguf(const struct hap_gguf *gguf, struct hap_settings *settings,
                     struct hap_blueprint *blueprint, struct hap_error *err)
{
        struct hap_config *config = &blueprint->model->config;
        struct hap_gguf_text name = {"", 0};
        const struct hap_family *family;
        char architecture[64], known[1024];
        int rc;

        if ((rc = hap_gguf_text(gguf, "general.architecture", &name, err)) < 0 ||
            (rc = refuse_split(gguf, err)) < 0)
                return rc;
        snprintf(architecture, sizeof(architecture), "%.*s",
                 name.length < sizeof(architecture) ? (int)name.length : 0, name.text);
        rc = hap_settings_init(settings, hap_gguf_settings(gguf, architecture), gguf->path, err);
        if (rc < 0)
                return rc;
        settings->strict = true;
        family = hap_family_of_architecture(architecture);
        if (!family)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use '%s': unsupported: general.architecture = \"%s\" "
                                "(known: %s)",
                                gguf->path, architecture,
                                hap_family_architectures(known, sizeof known));
        snprintf(config->family, sizeof(config->family), "%s", family->name);
        family->read_gguf(gguf, blueprint);
        return HAP_OK;
}

int hap_model_files_settings(const struct hap_model_files *source, struct hap_settings *settings,
                             struct hap_blueprint *blueprint, struct hap_error *err)
{
        return source->is_gguf ? read_gguf(&source->gguf, settings, blueprint, err)
                               : read_config(source, settings, blueprint, err);
}
