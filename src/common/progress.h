/* The progress line of a program. */
#ifndef HAP_COMMON_PROGRESS_H
#define HAP_COMMON_PROGRESS_H

#include <stddef.h>

struct hap_program;

/* Draws the progress, at most ten times a second, if standard error is a terminal and
 * -q is not given. `note` (may be NULL) follows the count. */
void hap_progress(struct hap_program *program, size_t done, size_t total,
                  const char *note);
/* Clears the progress line, before other output. */
void hap_progress_clear(struct hap_program *program);

#endif
