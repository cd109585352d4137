#include "tokenizer/description.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <xxhash.h>

#include "common/memory.h"

json_t *hap_tokenizer_describe(const struct hap_tokenizer *tokenizer)
{
        size_t n = hap_tokenizer_size(tokenizer);
        XXH3_state_t *state = XXH3_createState();
        char fingerprint[17];

        if (!state || XXH3_64bits_reset(state) == XXH_ERROR) {
                hap_memory_short();
                XXH3_freeState(state);
                return NULL;
        }
        for (size_t id = 0; id < n; id++) {
                size_t length = 0;
                const char *text = hap_tokenizer_text(tokenizer, (int32_t)id, &length);
                uint64_t size = text ? length : UINT64_MAX;

                XXH3_64bits_update(state, &size, sizeof size);
                if (text)
                        XXH3_64bits_update(state, text, length);
        }
        snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64,
                 (uint64_t)XXH3_64bits_digest(state));
        XXH3_freeState(state);
        return json_pack("{s:I, s:s}", "tokens", (json_int_t)n, "fingerprint", fingerprint);
}
