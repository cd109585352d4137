/* The state of a computation in a file, so that it can be resumed after it was killed: fields
 * of fixed sizes, with a hash of them all. An identity binds a checkpoint to the options and
 * the input that it was made with. */
#ifndef HAP_PRUNE_CHECKPOINT_H
#define HAP_PRUNE_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum { HAP_CHECKPOINT_FIELDS = 32 };

enum hap_checkpoint_type {
        HAP_CHECKPOINT_INTEGERS, /* int64_t from min to max */
        HAP_CHECKPOINT_FLOATS,   /* finite */
        HAP_CHECKPOINT_DOUBLES,  /* finite, or any with `any` */
        HAP_CHECKPOINT_BYTES,    /* any: whoever adds them checks them when they were read */
};

struct hap_checkpoint_field {
        const char *name; /* in messages */
        enum hap_checkpoint_type type;
        void *data; /* [n], not owned */
        size_t n;
        int64_t min, max; /* of integers */
        bool any;         /* NaN and infinity are values */
};

struct hap_checkpoint {
        uint64_t identity; /* hash of options and input */
        struct hap_checkpoint_field fields[HAP_CHECKPOINT_FIELDS];
        int n;
};

/* Adds a field that is written and read back. At most HAP_CHECKPOINT_FIELDS. */
void hap_checkpoint_add(struct hap_checkpoint *checkpoint, struct hap_checkpoint_field field);
void hap_checkpoint_add_integer(struct hap_checkpoint *checkpoint, const char *name,
                                int64_t *value, int64_t min, int64_t max);
void hap_checkpoint_add_floats(struct hap_checkpoint *checkpoint, const char *name, float *values,
                               size_t n);
void hap_checkpoint_add_doubles(struct hap_checkpoint *checkpoint, const char *name,
                                double *values, size_t n);
/* A number that may be NaN or infinite. */
void hap_checkpoint_add_any_double(struct hap_checkpoint *checkpoint, const char *name,
                                   double *value);

/* HAP_ESYSTEM: no checkpoint can be written to `path`. Tries to open the temporary file. */
int hap_checkpoint_probe(const char *path, struct hap_error *err);

/* Writes a temporary file and renames it, so that `path` is always a complete checkpoint. */
int hap_checkpoint_write(const struct hap_checkpoint *checkpoint, const char *path,
                         struct hap_error *err);

/* 1: the fields were read from `path`. 0: there is no such file. HAP_EINPUT: the file is
 * damaged, no plain file, or belongs to another computation, or a number is out of its range.
 * On an error no field is changed. */
int hap_checkpoint_read(const struct hap_checkpoint *checkpoint, const char *path,
                        struct hap_error *err);

#endif
