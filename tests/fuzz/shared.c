#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/stream_out.h"
#include "target.h"

enum { MAX_PATH = 256 };

void fuzz_must(bool so, const char *what, const char *file, int line)
{
        if (so)
                return;
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
        abort();
}

bool fuzz_done(long long rc, const struct hap_error *err)
{
        if (rc >= 0)
                return true;
        MUST(err->code == rc);
        MUST(*err->message != '\0' && memchr(err->message, '\0', sizeof err->message));
        if (err->code != HAP_EUSAGE && err->code != HAP_EINPUT) {
                fprintf(stderr, "not the input's fault: %s\n", err->message);
                abort();
        }
        return false;
}

const struct fuzz_target *fuzz_find(const char *name)
{
        for (const struct fuzz_target *t = fuzz_targets; t->name; t++)
                if (strcmp(t->name, name) == 0)
                        return t;
        return NULL;
}

/* --- files --- */

static char scratch[64];

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
        (void)st;
        (void)kind;
        (void)ftw;
        return remove(path);
}

static void remove_scratch(void)
{
        nftw(scratch, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_scratch(void)
{
        snprintf(scratch, sizeof scratch, "%s/hap-fuzz-??????", P_tmpdir);
        memset(strchr(scratch, '?'), 'X', 6); /* mkdtemp's marks */
        MUST(mkdtemp(scratch) != NULL);
        atexit(remove_scratch);
}

const char *fuzz_folder(const char *folder)
{
        static char path[MAX_PATH];

        if (!*scratch)
                make_scratch();
        snprintf(path, sizeof path, "%s/%s", scratch, folder);
        MUST(mkdir(path, 0700) == 0 || errno == EEXIST);
        return path;
}

const char *fuzz_file(const char *folder, const char *name, const uint8_t *data, size_t n)
{
        static char path[MAX_PATH + 64];
        FILE *file;

        snprintf(path, sizeof path, "%s/%s", fuzz_folder(folder), name);
        file = fopen(path, "wb");
        MUST(file && fwrite(data, 1, n, file) == n && fclose(file) == 0);
        return path;
}

FILE *fuzz_sink(void)
{
        static FILE *sink;

        if (!sink)
                sink = fopen("/dev/null", "w");
        MUST(sink != NULL);
        return sink;
}

/* --- the small model --- */

bool fuzz_split(const uint8_t *data, size_t n, const uint8_t **weights, size_t *config_length,
                size_t *weights_length)
{
        size_t config;

        if (n < 2)
                return false;
        config = (size_t)data[0] | (size_t)data[1] << 8;
        *config_length = config < n - 2 ? config : n - 2;
        *weights_length = n - 2 - *config_length;
        *weights = data + 2 + *config_length;
        return true;
}

const char *fuzz_model(void)
{
        static char path[MAX_PATH];
        uint8_t data[8192];
        const uint8_t *weights;
        size_t n, config, n_weights;
        FILE *file;

        if (*path)
                return path;
        file = fopen("tests/fuzz/corpus/safetensors/gpt2", "rb");
        MUST(file != NULL);
        n = fread(data, 1, sizeof data, file);
        fclose(file);
        MUST(fuzz_split(data, n, &weights, &config, &n_weights));
        fuzz_file("model", "config.json", data + 2, config);
        fuzz_file("model", "model.safetensors", weights, n_weights);
        snprintf(path, sizeof path, "%s", fuzz_folder("model"));
        return path;
}

/* --- a stream in memory --- */

static int memory = -1, standard = -1; /* while a stream is written: where standard output was */

struct hap_stream_out *fuzz_output(void)
{
        struct hap_stream_out *out;
        struct hap_error err;

        if (memory < 0)
                memory = memfd_create("fuzz", MFD_CLOEXEC);
        fflush(stdout);
        standard = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        MUST(memory >= 0 && standard >= 0 && ftruncate(memory, 0) == 0 &&
             lseek(memory, 0, SEEK_SET) == 0 && dup2(memory, STDOUT_FILENO) >= 0);
        MUST(hap_stream_out_open(&out, NULL, false, &err) == 0);
        return out;
}

uint8_t *fuzz_output_end(struct hap_stream_out *out, long long rc, size_t *n)
{
        struct hap_error err;
        uint8_t *bytes;
        off_t size;

        if (rc < 0)
                hap_stream_out_abandon(out);
        else
                MUST(hap_stream_out_close(out, &err) == 0);
        size = lseek(memory, 0, SEEK_CUR);
        MUST(dup2(standard, STDOUT_FILENO) >= 0 && close(standard) == 0);
        if (rc < 0)
                return NULL;
        *n = (size_t)size;
        bytes = malloc(*n > 0 ? *n : 1);
        MUST(bytes && pread(memory, bytes, *n, 0) == size);
        return bytes;
}
