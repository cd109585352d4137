#include "prune/checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/atomic_file.h"
#include "common/file_map.h"
#include "common/mpi.h"

#define MAGIC "hapstate"
enum { VERSION = 4 };

/* A file consists of this head, the fields and the hash (xxh3-64) of all bytes before it.
 * Numbers are in the machine's byte order: a checkpoint is not portable. */
struct head {
        char magic[8];
        uint64_t version, identity, bytes; /* of the fields */
};

void hap_checkpoint_add(struct hap_checkpoint *checkpoint, struct hap_checkpoint_field field)
{
        assert(checkpoint->n < HAP_CHECKPOINT_FIELDS);
        checkpoint->fields[checkpoint->n++] = field;
}

void hap_checkpoint_add_integer(struct hap_checkpoint *checkpoint, const char *name,
                                int64_t *value, int64_t min, int64_t max)
{
        hap_checkpoint_add(checkpoint, (struct hap_checkpoint_field){
                .name = name, .type = HAP_CHECKPOINT_INTEGERS, .data = value, .n = 1,
                .min = min, .max = max});
}

void hap_checkpoint_add_floats(struct hap_checkpoint *checkpoint, const char *name, float *values,
                               size_t n)
{
        hap_checkpoint_add(checkpoint, (struct hap_checkpoint_field){
                .name = name, .type = HAP_CHECKPOINT_FLOATS, .data = values, .n = n});
}

void hap_checkpoint_add_doubles(struct hap_checkpoint *checkpoint, const char *name,
                                double *values, size_t n)
{
        hap_checkpoint_add(checkpoint, (struct hap_checkpoint_field){
                .name = name, .type = HAP_CHECKPOINT_DOUBLES, .data = values, .n = n});
}

void hap_checkpoint_add_any_double(struct hap_checkpoint *checkpoint, const char *name,
                                   double *value)
{
        hap_checkpoint_add(checkpoint, (struct hap_checkpoint_field){
                .name = name, .type = HAP_CHECKPOINT_DOUBLES, .data = value, .n = 1, .any = true});
}

static size_t bytes_of_field(const struct hap_checkpoint_field *field)
{
        static const size_t sizes[] = {
                [HAP_CHECKPOINT_INTEGERS] = sizeof(int64_t),
                [HAP_CHECKPOINT_FLOATS] = sizeof(float),
                [HAP_CHECKPOINT_DOUBLES] = sizeof(double),
                [HAP_CHECKPOINT_BYTES] = 1,
        };

        return field->n * sizes[field->type];
}

static size_t bytes_of_fields(const struct hap_checkpoint *checkpoint)
{
        size_t bytes = 0;

        for (int i = 0; i < checkpoint->n; i++)
                bytes += bytes_of_field(&checkpoint->fields[i]);
        return bytes;
}

/* Returns the contents of the file, to be freed. NULL: no memory. */
static char *pack_checkpoint(const struct hap_checkpoint *checkpoint, size_t *size)
{
        struct head head = {MAGIC, VERSION, checkpoint->identity, bytes_of_fields(checkpoint)};
        char *image = malloc(sizeof head + head.bytes + sizeof(uint64_t)), *at = image;
        uint64_t hash;

        if (!image)
                return NULL;
        memcpy(at, &head, sizeof head);
        at += sizeof head;
        for (int i = 0; i < checkpoint->n; i++) {
                const size_t bytes = bytes_of_field(&checkpoint->fields[i]);

                memcpy(at, checkpoint->fields[i].data, bytes);
                at += bytes;
        }
        hash = XXH3_64bits(image, (size_t)(at - image));
        memcpy(at, &hash, sizeof hash);
        *size = (size_t)(at - image) + sizeof hash;
        return image;
}

static int write_failed(const char *path, int why, struct hap_error *err)
{
        return hap_fail(err, HAP_ESYSTEM, "cannot write checkpoint '%s': %s", path, strerror(why));
}

int hap_checkpoint_probe(const char *path, struct hap_error *err)
{
        struct hap_atomic_file atomic;
        int fd = hap_atomic_file_open(&atomic, path), why = errno;

        if (fd >= 0)
                close(fd);
        hap_atomic_file_release(&atomic);
        return fd < 0 ? write_failed(path, why, err) : HAP_OK;
}

int hap_checkpoint_write(const struct hap_checkpoint *checkpoint, const char *path,
                         struct hap_error *err)
{
        struct hap_atomic_file atomic;
        size_t size = 0;
        char *image;
        FILE *file = NULL;
        int fd, why = 0;

        if (!hap_mpi_writes())
                return HAP_OK;
        image = pack_checkpoint(checkpoint, &size);
        if (!image)
                return hap_fail_memory(err, "a checkpoint");
        fd = hap_atomic_file_open(&atomic, path);
        file = fd < 0 ? NULL : fdopen(fd, "wb");
        if (!file || fwrite(image, 1, size, file) != size || fflush(file) != 0 || fsync(fd) != 0)
                why = errno;
        if (file && fclose(file) != 0 && !why)
                why = errno;
        if (!file && fd >= 0)
                close(fd);
        if (!why && hap_atomic_file_rename(&atomic) < 0)
                why = errno;
        hap_atomic_file_release(&atomic);
        free(image);
        return why ? write_failed(path, why, err) : HAP_OK;
}

static int check_checkpoint(const struct hap_checkpoint *checkpoint, const char *image,
                            size_t size, const char *path, struct hap_error *err)
{
        struct head head;
        uint64_t hash;

        if (size < sizeof head + sizeof hash)
                return hap_fail(err, HAP_EINPUT, "checkpoint '%s' is damaged: it has %zu bytes",
                                path, size);
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): its size is not 0 */
        memcpy(&head, image, sizeof head);
        memcpy(&hash, image + size - sizeof hash, sizeof hash);
        if (memcmp(head.magic, MAGIC, sizeof head.magic) != 0)
                return hap_fail(err, HAP_EINPUT, "'%s' is not a checkpoint: remove it or "
                                                 "give another name", path);
        if (head.version != VERSION)
                return hap_fail(err, HAP_EINPUT, "checkpoint '%s' has version %llu, not %d", path,
                                (unsigned long long)head.version, VERSION);
        if (XXH3_64bits(image, size - sizeof hash) != hash)
                return hap_fail(err, HAP_EINPUT, "checkpoint '%s' is damaged: its hash "
                                                 "is wrong", path);
        if (head.identity != checkpoint->identity || head.bytes != bytes_of_fields(checkpoint) ||
            head.bytes != size - sizeof head - sizeof hash)
                return hap_fail(err, HAP_EINPUT, "checkpoint '%s' was made with other options or "
                                                 "other input: remove it or give another name",
                                path);
        return HAP_OK;
}

/* Whether number i of the field, which may be unaligned in the image, is in its range. */
static bool in_range(const struct hap_checkpoint_field *field, const char *image, size_t i)
{
        int64_t integer;
        float single;
        double number;

        switch (field->type) {
        case HAP_CHECKPOINT_INTEGERS:
                memcpy(&integer, image + i * sizeof integer, sizeof integer);
                return integer >= field->min && integer <= field->max;
        case HAP_CHECKPOINT_FLOATS:
                memcpy(&single, image + i * sizeof single, sizeof single);
                return isfinite(single);
        case HAP_CHECKPOINT_DOUBLES:
                memcpy(&number, image + i * sizeof number, sizeof number);
                return field->any || isfinite(number);
        default:
                return true;
        }
}

/* The hash shows damage by accident. A file that was made to deceive has the right hash. */
static int check_ranges(const struct hap_checkpoint *checkpoint, const char *image,
                        const char *path, struct hap_error *err)
{
        for (int f = 0; f < checkpoint->n; f++) {
                const struct hap_checkpoint_field *field = &checkpoint->fields[f];

                for (size_t i = 0; i < field->n; i++) {
                        if (!in_range(field, image, i))
                                return hap_fail(err, HAP_EINPUT, "checkpoint '%s' is damaged: "
                                                "number %zu of '%s' is out of range", path, i + 1,
                                                field->name);
                }
                image += bytes_of_field(field);
        }
        return HAP_OK;
}

static void restore_fields(const struct hap_checkpoint *checkpoint, const char *image)
{
        for (int f = 0; f < checkpoint->n; f++) {
                const size_t bytes = bytes_of_field(&checkpoint->fields[f]);

                memcpy(checkpoint->fields[f].data, image, bytes);
                image += bytes;
        }
}

/* Maps the file on rank 0 and copies it to the others: *image and *size; 0 bytes if there is no
 * such file. */
static int read_image(const char *path, struct hap_file_map *map, char **image, size_t *size,
                      struct hap_error *err)
{
        int64_t bytes;

        *image = NULL;
        *map = (struct hap_file_map){0};
        if (hap_mpi_writes() && (access(path, F_OK) == 0 || errno != ENOENT) &&
            hap_file_map_open(map, path, err) < 0)
                return hap_fail_within(err, "the checkpoint");
        bytes = (int64_t)map->size;
        if (hap_mpi_first(&bytes, err) < 0)
                return err->code;
        *size = (size_t)bytes;
        if (hap_mpi_writes() || bytes == 0)
                return HAP_OK;
        *image = malloc(*size);
        return *image ? HAP_OK : hap_fail_memory(err, "a checkpoint");
}

/* Sets the fields from the file's bytes. */
static int restore(const struct hap_checkpoint *checkpoint, const char *image, size_t size,
                   const char *path, struct hap_error *err)
{
        int rc = check_checkpoint(checkpoint, image, size, path, err);

        if (rc == HAP_OK)
                rc = check_ranges(checkpoint, image + sizeof(struct head), path, err);
        if (rc == HAP_OK)
                restore_fields(checkpoint, image + sizeof(struct head));
        return rc;
}

int hap_checkpoint_read(const struct hap_checkpoint *checkpoint, const char *path,
                        struct hap_error *err)
{
        struct hap_file_map map;
        char *copy, *image;
        size_t size = 0;
        int rc = read_image(path, &map, &copy, &size, err);

        image = copy ? copy : (char *)map.data;
        if (rc == HAP_OK && size > 0 && (rc = hap_mpi_share(image, size, err)) == HAP_OK)
                rc = restore(checkpoint, image, size, path, err);
        hap_file_map_close(&map);
        free(copy);
        return rc < 0 ? rc : size > 0;
}
