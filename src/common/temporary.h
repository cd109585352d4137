/* A temporary file without a name, in the folder TMPDIR (or /tmp): nothing of it is left when the
 * program ends, in whatever way. */
#ifndef HAP_COMMON_TEMPORARY_H
#define HAP_COMMON_TEMPORARY_H

#include <stddef.h>

#include "common/error.h"

/* *fd gets a new, empty file, open for reading and writing; the caller closes it. */
int hap_temporary_open(int *fd, struct hap_error *err);
/* Appends `n` bytes, or fails. */
int hap_temporary_write(int fd, const void *data, size_t n, struct hap_error *err);
/* A message: cannot `what` ("read") a temporary file, for the reason `why` (errno). */
int hap_temporary_fail(const char *what, int why, struct hap_error *err);

#endif
