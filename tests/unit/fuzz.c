/* The fuzz targets of tests/fuzz: their seeds, and inputs that are made from these, are accepted or
 * refused. The sanitizers make this a strict test; the targets check more. */
#include <stdlib.h>

#include "../fuzz/mutate.h"
#include "unit.h"

static int tried; /* targets so far */

/* So many inputs, of which the first are the seeds. */
static void try_target(const char *name, size_t seeds, uint64_t inputs)
{
        const struct fuzz_target *target = fuzz_find(name);
        struct fuzz_corpus corpus;
        uint64_t accepted = 0;

        tried++;
        CHECK(target != NULL);
        if (!target)
                return;
        fuzz_corpus_read(&corpus, target);
        CHECK(corpus.n >= seeds);
        for (uint64_t i = 0; i < inputs; i++) {
                size_t n;
                uint8_t *input = fuzz_input(target, &corpus, 1, i, &n);

                accepted += target->accepts(input, n);
                free(input);
        }
        CHECK(accepted > 0);
        fuzz_corpus_release(&corpus);
}

/* What libFuzzer found to reach other branches than the seeds do. */
static void try_grown(const char *name)
{
        const struct fuzz_target *target = fuzz_find(name);
        struct fuzz_corpus grown;

        CHECK(target != NULL);
        if (!target)
                return;
        fuzz_corpus_read_from(&grown, "grown", name);
        for (size_t i = 0; i < grown.n; i++)
                target->accepts(grown.seeds[i].data, grown.seeds[i].n);
        fuzz_corpus_release(&grown);
}

#define TARGET(name, seeds, inputs)                                                       \
        TEST(name ": seeds, and inputs made from them, are accepted or refused")          \
        {                                                                                 \
                try_target(name, seeds, inputs);                                          \
                try_grown(name);                                                          \
        }

TARGET("stream", 20, 18000)
TARGET("show", 10, 300)
TARGET("export", 10, 500)
TARGET("merge", 10, 500)
TARGET("inputs", 10, 300)
TARGET("prompts", 6, 1000)
TARGET("mib", 2, 1000)
TARGET("edge_pruning", 1, 1000)
TARGET("acdc", 1, 1000)
TARGET("auto_circuit", 1, 1000)
TARGET("checkpoint", 1, 1000)
TARGET("log", 1, 1000)
TARGET("classes", 1, 1000)
TARGET("options", 5, 2000)
TARGET("gguf", 4, 1500)
TARGET("gguf_values", 1, 2000)
TARGET("safetensors", 4, 2000)
TARGET("index", 1, 1000)
TARGET("config", 20, 2000)
TARGET("zip", 1, 1000)
TARGET("tokenizer", 16, 5000)
TARGET("tokenizer_files", 8, 1600)

TEST("every target is tried")
{
        int targets = 0;

        while (fuzz_targets[targets].name)
                targets++;
        CHECK(tried == targets);
        fuzz_tokenizers_release();
}

/* Calls the target with each seed, whole or cut after every step of bytes but the last `spare`, and
 * returns how many were accepted; *n: how many there were. */
static size_t accepted_of(const char *name, bool cut, size_t spare, size_t *n)
{
        const struct fuzz_target *target = fuzz_find(name);
        struct fuzz_corpus corpus;
        size_t accepted = 0;

        fuzz_corpus_read(&corpus, target);
        *n = corpus.n;
        for (size_t s = 0; s < corpus.n; s++) {
                const struct fuzz_seed *seed = corpus.seeds + s;

                for (size_t i = 0; cut && i + spare < seed->n; i += 1 + seed->n / 300)
                        accepted += target->accepts(seed->data, i);
                if (!cut)
                        accepted += target->accepts(seed->data, seed->n);
        }
        fuzz_corpus_release(&corpus);
        return accepted;
}

TEST("every seed of a reader of models, settings and exchange files is accepted")
{
        static const char *const names[] = {
                "show", "prompts", "mib", "edge_pruning", "acdc", "auto_circuit", "checkpoint", "log",
                "classes", "options", "gguf", "gguf_values", "safetensors", "index", "config", "zip"};
        size_t n;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                const size_t accepted = accepted_of(names[i], false, 0, &n);

                if (accepted != n)
                        printf("# %s: %zu of %zu\n", names[i], accepted, n);
                CHECK(accepted == n);
        }
}

TEST("a truncated GGUF file is refused")
{
        size_t n;

        CHECK(accepted_of("gguf", true, 32, &n) == 0); /* the last tensor may be padded */
        CHECK(n >= 4);
}

TEST("a truncated folder of config and safetensors is refused")
{
        size_t n;

        CHECK(accepted_of("safetensors", true, 0, &n) == 0);
        CHECK(n >= 4);
}

RUN_TESTS
