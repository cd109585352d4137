/* `make analyse` includes this before every file of src/ but common/error.c and forward/scratch.c.
 * gcc and clang read one file at a time: here they learn which code a failure returns, so that they
 * do not follow a failure as if it were a success. */
#include "common/error.h"
#include "forward/scratch.h"

#define hap_fail(err, code, ...) ((hap_fail)(err, code, __VA_ARGS__), (code))
#define hap_fail_memory(err, what) ((hap_fail_memory)(err, what), HAP_ESYSTEM)
#define hap_fail_within(err, ...) ((hap_fail_within)(err, __VA_ARGS__), HAP_EINPUT)

/* Without memory the code is negative, and it stays so. */
static inline void *hap_analysed_alloc(struct hap_scratch *scratch, size_t count, size_t size)
{
        const int before = scratch->error.code;
        void *block = hap_scratch_alloc(scratch, count, size);

        if ((!block || before < 0) && scratch->error.code >= 0)
                __builtin_unreachable();
        return block;
}
#define hap_scratch_alloc(scratch, count, size) hap_analysed_alloc(scratch, count, size)
