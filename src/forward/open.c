#include "forward/open.h"

#include <stdio.h>
#include <string.h>

const char *hap_header_model(const json_t *header)
{
        return json_string_value(json_object_get(json_object_get(header, "model"), "path"));
}

/* `path`, or what the header of stream `name` has: NULL with a message. */
static const char *path_of(const char *path, const json_t *header, const char *name,
                           struct hap_error *err)
{
        if (!path)
                path = hap_header_model(header);
        if (!path)
                hap_fail(err, HAP_EUSAGE,
                         "no model is given: '%s' names none, use -m MODEL", name);
        return path;
}

/* A model that cannot be read was nobody's word on the command line. */
static int named_by(const char *name, struct hap_error *err)
{
        const size_t used = strlen(err->message);

        snprintf(err->message + used, sizeof(err->message) - used,
                 "; '%s' names this model, -m MODEL another", name);
        return err->code;
}

int hap_model_for(struct hap_model *model, const char *path, const json_t *header,
                  const char *name, struct hap_error *err)
{
        const char *given = path;
        int rc;

        if (!(path = path_of(path, header, name, err)))
                return err->code;
        if ((rc = hap_model_load(model, path, err)) < 0)
                return given ? rc : named_by(name, err);
        if ((rc = hap_model_check(model, header, name, err)) < 0)
                hap_model_release(model);
        return rc;
}

int hap_model_describe_for(struct hap_model *model, const char *path, const json_t *header,
                           const char *name, struct hap_error *err)
{
        const char *given = path;
        int rc;

        if (!(path = path_of(path, header, name, err)))
                return err->code;
        rc = hap_model_load_config(model, path, err);
        return given || rc == 0 ? rc : named_by(name, err);
}

bool hap_header_splits_input(const json_t *header)
{
        const json_t *graph = json_object_get(header, "graph");
        const char *input = json_string_value(json_object_get(graph, "input"));

        return input && strcmp(input, "split") == 0;
}
