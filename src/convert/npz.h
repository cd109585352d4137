/* Records of streams as arrays that numpy.load reads: a zip archive of .npy files. */
#ifndef HAP_CONVERT_NPZ_H
#define HAP_CONVERT_NPZ_H

#include <stdio.h>

#include "common/stream_in.h"

/* Reads all sections, which must be of one kind that has arrays (not a task, a report or a log), and
 * writes an array for each field of the records (npy.h), in the order in which they first occur. In
 * addition it writes "header", the header of each section as JSON; "writer", "reader" and, if there
 * are any, "position" for edges; for a cache "writers", the names of a graph's writers in the order of
 * the outputs; for the scores of examples "names", those of the edges or nodes; with several sections
 * "section", its number from 1, and "file". *n gets the number of records. Memory does not grow with
 * them: the arrays wait in temporary files. HAP_EINPUT: sections of two kinds or, where names are
 * written, of two graphs, and what hap_array_add refuses. */
int hap_npz_write(struct hap_stream_in *in, FILE *out, size_t *n, struct hap_error *err);

#endif
