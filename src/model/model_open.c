#include "model/model_open.h"
#include "model/description.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *hap_header_model(const json_t *header)
{
        return json_string_value(json_object_get(json_object_get(header, "model"), "path"));
}

/* What names a model: option -m, else a stream's header, else $HAP_MODEL. */
struct named {
        const char *path; /* NULL: nothing does */
        bool by_stream;
};

static struct named find_name(const char *given, const json_t *header)
{
        const char *theirs = hap_header_model(header), *usual = getenv("HAP_MODEL");

        if (given)
                return (struct named){given, false};
        if (theirs)
                return (struct named){theirs, true};
        return (struct named){usual && *usual ? usual : NULL, false};
}

static int fail_unnamed(const char *name, struct hap_error *err)
{
        return hap_fail(err, HAP_EUSAGE, "no model is given, and '%s' names none; use -m MODEL",
                        name);
}

/* Returns rc. If reading failed, adds to the message that stream `name` names the model. */
static int explain_failure(int rc, const struct named *model, const char *name,
                           struct hap_error *err)
{
        const size_t used = rc < 0 ? strlen(err->message) : 0;

        if (rc < 0 && model->by_stream)
                snprintf(err->message + used, sizeof(err->message) - used,
                         "; '%s' names this model; use -m MODEL for another", name);
        return rc;
}

int hap_model_open_for(struct hap_model *model, const char *path, const json_t *header,
                       const char *name, const struct hap_weights_want *want,
                       struct hap_error *err)
{
        const struct named named = find_name(path, header);
        int rc;

        if (!named.path)
                return fail_unnamed(name, err);
        rc = explain_failure(hap_model_load_as(model, named.path, want, err), &named, name, err);
        if (rc < 0)
                return rc;
        if ((rc = hap_model_check(model, header, name, err)) < 0)
                hap_model_release(model);
        return rc;
}

int hap_model_open_config_for(struct hap_model *model, const char *path, const json_t *header,
                              const char *name, const struct hap_weights_want *want,
                              struct hap_error *err)
{
        const struct named named = find_name(path, header);

        if (!named.path)
                return fail_unnamed(name, err);
        return explain_failure(hap_model_load_config_as(model, named.path, want, err), &named, name,
                               err);
}
