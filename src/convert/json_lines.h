/* Conversion of JSON lines to sections of a stream. */
#ifndef HAP_CONVERT_JSON_LINES_H
#define HAP_CONVERT_JSON_LINES_H

#include "common/byte_input.h"
#include "common/program.h"

/* Converts JSON lines to sections of program->out; returns the number of records, or a negative
 * code. A section whose trailer says that it is as some program wrote it is written so again.
 * Otherwise it was edited: see hap_edited_header. */
int64_t hap_json_read(struct hap_byte_input *input, struct hap_program *program);

#endif
