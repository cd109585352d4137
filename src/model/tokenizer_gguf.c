/* The tokenizer that the metadata of a GGUF file describes. */
#include "model/tokenizer_impl.h"

int hap_tokenizer_read_gguf(struct hap_tokenizer *t, const char *path,
                            struct hap_error *err)
{
        (void)t;
        return hap_fail(err, HAP_EINPUT, "'%s': GGUF metadata is not supported", path);
}
