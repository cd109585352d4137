/* All targets for libFuzzer: the program runs that whose name it has.
 *
 *      make FUZZ=1 fuzzers
 *      build-fuzz/fuzz/mib found tests/fuzz/corpus/mib
 */
#include <stdlib.h>
#include <string.h>

#include "mutate.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t capacity, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t capacity);

static const struct fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        const char *slash = strrchr((*argv)[0], '/');

        (void)argc;
        target = fuzz_find(slash ? slash + 1 : (*argv)[0]);
        if (target)
                return 0;
        fprintf(stderr, "'%s' is not the name of a target\n", (*argv)[0]);
        exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        target->accepts(data, n);
        return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t capacity, unsigned seed)
{
        n = seed % 2 ? LLVMFuzzerMutate(data, n, capacity)
                     : fuzz_mutate(data, n, capacity, NULL, (struct hap_random_key){seed, 1}, 0);
        if (target->seal)
                target->seal(data, n);
        return n;
}
