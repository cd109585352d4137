/* The state of a computation in a file, so that it can be resumed after it was killed: fields
 * of fixed sizes, with a hash of them all. An identity binds a checkpoint to the options and
 * the input that it was made with. */
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

/* Adds a field that is written and read back. The memory is not owned. At most
 * HAP_CHECKPOINT_FIELDS. */
void hap_checkpoint_add(struct hap_checkpoint *checkpoint, void *data, size_t bytes);

/* HAP_ESYSTEM: no checkpoint can be written to `path`. Tries to open the temporary file. */
int hap_checkpoint_probe(const char *path, struct hap_error *err);

/* Writes a temporary file and renames it, so that `path` is always a complete checkpoint. */
int hap_checkpoint_write(const struct hap_checkpoint *checkpoint, const char *path,
                         struct hap_error *err);

/* 1: the fields were read from `path`. 0: there is no such file. HAP_EINPUT: the file is
 * damaged or belongs to another computation. On an error no field is changed. */
int hap_checkpoint_read(const struct hap_checkpoint *checkpoint, const char *path,
                        struct hap_error *err);

#endif
