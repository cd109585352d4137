/* The records of a curve in a report. */
#ifndef HAP_EVAL_CURVE_RECORD_H
#define HAP_EVAL_CURVE_RECORD_H

#include <stddef.h>

#include "common/stream.h"

struct hap_curve_record {
        const char *circuit, *metric, *order; /* the curve; order: "signed" or "magnitude" */
        double size;                          /* the share of the graph's edges asked for */
        size_t selected, edges, all;          /* edges before and after dead ones were dropped; of */
        double value;                         /* the metric's mean over the examples */
        size_t examples;
};

/* The areas under a curve from its first point to the last, by trapezoids (curve.h). */
struct hap_curve_areas {
        double full, empty; /* the metric's means of the full model and of the empty circuit */
        size_t points;
        double size, faithfulness; /* of the last point */
        double cpr, cmd;
};

/* Writes the record of a point, and adds it to the areas. HAP_EINPUT: full and empty are the
 * same. */
int hap_curve_write_point(const struct hap_curve_record *point, struct hap_curve_areas *areas,
                          struct hap_stream_out *out, struct hap_error *err);
/* Writes the records of the areas; of the point only the curve is used. */
int hap_curve_write_areas(const struct hap_curve_record *point,
                          const struct hap_curve_areas *areas, struct hap_stream_out *out,
                          struct hap_error *err);

#endif
