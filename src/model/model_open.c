#include "model/model_open.h"
#include "model/description.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *hap_header_model(const json_t *header)
{
        return json_string_value(json_object_get(json_object_get(header, "model"), "path"));
}

bool hap_model_is_unknown(const json_t *header)
{
        return !getenv("HAP_MODEL") && !hap_header_model(header);
}

/* Nothing but a folder or a file can be a model: reading a device or a named pipe may never end. */
static int check_named(const char *path, const char *name, struct hap_error *err)
{
        struct stat st;

        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': it names '%s' as its model, which "
                                "is neither a folder nor a file; use -m MODEL for another", name,
                                path);
        return HAP_OK;
}

/* The path of -m; or that of HAP_MODEL; or, unless HAP_MODEL is empty, the one that the header of
 * stream `name` has. NULL: there is none, with a message. *named: it is the header's. */
static const char *path_of(const char *path, const json_t *header, const char *name, bool *named,
                           struct hap_error *err)
{
        const char *wanted = path ? path : getenv("HAP_MODEL");

        *named = !wanted;
        if (wanted && *wanted)
                return wanted;
        path = hap_header_model(header);
        if (path && wanted)
                hap_fail(err, HAP_EUSAGE, "no model is given, and HAP_MODEL is empty: '%s', which "
                         "'%s' names, is not opened; use -m MODEL", path, name);
        else if (!path)
                hap_fail(err, HAP_EUSAGE,
                         "no model is given, and '%s' names none; use -m MODEL", name);
        return !wanted && path && check_named(path, name, err) == 0 ? path : NULL;
}

/* Returns rc. If reading failed and stream `name` named the model, adds that to the message. */
static int explain_failure(int rc, bool named, const char *name, struct hap_error *err)
{
        return rc < 0 && named ? hap_fail_after(err, "; '%s' names this model; use -m MODEL for "
                                                "another", name) : rc;
}

int hap_model_open_for(struct hap_model *model, const char *path, const json_t *header,
                       const char *name, const struct hap_weights_want *want,
                       struct hap_error *err)
{
        bool named;
        const char *found = path_of(path, header, name, &named, err);
        int rc;

        if (!found)
                return err->code;
        if ((rc = explain_failure(hap_model_load_as(model, found, want, err), named, name, err)) < 0)
                return rc;
        if ((rc = hap_model_check(model, header, name, err)) < 0)
                hap_model_release(model);
        return rc;
}

int hap_model_open_config_for(struct hap_model *model, const char *path, const json_t *header,
                              const char *name, const struct hap_weights_want *want,
                              struct hap_error *err)
{
        bool named;
        const char *found = path_of(path, header, name, &named, err);

        if (!found)
                return err->code;
        return explain_failure(hap_model_load_config_as(model, found, want, err), named, name, err);
}
