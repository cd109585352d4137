#include "prune/checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/atomic_file.h"

#define MAGIC "hapstate"
enum { VERSION = 3 };

/* A file consists of this head, the fields and the hash (xxh3-64) of all bytes before it.
 * Numbers are in the machine's byte order: a checkpoint is not portable. */
struct head {
        char magic[8];
        uint64_t version, identity, bytes; /* of the fields */
};

void hap_checkpoint_add(struct hap_checkpoint *checkpoint, void *data, size_t bytes)
{
        assert(checkpoint->n < HAP_CHECKPOINT_FIELDS);
        checkpoint->fields[checkpoint->n].data = data;
        checkpoint->fields[checkpoint->n].bytes = bytes;
        checkpoint->n++;
}

static size_t bytes_of_fields(const struct hap_checkpoint *checkpoint)
{
        size_t bytes = 0;

        for (int i = 0; i < checkpoint->n; i++)
                bytes += checkpoint->fields[i].bytes;
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
                memcpy(at, checkpoint->fields[i].data, checkpoint->fields[i].bytes);
                at += checkpoint->fields[i].bytes;
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
        char *image = pack_checkpoint(checkpoint, &size);
        FILE *file = NULL;
        int fd, why = 0;

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

/* Reads the whole file. *image must be freed, on an error too. 0: there is no such file. */
static int load_checkpoint(const char *path, char **image, size_t *size, struct hap_error *err)
{
        FILE *file = fopen(path, "rb");
        size_t capacity = 1 << 16;
        int rc = HAP_OK;

        *image = NULL;
        *size = 0;
        if (!file && errno == ENOENT)
                return 0;
        if (!file)
                return hap_fail(err, HAP_ESYSTEM, "cannot read checkpoint '%s': %s", path,
                                strerror(errno));
        for (;;) {
                char *more = realloc(*image, capacity);

                if (!more) {
                        rc = hap_fail_memory(err, "a checkpoint");
                        break;
                }
                *image = more;
                *size += fread(*image + *size, 1, capacity - *size, file);
                if (*size < capacity)
                        break;
                capacity *= 2;
        }
        if (rc == HAP_OK && ferror(file))
                rc = hap_fail(err, HAP_ESYSTEM, "cannot read checkpoint '%s': %s", path,
                              strerror(errno));
        fclose(file);
        return rc < 0 ? rc : 1;
}

int hap_checkpoint_read(const struct hap_checkpoint *checkpoint, const char *path,
                        struct hap_error *err)
{
        char *image;
        size_t size;
        int rc = load_checkpoint(path, &image, &size, err);

        if (rc > 0) {
                const char *at = image + sizeof(struct head);

                rc = check_checkpoint(checkpoint, image, size, path, err);
                for (int i = 0; i < checkpoint->n && rc == HAP_OK; i++) {
                        memcpy(checkpoint->fields[i].data, at, checkpoint->fields[i].bytes);
                        at += checkpoint->fields[i].bytes;
                }
                rc = rc < 0 ? rc : 1;
        }
        free(image);
        return rc;
}
