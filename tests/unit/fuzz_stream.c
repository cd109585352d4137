/* Replays the fuzz target's corpus. The target must not crash, and it also checks that records
 * converted to JSON and back have the same bytes. */
#include "../fuzz/stream.c"
#include "replay.h"
#include "unit.h"

TEST("every file of the corpus, whole or damaged, ends in records or an error")
{
        CHECK(replay_corpus("tests/fuzz/corpus/stream", 300) >= 20);
}

RUN_TESTS
