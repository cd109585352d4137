/* Seeds of a fuzz target, and inputs that are made from them: the same ones everywhere. */
#ifndef HAP_FUZZ_MUTATE_H
#define HAP_FUZZ_MUTATE_H

#include "common/random.h"
#include "target.h"

enum { FUZZ_MAX_BYTES = 65536 };

struct fuzz_seed {
        char *name;
        uint8_t *data;
        size_t n;
};

struct fuzz_corpus {
        struct fuzz_seed *seeds; /* [n], by name */
        size_t n;
};

/* Reads the target's seeds from below the current folder, tests/fuzz/corpus/…; aborts if there is
 * none. */
void fuzz_corpus_read(struct fuzz_corpus *corpus, const struct fuzz_target *target);
/* The same from tests/fuzz/KIND/NAME. */
void fuzz_corpus_read_from(struct fuzz_corpus *corpus, const char *kind, const char *name);
void fuzz_corpus_release(struct fuzz_corpus *corpus);

/* Changes the n bytes, of capacity bytes, up to 8 times: bytes, numbers, spans, words, and brackets with
 * what is between them; from the corpus comes what is put in. corpus NULL: from the bytes themselves.
 * Number i of the key. Returns the number of bytes. */
size_t fuzz_mutate(uint8_t *data, size_t n, size_t capacity, const struct fuzz_corpus *corpus,
                   struct hap_random_key key, uint64_t i);

/* Input number i of the target, to be freed; the first ones are the seeds themselves. Its memory
 * has exactly the size of its bytes, so that a sanitizer detects a read past the end. */
uint8_t *fuzz_input(const struct fuzz_target *target, const struct fuzz_corpus *corpus,
                    uint64_t seed, uint64_t i, size_t *n);

#endif
