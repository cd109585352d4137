/* Records of streams as tables for spreadsheets and data frames: CSV and tab-separated lines. */
#ifndef HAP_CONVERT_TABLE_H
#define HAP_CONVERT_TABLE_H

#include <stdio.h>

#include "common/stream_in.h"

/* Reads all sections, which must be of one kind, and writes a line of column names and a line for
 * each record; *n gets their number. The columns are the records' fields in the order in which they
 * first occur; edges have "writer", "reader" and, if they have one, "position" besides; with more
 * than one section the first columns are "section", its number from 1, and "file". Numbers have the
 * fewest digits that read back as the same; lists and maps are JSON. CSV (separator ',') is that of
 * RFC 4180 with lines that end in \n; in tab-separated cells tabs, line ends and backslashes are
 * \t, \n, \r and \\. HAP_EINPUT: sections of two kinds, or a record with binary data (a tensor). */
int hap_csv_write(struct hap_stream_in *in, FILE *out, size_t *n, struct hap_error *err);
int hap_tsv_write(struct hap_stream_in *in, FILE *out, size_t *n, struct hap_error *err);

#endif
