#include "unit.h"

#include "../fuzz/tokenizer.c"
#include "replay.h"

TEST("every text of the corpus becomes tokens, which give its bytes again")
{
        CHECK(replay_corpus("tests/fuzz/corpus/tokenizer", 0) >= 16);
}

TEST("so does every text with bytes cut off or changed")
{
        CHECK(replay_corpus("tests/fuzz/corpus/tokenizer", 300) >= 16);
        for (size_t i = 0; i < sizeof families / sizeof *families; i++)
                hap_tokenizer_free(families[i].t);
}

RUN_TESTS
