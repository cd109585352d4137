/* Fuzz targets: one row for each reader of bytes that may come from anybody. A target reads the
 * bytes as its programs would, uses what it has read, and aborts if something is wrong that no
 * sanitizer detects: a reader that fails without a message, or a property that does not hold.
 *
 * The same rows are run by libFuzzer (libfuzzer.c, with clang), by a driver that needs only a C
 * compiler and gives the same inputs everywhere (drive.c), and by `make check` (tests/unit/fuzz.c). */
#ifndef HAP_FUZZ_TARGET_H
#define HAP_FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"

struct fuzz_target {
        const char *name;
        const char *help;  /* what the bytes are */
        const char *seeds; /* the folder in tests/fuzz/corpus; NULL: that of the target's name */
        /* Reads the bytes: whether they were accepted. */
        bool (*accepts)(const uint8_t *data, size_t n);
        /* Makes the checksums in changed bytes right again; NULL: there are none. */
        void (*seal)(uint8_t *data, size_t n);
};

extern const struct fuzz_target fuzz_targets[]; /* ended by a row without a name */

/* The row of that name, or NULL. */
const struct fuzz_target *fuzz_find(const char *name);

/* --- the functions of the rows, by file --- */

/* models.c */
bool fuzz_gguf(const uint8_t *data, size_t n);
bool fuzz_gguf_values(const uint8_t *data, size_t n);
bool fuzz_safetensors(const uint8_t *data, size_t n);
bool fuzz_index(const uint8_t *data, size_t n);
bool fuzz_config(const uint8_t *data, size_t n);
bool fuzz_zip(const uint8_t *data, size_t n);
/* tokenizers.c */
bool fuzz_tokenizer(const uint8_t *data, size_t n);
bool fuzz_tokenizer_files(const uint8_t *data, size_t n);
void fuzz_tokenizers_release(void); /* what fuzz_tokenizer has loaded */
/* streams.c */
bool fuzz_stream(const uint8_t *data, size_t n);
void fuzz_seal_stream(uint8_t *data, size_t n);
/* sections.c */
bool fuzz_show(const uint8_t *data, size_t n);
bool fuzz_export(const uint8_t *data, size_t n);
bool fuzz_merge(const uint8_t *data, size_t n);
bool fuzz_inputs(const uint8_t *data, size_t n);
/* exchange.c */
bool fuzz_mib(const uint8_t *data, size_t n);
bool fuzz_edge_pruning(const uint8_t *data, size_t n);
bool fuzz_acdc(const uint8_t *data, size_t n);
bool fuzz_auto_circuit(const uint8_t *data, size_t n);
/* prompts.c */
bool fuzz_prompts(const uint8_t *data, size_t n);
/* settings.c */
bool fuzz_checkpoint(const uint8_t *data, size_t n);
void fuzz_seal_checkpoint(uint8_t *data, size_t n);
bool fuzz_log(const uint8_t *data, size_t n);
bool fuzz_classes(const uint8_t *data, size_t n);
bool fuzz_options(const uint8_t *data, size_t n);

/* --- what they share (shared.c) --- */

/* Aborts with the condition's text unless it holds. */
#define MUST(so) fuzz_must((so), #so, __FILE__, __LINE__)
void fuzz_must(bool so, const char *what, const char *file, int line);

/* Whether rc is a success. A failure must have a message and be the input's fault: a reader that
 * runs out of memory has believed a length that the bytes contain. */
bool fuzz_done(long long rc, const struct hap_error *err);

/* Writes the bytes to FOLDER/NAME in a temporary folder and returns the file's path, which lives
 * until the next call for FOLDER. The folders are removed when the process exits. */
const char *fuzz_file(const char *folder, const char *name, const uint8_t *data, size_t n);
/* The path of FOLDER. */
const char *fuzz_folder(const char *folder);
/* Opened for writing; what is written goes nowhere. */
FILE *fuzz_sink(void);

/* A model of one layer and 13 edges as a folder. */
const char *fuzz_model(void);

/* Splits a seed of safetensors: two bytes of the config's length, the config, the weights. False:
 * there are fewer than two bytes. */
bool fuzz_split(const uint8_t *data, size_t n, const uint8_t **weights, size_t *config_length,
                size_t *weights_length);

/* A stream that is written to memory, by way of standard output. */
struct hap_stream_out;
struct hap_stream_out *fuzz_output(void);
/* Ends it after a function that wrote to it returned rc. The bytes, *n, to be freed by the caller;
 * NULL after a failure. */
uint8_t *fuzz_output_end(struct hap_stream_out *out, long long rc, size_t *n);

#endif
