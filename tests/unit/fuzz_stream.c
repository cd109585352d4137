/* Replays the fuzz target's corpus. Besides no crash, the target itself asks
 * that what was read goes to JSON and back to the byte. */
#include "../fuzz/stream.c"
#include "replay.h"
#include "unit.h"

TEST("every file of the corpus, whole or damaged, ends in records or an error")
{
        CHECK(replay_corpus("tests/fuzz/corpus/stream", 300) >= 20);
}

RUN_TESTS
