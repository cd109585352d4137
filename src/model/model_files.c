#include "model/model_files.h"
#include "common/json_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/family.h"
#include "model/fetch.h"
#include "model/folder.h"
#include "model/gguf_settings.h"

#define MAX_CONFIG (16u << 20)

/* torch.save writes a zip archive; older versions, and pickle itself, begin with 0x80. */
static bool is_pickle(const char *path)
{
        unsigned char start[2] = {0};
        FILE *file = fopen(path, "rbe");
        const bool read = file && fread(start, 1, 2, file) == 2;

        if (file)
                fclose(file);
        return read && (start[0] == 0x80 || (start[0] == 'P' && start[1] == 'K'));
}

/* A file that is a part of a folder with the rest of the model. */
static int refuse_part(const char *path, struct hap_error *err)
{
        const char *dot = strrchr(path, '.');

        if ((dot && strcmp(dot, ".safetensors") == 0) || is_pickle(path))
                return hap_fail(err, HAP_EINPUT, "cannot use model '%s': the file has weights only; "
                                "name the folder that it is in", path);
        if (dot && strcmp(dot, ".json") == 0)
                return hap_fail(err, HAP_EINPUT, "cannot use model '%s': name the folder that the "
                                "file is in", path);
        return 0;
}

static int fail_missing(const char *name, struct hap_error *err)
{
        char hint[HAP_PATH];

        hap_fail(err, HAP_ESYSTEM, "cannot read model '%s': %s%s", name, strerror(errno),
                 hap_model_path_hint(name, hint));
        return hap_package_find(name)
                       ? hap_fail_after(err, "; hap-model fetch %s downloads it", name)
                       : hap_fail_package_meant(err, name);
}

int hap_model_files_open(struct hap_model_files *source, const char *name, struct hap_error *err)
{
        char found[HAP_PATH], file[HAP_GGUF_PATH];
        const char *path = hap_model_path(name, found);
        struct stat st;
        int rc;

        *source = (struct hap_model_files){0};
        if (stat(path, &st) < 0)
                return fail_missing(name, err);
        if ((size_t)snprintf(source->path, sizeof source->path, "%s", path) >= sizeof source->path)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': its path is too long", path);
        if ((rc = hap_gguf_path(path, file, err)) < 0 || (rc == 0 && S_ISDIR(st.st_mode)))
                return rc;
        if (rc == 0 && refuse_part(path, err) < 0)
                return err->code;
        source->is_gguf = true;
        rc = hap_gguf_open(&source->gguf, rc > 0 ? file : path, err);
        return rc < 0 ? rc : hap_gguf_parts_open(&source->parts, &source->gguf, err);
}

void hap_model_files_close(struct hap_model_files *source)
{
        hap_store_close(&source->store);
        hap_gguf_parts_close(&source->parts);
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
        if ((rc = hap_folder_check(source->path, err)) < 0 ||
            (rc = hap_json_file(&values, path, MAX_CONFIG, err)) < 0 ||
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

static int read_gguf(const struct hap_gguf *gguf, struct hap_settings *settings,
                     struct hap_blueprint *blueprint, struct hap_error *err)
{
        struct hap_config *config = &blueprint->model->config;
        struct hap_gguf_text name = {"", 0};
        const struct hap_family *family;
        char architecture[64], known[1024];
        int rc;

        if ((rc = hap_gguf_text(gguf, "general.architecture", &name, err)) < 0)
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
