/* Places: positions of prompts that a graph tells apart. */
#ifndef HAP_GRAPH_POSITIONS_H
#define HAP_GRAPH_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* Names of positions, and last `rest`, every position without a name. */
#define HAP_MAX_POSITIONS 32
#define HAP_POSITION_NAME 24 /* bytes of a name, with the NUL */
struct hap_positions {
        int n; /* 0: positions are not told apart; else 2 and more */
        char name[HAP_MAX_POSITIONS][HAP_POSITION_NAME];
        bool answers[HAP_MAX_POSITIONS]; /* the logits are read here */
};

#define HAP_REST "rest"
/* HAP_EINPUT: no position may have that name, which is empty, too long, HAP_REST, or holds
 * what names of edges, lists and drawings cannot. */
int hap_positions_check(const char *name, struct hap_error *err);
/* Adds a place; the last added is to be HAP_REST. HAP_EINPUT: too many, another name that
 * hap_positions_check refuses, or one that is there. */
int hap_positions_add(struct hap_positions *places, const char *name, struct hap_error *err);
/* Its number, or -1. */
int hap_positions_find(const struct hap_positions *places, const char *name, size_t length);

/* "has positions A, B, rest, with answers at B", or "tells no positions apart". */
#define HAP_POSITIONS_TEXT (2 * HAP_MAX_POSITIONS * (HAP_POSITION_NAME + 1) + 64)
const char *hap_positions_text(const struct hap_positions *places, char *text);
/* The same behind ", which ", for a name that is none of the graph's; "" where neither
 * has to do with positions. */
const char *hap_positions_hint(const struct hap_positions *places, const char *name, size_t length,
                            char *text);
bool hap_positions_equal(const struct hap_positions *a, const struct hap_positions *b);

#endif
