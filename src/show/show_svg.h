/* What the page shares with the picture; inside the room only. */
#ifndef HAP_SHOW_SHOW_SVG_H
#define HAP_SHOW_SHOW_SVG_H

#include <errno.h>
#include <string.h>

#include "show/show.h"

/* Title and counts of a drawing, for a headline. */
#define HAP_TITLE 1024
void hap_drawing_title(const struct hap_drawing *drawing, char *title);
void hap_drawing_counts(const struct hap_drawing *drawing, char *text);

/* The svg element; `details`: every edge says which nodes it joins and has a
 * title. */
void hap_draw(const struct hap_drawing *drawing, bool details, FILE *out);
/* The svg element of all logs. */
void hap_plot(const struct hap_show *show, FILE *out);

/* 0, or HAP_ESYSTEM when the file did not take what was written. */
static inline int hap_show_written(FILE *out, struct hap_error *err)
{
        if (fflush(out) == 0 && !ferror(out))
                return HAP_OK;
        return hap_fail(err, HAP_ESYSTEM, "cannot write the output: %s", strerror(errno));
}

#endif
