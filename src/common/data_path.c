#include "common/data_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_there(char *path, size_t size, const char *folder, const char *between,
                     const char *name)
{
        const int n = snprintf(path, size, "%s%s%s", folder, between, name);

        return n > 0 && (size_t)n < size && access(path, R_OK) == 0;
}

bool hap_data_path(const char *name, char *path, size_t size)
{
        static const char *const near[] = {"/../", "/../../", "/../share/hap/"};
        const char *data = getenv("HAP_DATA");
        char self[1024], *slash;
        ssize_t length;

        if (data && *data)
                return is_there(path, size, data, "/", name);
        length = readlink("/proc/self/exe", self, sizeof self - 1);
        self[length > 0 ? length : 0] = '\0';
        if ((slash = strrchr(self, '/')) != NULL) {
                *slash = '\0';
                for (size_t i = 0; i < sizeof near / sizeof *near; i++)
                        if (is_there(path, size, self, near[i], name))
                                return true;
        }
        return false;
}

/* --- Hugging Face's cache --- */

static const char *variable(const char *name)
{
        const char *value = getenv(name);

        return value && *value ? value : NULL;
}

/* As huggingface_hub/constants.py: HF_HUB_CACHE, and the older name. */
static void find_hub(char *hub, size_t size)
{
        const char *cache = variable("HF_HUB_CACHE"), *home = variable("HF_HOME");
        const char *xdg = variable("XDG_CACHE_HOME"), *user = variable("HOME");

        if (!cache)
                cache = variable("HUGGINGFACE_HUB_CACHE");
        if (cache)
                snprintf(hub, size, "%s", cache);
        else if (home)
                snprintf(hub, size, "%s/hub", home);
        else if (xdg)
                snprintf(hub, size, "%s/huggingface/hub", xdg);
        else
                snprintf(hub, size, "%s/.cache/huggingface/hub", user ? user : "");
}

/* OWNER/NAME@REVISION/FILE in its parts; owner and file may be empty. */
struct hub_name {
        char model[256]; /* OWNER--NAME */
        char revision[256];
        const char *file;
};

static bool is_plain(const char *text, size_t n)
{
        return n > 0 && n < 128 && *text != '.' &&
               strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") >= n;
}

static bool split_name(const char *name, struct hub_name *parts)
{
        const size_t first = strcspn(name, "/@");
        const char *model = name[first] == '/' ? name + first + 1 : name;
        const size_t n = strcspn(model, "/@");
        const char *rest = model + n;
        size_t revision = 0;

        if (!is_plain(name, first) || !is_plain(model, n))
                return false;
        snprintf(parts->model, sizeof parts->model, "%.*s%s%.*s", model > name ? (int)first : 0,
                 name, model > name ? "--" : "", (int)n, model);
        strcpy(parts->revision, "main");
        if (*rest == '@') {
                rest++;
                revision = strcspn(rest, "/");
                if (!is_plain(rest, revision))
                        return false;
                snprintf(parts->revision, sizeof parts->revision, "%.*s", (int)revision, rest);
                rest += revision;
        }
        parts->file = *rest == '/' ? rest + 1 : "";
        return !strstr(parts->file, "..");
}

/* The commit that a branch or tag names, if the cache has it; else the revision stays. */
static void follow_ref(const char *folder, struct hub_name *parts)
{
        char path[HAP_PATH + 512], commit[64] = "";
        FILE *file;

        snprintf(path, sizeof path, "%s/refs/%s", folder, parts->revision);
        file = fopen(path, "r");
        if (!file)
                return;
        if (fscanf(file, "%63[0-9a-f]", commit) == 1)
                snprintf(parts->revision, sizeof parts->revision, "%s", commit);
        fclose(file);
}

static bool find_in_hub(const char *name, char path[HAP_PATH])
{
        struct hub_name parts;
        char hub[1024], folder[HAP_PATH];
        int n;

        if (!split_name(name, &parts))
                return false;
        find_hub(hub, sizeof hub);
        snprintf(folder, sizeof folder, "%s/models--%s", hub, parts.model);
        follow_ref(folder, &parts);
        n = snprintf(path, HAP_PATH, "%s/snapshots/%s%s%s", folder, parts.revision,
                     *parts.file ? "/" : "", parts.file);
        return n > 0 && n < HAP_PATH && access(path, R_OK) == 0;
}

/* --- models --- */

const char *hap_model_path(const char *name, char path[HAP_PATH])
{
        char within[512];

        if (access(name, F_OK) == 0)
                return name;
        if (is_plain(name, strlen(name))) {
                if (is_there(path, HAP_PATH, "models/", name, "/model.gguf"))
                        return path;
                snprintf(within, sizeof within, "models/%s", name);
                if (hap_data_path(within, path, HAP_PATH))
                        return path;
        }
        return find_in_hub(name, path) ? path : name;
}

const char *hap_model_path_hint(const char *name, char text[HAP_PATH])
{
        const char *slash = strchr(name, '/');
        struct hub_name parts;
        char hub[1024], folder[256];

        *text = '\0';
        if (!slash || !split_name(name, &parts) || strncmp(name, "models/", 7) == 0)
                return text;
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
        if (access(folder, F_OK) == 0) /* a path in a folder that exists */
                return text;
        find_hub(hub, sizeof hub);
        snprintf(text, HAP_PATH, "; nor is it in Hugging Face's cache '%s': hf download %.*s", hub,
                 (int)strcspn(name, "@"), name);
        return text;
}

/* --- circuits --- */

const char *hap_circuit_path(const char *name, char path[HAP_PATH])
{
        char within[512];

        if (access(name, F_OK) == 0 || !is_plain(name, strlen(name)))
                return name;
        snprintf(within, sizeof within, "circuits/%s.json", name);
        return hap_data_path(within, path, HAP_PATH) ? path : name;
}
