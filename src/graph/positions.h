/* Named positions: the positions of prompts that a graph distinguishes. */
#ifndef HAP_GRAPH_POSITIONS_H
#define HAP_GRAPH_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* The last name is `rest`: every position without a name. */
#define HAP_MAX_POSITIONS 32
#define HAP_POSITION_NAME 24 /* bytes of a name, with the NUL */
struct hap_positions {
        int n; /* 0: positions are not distinguished; else at least 2 */
        char name[HAP_MAX_POSITIONS][HAP_POSITION_NAME];
        bool answers[HAP_MAX_POSITIONS]; /* the logits are read here */
};

#define HAP_REST "rest"
/* HAP_EINPUT: the name is not valid: empty, too long, HAP_REST, or with a character that
 * names of edges, lists and drawings cannot contain. */
int hap_positions_check(const char *name, struct hap_error *err);
/* Adds a name. The last must be HAP_REST. HAP_EINPUT: too many names, an invalid name, or
 * a name that occurs twice. */
int hap_positions_add(struct hap_positions *positions, const char *name, struct hap_error *err);
/* The index of a name, or -1. */
int hap_positions_find(const struct hap_positions *positions, const char *name, size_t length);

/* "has positions A, B, rest, with answers at B", or "distinguishes no positions". */
#define HAP_POSITIONS_TEXT (2 * HAP_MAX_POSITIONS * (HAP_POSITION_NAME + 1) + 64)
const char *hap_positions_text(const struct hap_positions *positions, char *text);
/* ", which " and the same text, for messages on a name that is not in the graph; "" when
 * neither the graph nor the name has positions. */
const char *hap_positions_hint(const struct hap_positions *positions, const char *name, size_t length,
                            char *text);
bool hap_positions_equal(const struct hap_positions *a, const struct hap_positions *b);

#endif
