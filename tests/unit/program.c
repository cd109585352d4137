#include "common/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static const struct hap_program_info writer = {
        .name = "writer", .summary = "", .operands = "", .uses = HAP_USES_STREAM};
static int while_removing; /* the signal that comes before a file is removed, or 0 */
static int after_making;   /* the signal that comes as soon as a file is made, or 0 */

/* These two replace the C library's functions. */
int open(const char *path, int flags, ...)
{
        mode_t mode = 0;
        va_list args;
        int fd;

        va_start(args, flags);
        if (flags & O_CREAT)
                mode = va_arg(args, mode_t);
        va_end(args);
        fd = openat(AT_FDCWD, path, flags, mode);
        if (after_making && flags & O_CREAT)
                raise(after_making);
        return fd;
}

int unlink(const char *path)
{
        if (while_removing)
                raise(while_removing);
        return unlinkat(AT_FDCWD, path, 0);
}

/* The signal that ends a program whose output is folder/out, after two signals. */
static int killed_by(const char *folder, int first, int second)
{
        char out[80], *argv[] = {"writer", "-q", "-o", out, NULL};
        struct hap_program program;
        int status = 0;
        pid_t child;

        snprintf(out, sizeof(out), "%s/out", folder);
        child = fork();
        if (child == 0) {
                signal(first, SIG_DFL); /* independent of how the tests were started */
                hap_program_begin(&program, &writer, 4, argv, NULL);
                while_removing = second;
                raise(first);
                _exit(0);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST("a signal during the removal of files waits until they are removed")
{
        char folder[] = "build-program-XXXXXX";

        CHECK(mkdtemp(folder) != NULL);
        CHECK(killed_by(folder, SIGTERM, SIGTERM) == SIGTERM);
        CHECK(rmdir(folder) == 0);
        CHECK(mkdir(folder, 0777) == 0);
        CHECK(killed_by(folder, SIGINT, SIGTERM) == SIGINT);
        CHECK(rmdir(folder) == 0);
}

TEST("a signal as soon as a file is made leaves no file")
{
        char folder[] = "build-program-XXXXXX";

        CHECK(mkdtemp(folder) != NULL);
        after_making = SIGTERM;
        CHECK(killed_by(folder, SIGTERM, 0) == SIGTERM);
        after_making = 0;
        CHECK(rmdir(folder) == 0);
}

RUN_TESTS
