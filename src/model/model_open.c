#include "model/model_open.h"
#include "model/description.h"

#include <stdio.h>
#include <string.h>

const char *hap_header_model(const json_t *header)
{
        return json_string_value(json_object_get(json_object_get(header, "model"), "path"));
}

/* `path`, or the path in the header of stream `name`. NULL: neither, with a message. */
static const char *path_of(const char *path, const json_t *header, const char *name,
                           struct hap_error *err)
{
        if (!path)
                path = hap_header_model(header);
        if (!path)
                hap_fail(err, HAP_EUSAGE,
                         "no model is given, and '%s' names none; use -m MODEL", name);
        return path;
}

/* Returns rc. If reading failed and no model was `given` on the command line, adds to the
 * message that stream `name` names the model. */
static int explain_failure(int rc, const char *given, const char *name, struct hap_error *err)
{
        const size_t used = rc < 0 ? strlen(err->message) : 0;

        if (rc < 0 && !given)
                snprintf(err->message + used, sizeof(err->message) - used,
                         "; '%s' names this model; use -m MODEL for another", name);
        return rc;
}

int hap_model_open_for(struct hap_model *model, const char *path, const json_t *header,
                       const char *name, const struct hap_weights_want *want,
                       struct hap_error *err)
{
        const char *found = path_of(path, header, name, err);
        int rc;

        if (!found)
                return err->code;
        if ((rc = explain_failure(hap_model_load_as(model, found, want, err), path, name, err)) < 0)
                return rc;
        if ((rc = hap_model_check(model, header, name, err)) < 0)
                hap_model_release(model);
        return rc;
}

int hap_model_open_config_for(struct hap_model *model, const char *path, const json_t *header,
                              const char *name, const struct hap_weights_want *want,
                              struct hap_error *err)
{
        const char *found = path_of(path, header, name, err);

        if (!found)
                return err->code;
        return explain_failure(hap_model_load_config_as(model, found, want, err), path, name, err);
}
