#include "data/named_model.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "model/model_open.h"

static bool is_file(const char *path)
{
        struct stat st;

        return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A file that cannot be read is refused when its turn comes. */
static bool names_model(const char *file, char path[HAP_PATH])
{
        struct hap_stream_in *in;
        struct hap_error ignored;
        const char *model = NULL;
        json_t *header;

        if (!is_file(file) || hap_stream_in_open(&in, &file, 1, &ignored) < 0)
                return false;
        if (hap_stream_in_section(in, &header, &ignored) > 0)
                model = hap_header_model(header);
        if (model)
                snprintf(path, HAP_PATH, "%s", model);
        hap_stream_in_close(in);
        return model != NULL;
}

const char *hap_named_model(const struct hap_stream_in *in, char path[HAP_PATH])
{
        size_t n;
        const char *const *files = hap_stream_in_files(in, &n);

        for (size_t i = 0; i < n; i++)
                if (names_model(files[i], path))
                        return path;
        return NULL;
}
