/* Whether memory ran out anywhere. Then nothing that a program has made is complete, and no
 * other error is the user's: it ends with "out of memory" and exit status 1. */
#ifndef HAP_COMMON_MEMORY_H
#define HAP_COMMON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the JSON library use an allocator that notes failures. Its functions report them in ways
 * that are easy to miss or to mistake: setting a key returns −1, a parser reports an error of
 * syntax. */
void hap_memory_watch_json(void);

/* Notes that an allocation failed, where a function cannot return an error. hap_fail_memory()
 * does so, too. */
void hap_memory_short(void);

bool hap_memory_was_short(void);

/* Half of this process's part of the machine's memory in bytes (hap_mpi_memory): what a program may use before it takes slower ways that
 * need less, if it was given no limit. */
size_t hap_memory_half_of_machine(void);

#endif
