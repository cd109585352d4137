#include "task/prompt_ids.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

uint32_t hap_prompt_ids_hash(const char *id)
{
        return (uint32_t)XXH3_64bits(id, strlen(id));
}

bool hap_prompt_ids_find(const struct hap_prompt_ids *ids, uint32_t hash, size_t *at,
                         size_t *prompt)
{
        while (ids->capacity) {
                const struct hap_prompt_slot *slot =
                        ids->slots + ((hash + (*at)++) & (ids->capacity - 1));

                if (!slot->prompt)
                        return false;
                *prompt = slot->prompt - 1;
                if (slot->hash == hash)
                        return true;
        }
        return false;
}

static void place(struct hap_prompt_ids *ids, struct hap_prompt_slot slot)
{
        size_t at = slot.hash;

        while (ids->slots[at & (ids->capacity - 1)].prompt)
                at++;
        ids->slots[at & (ids->capacity - 1)] = slot;
}

/* At most three quarters of the slots are taken. */
static int grow(struct hap_prompt_ids *ids, struct hap_error *err)
{
        struct hap_prompt_ids larger = {.capacity = ids->capacity ? 2 * ids->capacity : 256,
                                        .n = ids->n};

        if (4 * (ids->n + 1) <= 3 * ids->capacity)
                return HAP_OK;
        larger.slots = calloc(larger.capacity, sizeof *larger.slots);
        if (!larger.slots)
                return hap_fail_memory(err, "the prompts' ids");
        for (size_t i = 0; i < ids->capacity; i++)
                if (ids->slots[i].prompt)
                        place(&larger, ids->slots[i]);
        free(ids->slots);
        *ids = larger;
        return HAP_OK;
}

int hap_prompt_ids_add(struct hap_prompt_ids *ids, uint32_t hash, size_t prompt,
                       struct hap_error *err)
{
        if (grow(ids, err) < 0)
                return err->code;
        place(ids, (struct hap_prompt_slot){hash, (uint32_t)prompt + 1});
        ids->n++;
        return HAP_OK;
}

void hap_prompt_ids_release(struct hap_prompt_ids *ids)
{
        free(ids->slots);
        *ids = (struct hap_prompt_ids){0};
}
