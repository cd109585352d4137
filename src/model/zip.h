/* Extracts one file from a zip archive, such as a Python wheel. */
#ifndef HAP_MODEL_ZIP_H
#define HAP_MODEL_ZIP_H

#include "common/error.h"

/* Writes the first entry whose name ends with `suffix` to the new file `to`.
 * HAP_EINPUT: not a zip file, no such entry, or damaged. */
int hap_zip_extract(const char *archive, const char *suffix, const char *to,
                    struct hap_error *err);

#endif
