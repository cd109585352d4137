#include "common/memory.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/mpi.h"

static atomic_bool was_short;

void hap_memory_short(void)
{
        atomic_store(&was_short, true);
}

bool hap_memory_was_short(void)
{
        return atomic_load(&was_short);
}

size_t hap_memory_half_of_machine(void)
{
        return hap_mpi_memory() / 2;
}

static void *allocate_for_json(size_t bytes)
{
        void *memory = malloc(bytes);

        if (!memory)
                hap_memory_short();
        return memory;
}

void hap_memory_watch_json(void)
{
        json_set_alloc_funcs(allocate_for_json, free);
}
