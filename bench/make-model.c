/* Writes a GPT-2 folder (config.json, model.safetensors) with random weights, to measure speed at
 * a real model's shape without its weights.
 *
 *      make-model DIR LAYERS HEADS D_MODEL VOCABULARY CONTEXT
 *
 * Weights are N(0, .02), gains 1, biases 0, as GPT-2 starts its training. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/random.h"

struct tensor {
        char name[64];
        size_t shape[2];
        int dims;
        float constant; /* used when dims is 1 */
};

struct shape {
        size_t layers, heads, d, vocabulary, context;
};

static struct tensor tensors[4096];
static size_t n_tensors;

static void add(const char *name, long layer, size_t a, size_t b, float constant)
{
        struct tensor *t = &tensors[n_tensors++];

        if (layer < 0)
                snprintf(t->name, sizeof(t->name), "%s", name);
        else
                snprintf(t->name, sizeof(t->name), "h.%ld.%s", layer, name);
        t->shape[0] = a;
        t->shape[1] = b;
        t->dims = b == 0 ? 1 : 2;
        t->constant = constant;
}

static void list(const struct shape *s)
{
        const size_t d = s->d;

        add("wte.weight", -1, s->vocabulary, d, 0);
        add("wpe.weight", -1, s->context, d, 0);
        for (long l = 0; l < (long)s->layers; l++) {
                add("ln_1.weight", l, d, 0, 1);
                add("ln_1.bias", l, d, 0, 0);
                add("attn.c_attn.weight", l, d, 3 * d, 0);
                add("attn.c_attn.bias", l, 3 * d, 0, 0);
                add("attn.c_proj.weight", l, d, d, 0);
                add("attn.c_proj.bias", l, d, 0, 0);
                add("ln_2.weight", l, d, 0, 1);
                add("ln_2.bias", l, d, 0, 0);
                add("mlp.c_fc.weight", l, d, 4 * d, 0);
                add("mlp.c_fc.bias", l, 4 * d, 0, 0);
                add("mlp.c_proj.weight", l, 4 * d, d, 0);
                add("mlp.c_proj.bias", l, d, 0, 0);
        }
        add("ln_f.weight", -1, d, 0, 1);
        add("ln_f.bias", -1, d, 0, 0);
}

static size_t elements(const struct tensor *t)
{
        return t->dims == 1 ? t->shape[0] : t->shape[0] * t->shape[1];
}

static void write_header(FILE *file)
{
        char *text = NULL;
        size_t length = 0, offset = 0;
        uint64_t size;
        FILE *out = open_memstream(&text, &length);

        fputc('{', out);
        for (size_t i = 0; i < n_tensors; i++) {
                const size_t bytes = elements(&tensors[i]) * sizeof(float);

                fprintf(out, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%zu", i ? "," : "",
                        tensors[i].name, tensors[i].shape[0]);
                if (tensors[i].dims == 2)
                        fprintf(out, ",%zu", tensors[i].shape[1]);
                fprintf(out, "],\"data_offsets\":[%zu,%zu]}", offset, offset + bytes);
                offset += bytes;
        }
        fputc('}', out);
        fclose(out);
        size = length;
        fwrite(&size, sizeof(size), 1, file);
        fwrite(text, 1, length, file);
        free(text);
}

static void write_tensor(FILE *file, size_t at)
{
        static float piece[4096];
        const size_t n = elements(&tensors[at]);

        for (size_t from = 0; from < n; from += 4096) {
                const size_t count = n - from < 4096 ? n - from : 4096;

                for (size_t i = 0; i < count; i++) {
                        const struct hap_random_key key = {1, at};
                        /* A sum of four uniforms: near enough to normal here. */
                        const uint64_t w = hap_random_word(key, (from + i) >> 32, from + i);
                        const double u = (double)((w & 0xffff) + (w >> 16 & 0xffff) +
                                                  (w >> 32 & 0xffff) + (w >> 48)) / 65536 - 2;

                        piece[i] = tensors[at].dims == 1 ? tensors[at].constant
                                                         : (float)(0.02 * u * 1.732);
                }
                fwrite(piece, sizeof(float), count, file);
        }
}

static FILE *create(const char *folder, const char *name)
{
        char path[4096];
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        file = fopen(path, "wb");
        if (file == NULL) {
                fprintf(stderr, "make-model: cannot write '%s': %s\n", path, strerror(errno));
                exit(1);
        }
        return file;
}

int main(int argc, char **argv)
{
        struct shape s;
        FILE *file;

        if (argc != 7) {
                fprintf(stderr, "usage: make-model DIR LAYERS HEADS D_MODEL VOCABULARY CONTEXT\n");
                return 2;
        }
        s = (struct shape){strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10),
                           strtoul(argv[4], NULL, 10), strtoul(argv[5], NULL, 10),
                           strtoul(argv[6], NULL, 10)};
        mkdir(argv[1], 0777);
        file = create(argv[1], "config.json");
        fprintf(file, "{\"model_type\": \"gpt2\", \"n_layer\": %zu, \"n_head\": %zu, "
                "\"n_embd\": %zu, \"vocab_size\": %zu, \"n_positions\": %zu, "
                "\"activation_function\": \"gelu_new\", \"layer_norm_epsilon\": 1e-05}\n",
                s.layers, s.heads, s.d, s.vocabulary, s.context);
        fclose(file);
        list(&s);
        file = create(argv[1], "model.safetensors");
        write_header(file);
        for (size_t i = 0; i < n_tensors; i++)
                write_tensor(file, i);
        if (fclose(file) != 0) {
                fprintf(stderr, "make-model: cannot write '%s': %s\n", argv[1], strerror(errno));
                return 1;
        }
        return 0;
}
