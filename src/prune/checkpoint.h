/* The state of a computation in a file, so that it can go on after it was
 * killed: fields of fixed sizes, with a hash over all of them. A checkpoint is
 * bound to what it was made from by an identity. */
#ifndef HAP_PRUNE_CHECKPOINT_H
#define HAP_PRUNE_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum { HAP_CHECKPOINT_FIELDS = 32 };

struct hap_checkpoint {
        uint64_t identity; /* hash of options and input */
        struct {
                void *data;
                size_t bytes;
        } fields[HAP_CHECKPOINT_FIELDS];
        int n;
};

/* Adds a field that is written and read back; the memory is not owned. There
 * is room for HAP_CHECKPOINT_FIELDS. */
void hap_checkpoint_add(struct hap_checkpoint *checkpoint, void *data, size_t bytes);

/* HAP_ESYSTEM when no checkpoint can be written to `path`, told by opening the file
 * beside it. */
int hap_checkpoint_probe(const char *path, struct hap_error *err);

/* Writes beside and renames, so that `path` is always a whole checkpoint. */
int hap_checkpoint_write(const struct hap_checkpoint *checkpoint, const char *path,
                         struct hap_error *err);

/* 1 when the fields were filled from `path`, 0 when there is no such file,
 * HAP_EINPUT when it is damaged or belongs to another computation; then no
 * field has changed. */
int hap_checkpoint_read(const struct hap_checkpoint *checkpoint, const char *path,
                        struct hap_error *err);

#endif
