#include "task/prompt_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/file_map.h"
#include "common/temporary.h"

#define IN_MEMORY ((size_t)1 << 20)
#define FORGET_BYTES ((size_t)4 << 20)

static int fail_long(const char *name, struct hap_error *err)
{
        return hap_fail(err, HAP_EINPUT, "cannot read '%s': more than %zu bytes", name,
                        HAP_PROMPT_TEXT_MAX);
}

static int map_spool(struct hap_prompt_text *text, int fd, size_t size, struct hap_error *err)
{
        void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

        if (map == MAP_FAILED)
                return hap_fail(err, HAP_ESYSTEM, "cannot map a temporary file: %s", strerror(errno));
        text->bytes = map;
        text->mapped = text->length = size;
        return HAP_OK;
}

/* Fills `piece`, of IN_MEMORY bytes: the number of bytes, fewer only at the end. */
static ssize_t read_piece(int fd, char *piece)
{
        size_t n = 0;

        while (n < IN_MEMORY) {
                const ssize_t got = read(fd, piece + n, IN_MEMORY - n);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -1;
                if (got == 0)
                        break;
                n += (size_t)got;
        }
        return (ssize_t)n;
}

/* All pieces; *spool gets a temporary file if the first one is full. */
static int read_pieces(struct hap_prompt_text *text, int fd, char *piece, int *spool,
                       const char *name, struct hap_error *err)
{
        ssize_t n;
        int rc = HAP_OK;

        do {
                n = read_piece(fd, piece);
                if (n < 0)
                        return hap_fail(err, HAP_ESYSTEM, "cannot read '%s': %s", name,
                                        strerror(errno));
                text->length += (size_t)n;
                if (text->length > HAP_PROMPT_TEXT_MAX)
                        return fail_long(name, err);
                if (*spool < 0 && n == (ssize_t)IN_MEMORY)
                        rc = hap_temporary_open(spool, err);
                if (rc == 0 && *spool >= 0)
                        rc = hap_temporary_write(*spool, piece, (size_t)n, err);
        } while (rc == 0 && n == (ssize_t)IN_MEMORY);
        return rc;
}

/* Files are read, not mapped: a file that somebody truncates while it is mapped ends the program by
 * SIGBUS. The temporary file has no name, so that nobody else can change it. */
static int read_all(struct hap_prompt_text *text, int fd, const char *name, struct hap_error *err)
{
        char *piece = malloc(IN_MEMORY);
        int spool = -1;
        int rc = piece ? read_pieces(text, fd, piece, &spool, name, err)
                       : hap_fail_memory(err, "prompts");

        if (rc == 0 && spool >= 0) {
                rc = map_spool(text, spool, text->length, err);
        } else if (rc == 0) {
                text->bytes = piece;
                piece = NULL;
        }
        if (spool >= 0)
                close(spool);
        free(piece);
        return rc;
}

/* Streams may be compressed, prompts may not: their message would be about odd characters. */
static int refuse_compressed(const struct hap_prompt_text *text, const char *name,
                             struct hap_error *err)
{
        const bool compressed = text->length >= 2 && memcmp(text->at, "\x1F\x8B", 2) == 0;

        return !compressed ? HAP_OK
                           : hap_fail(err, HAP_EINPUT, "cannot read '%s': it is compressed by gzip; "
                                      "use gunzip -c FILE | hap-task --from -", name);
}

int hap_prompt_text_open(struct hap_prompt_text *text, const char *path, const char *name,
                         struct hap_error *err)
{
        static const char mark[] = "\xEF\xBB\xBF"; /* U+FEFF, which some editors write first */
        const bool standard = strcmp(path, "-") == 0;
        const int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
        int rc;

        *text = (struct hap_prompt_text){0};
        if (fd < 0)
                return hap_fail(err, HAP_ESYSTEM, "cannot open '%s': %s", path, strerror(errno));
        rc = read_all(text, fd, name, err);
        if (!standard)
                close(fd);
        text->at = text->bytes;
        if (rc == 0)
                rc = refuse_compressed(text, name, err);
        if (rc == 0 && text->length >= 3 && memcmp(text->at, mark, 3) == 0) {
                text->at += 3;
                text->length -= 3;
        }
        return rc;
}

void hap_prompt_text_close(struct hap_prompt_text *text)
{
        if (text->mapped)
                munmap(text->bytes, text->mapped);
        else
                free(text->bytes);
        *text = (struct hap_prompt_text){0};
}

void hap_prompt_text_touch(struct hap_prompt_text *text, size_t n)
{
        text->touched += n;
        if (!text->mapped || text->touched < FORGET_BYTES)
                return;
        hap_file_map_forget(text->bytes, text->mapped);
        text->touched = 0;
}
