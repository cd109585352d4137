/* The sections of streams and training logs in memory: the parts that are shown. */
#ifndef HAP_SHOW_SHOW_READ_H
#define HAP_SHOW_SHOW_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/stream_in.h"
#include "graph/edges.h"

enum hap_show_kind { HAP_SHOW_TASK, HAP_SHOW_CACHE, HAP_SHOW_EDGES, HAP_SHOW_REPORT,
                     HAP_SHOW_CONSTANTS, HAP_SHOW_EXAMPLE_SCORES, HAP_SHOW_NODES, HAP_SHOW_LOG };

/* One section. */
struct hap_section {
        enum hap_show_kind kind;
        char *name;      /* of the file */
        json_t *header;  /* an empty object for a log of JSON lines */
        char digest[HAP_DIGEST_TEXT]; /* of the records; "" for a log of JSON lines */
        size_t n;        /* records */
        json_t *records; /* array: the first of a task, cache or constants (tensors
                          * as their shapes), all of a report, log or node scores; empty for edges */
        struct hap_edges edges; /* scores, circuit */
};

struct hap_show {
        struct hap_section *sections;
        size_t n;
};

static inline bool hap_section_is_circuit(const struct hap_section *section)
{
        return section->kind == HAP_SHOW_EDGES && section->edges.z != NULL;
}

/* Adds the stream's sections; of tasks, caches and constants only the `first` records are
 * stored. */
int hap_show_read(struct hap_show *show, struct hap_stream_in *in, size_t first,
                  struct hap_error *err);
/* Adds a log of JSON lines, each {"step", "kl", ...}. HAP_EINPUT: a line is not such an
 * object. */
int hap_show_read_log(struct hap_show *show, FILE *lines, const char *name,
                      struct hap_error *err);
void hap_show_release(struct hap_show *show);

bool hap_show_has_log(const struct hap_show *show);
bool hap_show_has_edges(const struct hap_show *show);

#endif
