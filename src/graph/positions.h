/* Places: positions of prompts that a graph tells apart. */
#ifndef HAP_GRAPH_POSITIONS_H
#define HAP_GRAPH_POSITIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* Names of positions, and last `rest`, every position without a name. */
#define HAP_MAX_PLACES 32
#define HAP_PLACE 24 /* bytes of a name, with the NUL */
struct hap_places {
        int n; /* 0: positions are not told apart; else 2 and more */
        char name[HAP_MAX_PLACES][HAP_PLACE];
        bool answers[HAP_MAX_PLACES]; /* the logits are read here */
};

#define HAP_REST "rest"
/* HAP_EINPUT: no position may have that name, which is empty, too long, HAP_REST, or holds
 * what names of edges, lists and drawings cannot. */
int hap_places_check(const char *name, struct hap_error *err);
/* Adds a place; the last added is to be HAP_REST. HAP_EINPUT: too many, another name that
 * hap_places_check refuses, or one that is there. */
int hap_places_add(struct hap_places *places, const char *name, struct hap_error *err);
/* Its number, or -1. */
int hap_places_find(const struct hap_places *places, const char *name, size_t length);

/* "has positions A, B, rest, with answers at B", or "tells no positions apart". */
#define HAP_PLACES_TEXT (2 * HAP_MAX_PLACES * (HAP_PLACE + 1) + 64)
const char *hap_places_text(const struct hap_places *places, char *text);
/* The same behind ", which ", for a name that is none of the graph's; "" where neither
 * has to do with positions. */
const char *hap_places_hint(const struct hap_places *places, const char *name, size_t length,
                            char *text);
bool hap_places_equal(const struct hap_places *a, const struct hap_places *b);

/* Adds "positions" and "answers" to a graph's description; negative: no memory. */
int hap_places_describe(const struct hap_places *places, json_t *description);
/* The places of a described graph, n = 0 where it has none. */
int hap_places_of_json(struct hap_places *places, const json_t *description,
                       struct hap_error *err);

#endif
