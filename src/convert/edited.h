/* The header of a section that was edited. */
#ifndef HAP_CONVERT_EDITED_H
#define HAP_CONVERT_EDITED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/program.h"

struct hap_edit {
        uint64_t records, digest; /* as they are now */
        const char *before;       /* the digest that the trailer had, or NULL */
        bool records_changed;     /* not only the header */
        const char *name;         /* of the file, for messages */
};

/* Corrects the header: its history, if it has one, gets the program's entry; the number of records is
 * that of `edit`, for a task the digest, too. If the records have changed, what was measured on them
 * before is removed. Reports on standard error what was done, unless it is only the entry. */
void hap_edited_header(const struct hap_program *program, json_t *header,
                       const struct hap_edit *edit);

#endif
