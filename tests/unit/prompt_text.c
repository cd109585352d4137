/* The bytes of a file of prompts. */
#include <stdbool.h>
#include <unistd.h>

#include "task/prompt_text.h"
#include "unit.h"

enum { BYTES = 3 << 20 };

static char byte_at(size_t i)
{
        return (char)('a' + i % 23);
}

/* Writes a file of `n` bytes and opens it as prompts. */
static int open_file(const char *path, size_t n, struct hap_prompt_text *text)
{
        struct hap_error err;
        FILE *file = fopen(path, "w");

        for (size_t i = 0; i < n; i++)
                putc(byte_at(i), file);
        fclose(file);
        return hap_prompt_text_open(text, path, path, &err);
}

static bool has_bytes(const struct hap_prompt_text *text, size_t n)
{
        for (size_t i = 0; i < n && i < text->length; i++)
                if (text->at[i] != byte_at(i))
                        return false;
        return text->length == n;
}

static void name_file(char path[64])
{
        snprintf(path, 64, "%s/hap-prompts-%ld", P_tmpdir, (long)getpid());
}

TEST("a file of prompts that is emptied while it is in use keeps its bytes")
{
        static const size_t sizes[] = {1000, (size_t)1 << 20, BYTES};
        struct hap_prompt_text text;
        char path[64];

        name_file(path);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                CHECK(open_file(path, sizes[i], &text) == 0);
                CHECK(truncate(path, 0) == 0);
                CHECK(has_bytes(&text, sizes[i]));
                hap_prompt_text_touch(&text, sizes[i]); /* lets pages go */
                CHECK(has_bytes(&text, sizes[i]));
                hap_prompt_text_close(&text);
        }
        unlink(path);
}

RUN_TESTS
