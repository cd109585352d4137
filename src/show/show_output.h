/* Writing to the output: text in XML, and the check that everything was written. */
#ifndef HAP_SHOW_SHOW_OUTPUT_H
#define HAP_SHOW_SHOW_OUTPUT_H

#include <stdio.h>

#include "common/error.h"

/* Writes the text for XML; control characters become spaces. */
void hap_write_escaped(FILE *out, const char *text);
/* Flushes: 0, or HAP_ESYSTEM when something could not be written. */
int hap_show_written(FILE *out, struct hap_error *err);

#endif
