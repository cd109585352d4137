/* The named positions of a task record. */
#ifndef HAP_TASK_EXAMPLE_POSITIONS_H
#define HAP_TASK_EXAMPLE_POSITIONS_H

#include "task/example.h"

/* Reads "positions", an object of names: each the index of a token of clean; or a piece of its
 * text, "Mary", that occurs once, or [piece, N] for occurrence N, counted from 1. A piece must lie
 * within one token. Sets the example's n_named, named, named_at, from the arena; its clean tokens
 * are already set. With `texts_stay` (no tokenizer) pieces are only checked to occur, and their
 * positions are -1. Errors name `where`. */
int hap_example_read_positions(const json_t *record, const struct hap_tokenizer *tokenizer,
                               bool texts_stay, const char *where, struct hap_arena *arena,
                               struct hap_example *example, struct hap_error *err);

#endif
