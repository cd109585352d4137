#include "../fuzz/gguf.c"

#define CORPUS "tests/fuzz/corpus/gguf"
/* The last tensor may be padded. */
#define CUT_SPARES 32
#include "fuzz_models.h"

TEST("a truncated GGUF file is refused")
{
        models_loaded = 0;
        CHECK(with_corpus(cut) >= 4);
        CHECK(models_loaded == 0);
}

TEST("a GGUF file with bytes changed ends in a model or in an error")
{
        CHECK(with_corpus(change) >= 4);
}

RUN_TESTS
