/* Any bytes as a GGUF file: loading them gives a model whose weights can all be read, or an
 * error, but never a crash.
 *
 *      make FUZZ=1 fuzz
 *      OMP_NUM_THREADS=1 build-fuzz/fuzz/gguf tests/fuzz/corpus/gguf
 *
 * tests/unit/fuzz_gguf.c replays the corpus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/model.h"
#include "tokenizer/tokenizer.h"
#include "model/description.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int models_loaded; /* so far: for the test that replays */

/* Reads the last weight of the last layer, so that a size larger than the allocation is detected.
 */
static void look_at(const struct hap_model *model)
{
        const struct hap_config *c = &model->config;
        const struct hap_layer *last = &model->layers[c->n_layers - 1];
        size_t n = (size_t)c->d_model * (size_t)c->d_mlp;
        volatile float sink = last->out.weight.data[n - 1] +
                              model->unembedding.data[(size_t)c->n_out * (size_t)c->d_model - 1];

        (void)sink;
        json_decref(hap_model_describe(model));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct hap_tokenizer *tokenizer;
        struct hap_model model;
        struct hap_error err;
        char path[64];
        int fd = memfd_create("fuzz", MFD_CLOEXEC);

        if (fd < 0 || write(fd, data, n) != (ssize_t)n)
                abort();
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (hap_model_load(&model, path, &err) == 0) {
                look_at(&model);
                models_loaded++;
                hap_model_release(&model);
        }
        if (hap_model_load_config(&model, path, &err) == 0)
                hap_model_release(&model);
        if (hap_tokenizer_load(&tokenizer, path, &err) == 0)
                hap_tokenizer_free(tokenizer);
        close(fd);
        return 0;
}
