/* The ids of prompts, to find one that occurs twice, in 16 bytes a prompt at most: a table of
 * hashes. Whether two ids of the same hash are the same, the caller finds out. */
#ifndef HAP_TASK_PROMPT_IDS_H
#define HAP_TASK_PROMPT_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct hap_prompt_ids {
        struct hap_prompt_slot {
                uint32_t hash;
                uint32_t prompt; /* its index + 1; 0: the slot is free */
        } *slots;                /* [capacity], a power of two */
        size_t capacity, n;
};

uint32_t hap_prompt_ids_hash(const char *id);
/* Prompts whose ids have this hash, one after another: true, with its index in *prompt. *at is 0
 * before the first call. */
bool hap_prompt_ids_find(const struct hap_prompt_ids *ids, uint32_t hash, size_t *at,
                         size_t *prompt);
int hap_prompt_ids_add(struct hap_prompt_ids *ids, uint32_t hash, size_t prompt,
                       struct hap_error *err);
void hap_prompt_ids_release(struct hap_prompt_ids *ids);

#endif
