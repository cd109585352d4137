/* The bytes of a file of prompts. What exceeds a MiB is copied to a temporary file, which is
 * mapped: a file may be larger than memory. Nobody can change the copy. */
#ifndef HAP_TASK_PROMPT_TEXT_H
#define HAP_TASK_PROMPT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Also the largest offset and length: they fit 32 bits. */
#define HAP_PROMPT_TEXT_MAX ((size_t)UINT32_MAX)

struct hap_prompt_text {
        const char *at; /* without a byte order mark; there is no NUL at the end */
        size_t length;
        /* The rest is private. */
        void *bytes; /* owned, or mapped */
        size_t mapped;
        size_t touched;
};

/* Reads the file, or standard input for "-"; `name` is for messages. HAP_EINPUT: it exceeds
 * HAP_PROMPT_TEXT_MAX. */
int hap_prompt_text_open(struct hap_prompt_text *text, const char *path, const char *name,
                         struct hap_error *err);
void hap_prompt_text_close(struct hap_prompt_text *text);

/* Notes that `n` more bytes have been read. Now and then the pages of a mapped file are let go:
 * they come back when they are read again. */
void hap_prompt_text_touch(struct hap_prompt_text *text, size_t n);

#endif
