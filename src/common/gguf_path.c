#include "common/gguf_path.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PARTS 10000
#define SUFFIX ".gguf"

static bool ends_with(const char *text, const char *end)
{
        const size_t n = strlen(text), m = strlen(end);

        return n >= m && strcmp(text + n - m, end) == 0;
}

/* The number in a name of the form …-00002-of-00003.gguf, the count in *count; 0: another form. */
static int part_of_name(const char *name, int *count)
{
        const size_t form = strlen("-00001-of-00003" SUFFIX), n = strlen(name);
        int part, end = 0;

        if (n < form ||
            /* NOLINTNEXTLINE(cert-err34-c): 5 digits fit */
            sscanf(name + n - form, "-%5d-of-%5d" SUFFIX "%n", &part, count, &end) != 2 ||
            (size_t)end != form || part < 1 || *count < 1)
                return 0;
        return part;
}

/* Whether a file of a folder is the model, or the first file of it. */
static bool is_model(const char *name)
{
        int count;

        return name[0] != '.' && ends_with(name, SUFFIX) && strncmp(name, "mmproj", 6) != 0 &&
               part_of_name(name, &count) < 2;
}

static bool has_file(const char *folder, const char *name)
{
        char path[HAP_GGUF_PATH];

        return (size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) < sizeof(path) &&
               access(path, F_OK) == 0;
}

/* The first name by the alphabet, and the number of such files. */
static int list_models(DIR *folder, char first[256])
{
        const struct dirent *entry;
        int n = 0;

        while ((entry = readdir(folder)) != NULL) {
                if (!is_model(entry->d_name))
                        continue;
                if (n == 0 || strcmp(entry->d_name, first) < 0)
                        snprintf(first, 256, "%s", entry->d_name);
                n++;
        }
        return n;
}

int hap_gguf_path(const char *path, char found[HAP_GGUF_PATH], struct hap_error *err)
{
        DIR *folder = opendir(path);
        char name[256];
        int n;

        if (!folder) {
                if (!hap_gguf_is(path) || strlen(path) >= HAP_GGUF_PATH)
                        return 0;
                strcpy(found, path);
                return 1;
        }
        n = list_models(folder, name);
        closedir(folder);
        if (n == 0 || has_file(path, "model.safetensors") ||
            has_file(path, "model.safetensors.index.json"))
                return 0;
        if (n > 1)
                return hap_fail(err, HAP_EINPUT,
                                "cannot read model '%s': the folder has %d GGUF files; name one of "
                                "them, such as '%s/%s'", path, n, path, name);
        if ((size_t)snprintf(found, HAP_GGUF_PATH, "%s%s%s", path,
                             ends_with(path, "/") ? "" : "/", name) >= HAP_GGUF_PATH)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': its path is too long", path);
        return 1;
}

/* split.no and split.count of a file: 0 and 1 if it has neither. */
static int read_split(const struct hap_gguf *gguf, int64_t *number, int64_t *count,
                      struct hap_error *err)
{
        int rc;

        *number = 0;
        *count = 1;
        if ((rc = hap_gguf_int(gguf, "split.count", count, err)) < 0 ||
            (rc = hap_gguf_int(gguf, "split.no", number, err)) < 0)
                return rc;
        if (*count < 0 || *count > MAX_PARTS)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': split.count is %lld, the limit "
                                "is %d", gguf->path, (long long)*count, MAX_PARTS);
        return 0;
}

int hap_gguf_check_first(const struct hap_gguf *gguf, struct hap_error *err)
{
        int64_t number, count;
        int rc = read_split(gguf, &number, &count, err);

        if (rc < 0 || count <= 1 || number == 0)
                return rc;
        return hap_fail(err, HAP_EINPUT, "cannot read '%s': it is file %lld of the %lld of a model; "
                        "name the first, …-00001-of-%05lld" SUFFIX, gguf->path,
                        (long long)number + 1, (long long)count, (long long)count);
}

/* Opens file `part`, from 1, of `count`. */
static int open_part(struct hap_gguf *part, const char *first, int number, int64_t count,
                     struct hap_error *err)
{
        const int stem = (int)(strlen(first) - strlen("-00001-of-00003" SUFFIX));
        int64_t its_number, its_count;
        char path[HAP_GGUF_PATH];
        int rc;

        snprintf(path, sizeof(path), "%.*s-%05d-of-%05d" SUFFIX, stem, first, number, (int)count);
        rc = hap_gguf_open(part, path, err);
        if (rc < 0)
                return hap_fail_within(err, "cannot read file %d of the %d that '%s' is split into",
                                       number, (int)count, first);
        rc = read_split(part, &its_number, &its_count, err);
        if (rc == 0 && (its_count != count || its_number != number - 1))
                rc = hap_fail(err, HAP_EINPUT, "cannot read '%s': its metadata say file %lld of "
                              "%lld, its name file %d of %d", path, (long long)its_number + 1,
                              (long long)its_count, number, (int)count);
        if (rc < 0)
                hap_gguf_close(part);
        return rc;
}

static int add_tensors(struct hap_gguf *to, const struct hap_gguf *from, struct hap_error *err)
{
        const size_t n = to->n_tensors + from->n_tensors;
        struct hap_gguf_tensor *tensors = reallocarray(to->tensors, n + 1, sizeof(*tensors));

        if (!tensors)
                return hap_fail_memory(err, "the files' tensors");
        to->tensors = tensors;
        if (from->n_tensors > 0)
                memcpy(tensors + to->n_tensors, from->tensors,
                       from->n_tensors * sizeof(*tensors));
        to->n_tensors = n;
        return 0;
}

static int open_parts(struct hap_gguf_parts *parts, struct hap_gguf *gguf, int64_t count,
                      struct hap_error *err)
{
        int64_t total = -1;
        int rc = 0;

        parts->items = calloc((size_t)count, sizeof(*parts->items));
        if (!parts->items)
                return hap_fail_memory(err, "the model's files");
        for (int i = 2; i <= count && rc == 0; i++) {
                struct hap_gguf *part = &parts->items[parts->n];

                rc = open_part(part, gguf->path, i, count, err);
                parts->n += rc == 0;
                if (rc == 0)
                        rc = add_tensors(gguf, part, err);
        }
        if (rc == 0)
                rc = hap_gguf_int(gguf, "split.tensors.count", &total, err);
        if (rc < 0)
                return rc;
        if (total >= 0 && (size_t)total != gguf->n_tensors)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': its %lld files have %zu tensors, "
                                "split.tensors.count is %lld", gguf->path, (long long)count,
                                gguf->n_tensors, (long long)total);
        return 0;
}

int hap_gguf_parts_open(struct hap_gguf_parts *parts, struct hap_gguf *gguf,
                        struct hap_error *err)
{
        int64_t number, count;
        int named, rc;

        *parts = (struct hap_gguf_parts){0};
        if ((rc = hap_gguf_check_first(gguf, err)) < 0 ||
            (rc = read_split(gguf, &number, &count, err)) < 0 || count <= 1)
                return rc;
        if (part_of_name(gguf->path, &named) != 1 || named != count)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': it is the first of the %lld "
                                "files of a model and has to be called …-00001-of-%05lld" SUFFIX
                                ", to find the others", gguf->path, (long long)count,
                                (long long)count);
        rc = open_parts(parts, gguf, count, err);
        if (rc < 0)
                hap_gguf_parts_close(parts);
        return rc;
}

void hap_gguf_parts_close(struct hap_gguf_parts *parts)
{
        for (size_t i = 0; i < parts->n; i++)
                hap_gguf_close(&parts->items[i]);
        free(parts->items);
        *parts = (struct hap_gguf_parts){0};
}
