#include "task/task_read.h"

#include <string.h>

/* A record that is ready, or a code. */
static int read_one(struct hap_task_reading *reading, json_t **record, char *where, size_t size,
                    struct hap_error *err)
{
        int rc = hap_task_next(reading->source, record, where, size, err);

        if (rc <= 0)
                return rc;
        hap_task_remark_text(*record, reading->model, reading->remarks);
        rc = hap_task_ready(record, reading->source->name, reading->model, where, err);
        if (rc < 0) {
                json_decref(*record);
                return rc;
        }
        hap_task_remark_ids(*record, reading->model, reading->remarks);
        return 1;
}

int hap_task_read(struct hap_task_reading *reading, json_t **record, char *where, size_t size,
                  struct hap_error *err)
{
        const struct hap_lines *lines = reading->source->lines;
        char message[HAP_MESSAGE];
        int rc;

        while ((rc = read_one(reading, record, where, size, err)) != 0) {
                const char *hint = lines && rc == HAP_EINPUT ? hap_lines_hint(lines) : "";

                reading->n++;
                if (*hint) {
                        memcpy(message, err->message, sizeof message);
                        hap_fail(err, rc, "%s; %s", message, hint);
                }
                if (rc != HAP_EINPUT || !reading->bad || !lines || reading->source->sampled)
                        return rc;
                reading->n_bad++;
                reading->bad(reading->context, err->message);
        }
        return 0;
}
