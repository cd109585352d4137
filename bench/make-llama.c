/* Writes a GGUF file of Llama 3's family with random weights, stored as Q8_0, to measure speed and
 * memory at a large model's shape without its weights. It has no tokenizer.
 *
 *      make-llama FILE LAYERS HEADS KV_HEADS D_MODEL D_MLP VOCABULARY
 *
 * Llama 3 8B: 32 32 8 4096 14336 128256, 8.5 GB. Values are uniform, with the variance .02² of a
 * model before its training; gains are 1. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 32       /* values of a Q8_0 block: an f16 scale and 32 signed bytes */
#define BLOCK_BYTES 34
#define SCALE 0x0911   /* 2.7e-4 ≈ .02 · √3 / 127 in f16 */
#define ALIGN 32
#define TYPE_F32 0
#define TYPE_Q8_0 8

struct shape {
        uint64_t layers, heads, kv_heads, d, d_mlp, vocabulary;
};

struct tensor {
        char name[64];
        uint64_t rows, columns; /* rows 0: a vector of ones, in F32 */
};

static struct tensor tensors[8192];
static size_t n_tensors;

static void add(const char *name, long layer, uint64_t rows, uint64_t columns)
{
        struct tensor *t = &tensors[n_tensors++];

        if (layer < 0)
                snprintf(t->name, sizeof(t->name), "%s.weight", name);
        else
                snprintf(t->name, sizeof(t->name), "blk.%ld.%s.weight", layer, name);
        t->rows = rows;
        t->columns = columns;
}

static void list(const struct shape *s)
{
        const uint64_t kv = s->d / s->heads * s->kv_heads;

        add("token_embd", -1, s->vocabulary, s->d);
        for (long l = 0; l < (long)s->layers; l++) {
                add("attn_norm", l, 0, s->d);
                add("attn_q", l, s->d, s->d);
                add("attn_k", l, kv, s->d);
                add("attn_v", l, kv, s->d);
                add("attn_output", l, s->d, s->d);
                add("ffn_norm", l, 0, s->d);
                add("ffn_gate", l, s->d_mlp, s->d);
                add("ffn_up", l, s->d_mlp, s->d);
                add("ffn_down", l, s->d, s->d_mlp);
        }
        add("output_norm", -1, 0, s->d);
        add("output", -1, s->vocabulary, s->d);
}

static uint64_t tensor_bytes(const struct tensor *t)
{
        return t->rows ? t->rows * t->columns / BLOCK * BLOCK_BYTES : t->columns * sizeof(float);
}

static void put(FILE *file, const void *data, size_t bytes)
{
        if (fwrite(data, 1, bytes, file) == bytes)
                return;
        fprintf(stderr, "make-llama: cannot write: %s\n", strerror(errno));
        exit(1);
}

static void put_u32(FILE *file, uint32_t value)
{
        put(file, &value, sizeof(value));
}

static void put_u64(FILE *file, uint64_t value)
{
        put(file, &value, sizeof(value));
}

static void put_text(FILE *file, const char *text)
{
        put_u64(file, strlen(text));
        put(file, text, strlen(text));
}

static void put_setting(FILE *file, const char *key, uint64_t value)
{
        put_text(file, key);
        put_u32(file, 4); /* u32 */
        put_u32(file, (uint32_t)value);
}

static void put_real(FILE *file, const char *key, float value)
{
        put_text(file, key);
        put_u32(file, 6); /* f32 */
        put(file, &value, sizeof(value));
}

static void put_padding(FILE *file)
{
        while (ftell(file) % ALIGN)
                put(file, "", 1);
}

static void put_header(FILE *file, const struct shape *s)
{
        uint64_t offset = 0;

        put(file, "GGUF", 4);
        put_u32(file, 3);
        put_u64(file, n_tensors);
        put_u64(file, 9);
        put_text(file, "general.architecture");
        put_u32(file, 8); /* text */
        put_text(file, "llama");
        put_setting(file, "llama.block_count", s->layers);
        put_setting(file, "llama.attention.head_count", s->heads);
        put_setting(file, "llama.attention.head_count_kv", s->kv_heads);
        put_setting(file, "llama.embedding_length", s->d);
        put_setting(file, "llama.feed_forward_length", s->d_mlp);
        put_setting(file, "llama.context_length", 8192);
        put_real(file, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
        put_real(file, "llama.rope.freq_base", 500000);
        for (size_t i = 0; i < n_tensors; i++) {
                const struct tensor *t = &tensors[i];

                put_text(file, t->name);
                put_u32(file, t->rows ? 2 : 1);
                put_u64(file, t->columns); /* the fastest dimension first */
                if (t->rows)
                        put_u64(file, t->rows);
                put_u32(file, t->rows ? TYPE_Q8_0 : TYPE_F32);
                put_u64(file, offset);
                offset += (tensor_bytes(t) + ALIGN - 1) / ALIGN * ALIGN;
        }
        put_padding(file);
}

/* The next word of SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t next_word(uint64_t *state)
{
        uint64_t z = *state += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

/* n blocks; each word of random bits is eight values. */
static void fill_blocks(uint64_t *state, uint64_t n, unsigned char *out)
{
        const uint16_t scale = SCALE;

        for (uint64_t b = 0; b < n; b++) {
                memcpy(out + b * BLOCK_BYTES, &scale, sizeof(scale));
                for (int i = 0; i < 4; i++) {
                        const uint64_t word = next_word(state);

                        memcpy(out + b * BLOCK_BYTES + 2 + 8 * i, &word, sizeof(word));
                }
        }
}

static void put_tensor(FILE *file, size_t i)
{
        const struct tensor *t = &tensors[i];
        const uint64_t blocks = t->columns / BLOCK, bytes = blocks * BLOCK_BYTES;
        const float one = 1;
        unsigned char *row = malloc(bytes + 1);
        uint64_t state = i << 32;

        if (!row)
                exit(1);
        for (uint64_t c = 0; t->rows == 0 && c < t->columns; c++)
                put(file, &one, sizeof(one));
        for (uint64_t r = 0; r < t->rows; r++) {
                fill_blocks(&state, blocks, row);
                put(file, row, bytes);
        }
        free(row);
        put_padding(file);
}

int main(int argc, char **argv)
{
        struct shape s;
        uint64_t n[6];
        FILE *file;

        if (argc != 8) {
                fprintf(stderr, "usage: make-llama FILE LAYERS HEADS KV_HEADS D_MODEL D_MLP "
                        "VOCABULARY\n");
                return 2;
        }
        for (int i = 0; i < 6; i++)
                n[i] = strtoul(argv[i + 2], NULL, 10);
        s = (struct shape){n[0], n[1], n[2], n[3], n[4], n[5]};
        if (s.layers == 0 || s.layers > 512 || s.heads == 0 || s.d % BLOCK || s.d_mlp % BLOCK) {
                fprintf(stderr, "make-llama: widths must be multiples of %d\n", BLOCK);
                return 2;
        }
        file = fopen(argv[1], "wb");
        if (!file) {
                fprintf(stderr, "make-llama: cannot write '%s': %s\n", argv[1], strerror(errno));
                return 1;
        }
        list(&s);
        put_header(file, &s);
        for (size_t i = 0; i < n_tensors; i++)
                put_tensor(file, i);
        if (fclose(file) == 0)
                return 0;
        fprintf(stderr, "make-llama: cannot write '%s': %s\n", argv[1], strerror(errno));
        return 1;
}
