#include "../fuzz/safetensors.c"

#define CORPUS "tests/fuzz/corpus/safetensors"
#define CUT_SPARES 0
#include "fuzz_models.h"

TEST("a truncated folder of config and safetensors is refused")
{
        models_loaded = 0;
        CHECK(with_corpus(cut) >= 4);
        CHECK(models_loaded == 0);
}

TEST("a folder of config and safetensors with bytes changed ends in a model or in an error")
{
        CHECK(with_corpus(change) >= 4);
}

RUN_TESTS
