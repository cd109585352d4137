/* Answers in the order in which the tree of their beginnings is built. */
#ifndef HAP_TASK_ANSWER_TREE_H
#define HAP_TASK_ANSWER_TREE_H

#include <stddef.h>

#include "task/example.h"

/* How many first tokens two answers share. */
int hap_shared_tokens(const struct hap_answer *a, const struct hap_answer *b);

/* The answers sorted by their tokens; the beginning of an answer goes before it. The list belongs
 * to the caller. NULL: memory is short. */
struct hap_answer **hap_sort_answers(const struct hap_answer *whole, size_t n);

#endif
