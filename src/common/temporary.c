#include "common/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *temporary_folder(void)
{
        const char *folder = getenv("TMPDIR");

        return folder && *folder ? folder : "/tmp";
}

int hap_temporary_fail(const char *what, int why, struct hap_error *err)
{
        return hap_fail(err, HAP_ESYSTEM, "cannot %s a temporary file in '%s': %s; TMPDIR names "
                        "another folder", what, temporary_folder(), strerror(why));
}

/* Where a file cannot be made without a name, it loses its name at once. */
int hap_temporary_open(int *fd, struct hap_error *err)
{
        char *name;

        *fd = open(temporary_folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (*fd >= 0)
                return HAP_OK;
        if (asprintf(&name, "%s/hap-XXXXXX", temporary_folder()) < 0)
                return hap_fail_memory(err, "a name");
        *fd = mkostemp(name, O_CLOEXEC);
        if (*fd >= 0)
                unlink(name);
        free(name);
        return *fd >= 0 ? HAP_OK : hap_temporary_fail("make", errno, err);
}

int hap_temporary_write(int fd, const void *data, size_t n, struct hap_error *err)
{
        const char *at = data;

        while (n > 0) {
                ssize_t done = write(fd, at, n);

                if (done < 0 && errno != EINTR)
                        return hap_temporary_fail("write", errno, err);
                if (done > 0) {
                        at += done;
                        n -= (size_t)done;
                }
        }
        return HAP_OK;
}
