/* "Did you mean": the known name that is nearest to a mistyped one. */
#ifndef HAP_COMMON_NEAREST_H
#define HAP_COMMON_NEAREST_H

#include <stddef.h>

#include "common/error.h"

struct hap_nearest {
        const char *name; /* the nearest so far; NULL: none is near */
        size_t distance;  /* to compare only */
};

/* Keeps `name` if it is near, and nearer than what was tried before: at most a third of the typed
 * bytes differ, and at most 3, at least 1; or it begins with the typed bytes, at least 4. Case, and
 * _ for -, do not count. An equal name is no correction and is ignored.
 * `name` must live as long as *best. */
void hap_nearest_try(struct hap_nearest *best, const char *typed, size_t n, const char *name);

/* Puts "; did you mean 'NAME'?" after the message in *err, if a name is near; returns its code. */
int hap_fail_meant(struct hap_error *err, const struct hap_nearest *best);

#endif
