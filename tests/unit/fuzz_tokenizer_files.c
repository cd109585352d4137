#include "unit.h"

#include "../fuzz/tokenizer_files.c"
#include "replay.h"

TEST("every tokenizer file of the corpus loads or is refused")
{
        CHECK(replay_corpus("tests/fuzz/corpus/tokenizer_files", 0) >= 8);
}

TEST("so does every one with bytes cut off or changed")
{
        CHECK(replay_corpus("tests/fuzz/corpus/tokenizer_files", 200) >= 8);
}

RUN_TESTS
