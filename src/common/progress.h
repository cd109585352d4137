/* The progress line of a program. */
#ifndef HAP_COMMON_PROGRESS_H
#define HAP_COMMON_PROGRESS_H

#include <stddef.h>

struct hap_program;

/* Progress on a terminal's standard error only, at most ten times a second;
 * never for -q. `note` is put behind the count (may be NULL). */
void hap_progress(struct hap_program *program, size_t done, size_t total,
                  const char *note);
/* Takes the progress line away, before other talk. */
void hap_progress_clear(struct hap_program *program);

#endif
