/* A description of a model for people to read. */
#ifndef HAP_MODEL_REPORT_H
#define HAP_MODEL_REPORT_H

#include <stdio.h>

#include "model/model.h"

/* Lines "NAME  VALUE": description, parameters, fingerprint, tokenizer. */
void hap_report_model(const struct hap_model *model, FILE *out);
/* One such line; the value as with printf. */
void hap_report_line(FILE *out, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
