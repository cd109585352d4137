/* A model's settings: the keys of config.json, or of a GGUF file's metadata.
 *
 * Getters remember which keys were read and keep the first error, so that a family can read all
 * its keys in a row and check once at the end; hap_settings_end() then refuses keys that were not
 * read, unless they are known to have no effect. */
#ifndef HAP_MODEL_SETTINGS_H
#define HAP_MODEL_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct hap_settings {
        json_t *values; /* owned */
        json_t *seen;   /* owned: the keys that were read */
        const char *path; /* borrowed, for messages */
        struct hap_error *err;
        int rc; /* 0 or the first error's code */
        bool refused; /* that error is one of hap_settings_refuse */
        bool strict;  /* GGUF: every unknown key is refused */
        char unread[512]; /* keys without effect that no known version of transformers reads */
};

/* Takes ownership of `values`, also on failure. */
int hap_settings_init(struct hap_settings *settings, json_t *values, const char *path,
                      struct hap_error *err);
void hap_settings_release(struct hap_settings *settings);

/* The value, or `fallback` when the key is absent or null; a key that must be
 * there has the fallback HAP_REQUIRED. After an error they return something
 * within the limits. */
#define HAP_REQUIRED (-1e300)
int hap_settings_int(struct hap_settings *settings, const char *key, int min, int max,
                     double fallback);
double hap_settings_real(struct hap_settings *settings, const char *key, double min,
                         double max, double fallback);
/* null is false, as where Python reads it. */
bool hap_settings_flag(struct hap_settings *settings, const char *key, bool fallback);
const char *hap_settings_text(struct hap_settings *settings, const char *key,
                              const char *fallback);
/* Whether the key is present and null, for keys where null differs from absent. */
bool hap_settings_is_null(const struct hap_settings *settings, const char *key);
/* Borrowed; NULL when absent or null. */
const json_t *hap_settings_value(struct hap_settings *settings, const char *key);

/* Sets a key that is absent, to a value that a family's class in transformers has by default. */
void hap_settings_default(struct hap_settings *settings, const char *key, json_t *value);

/* Refuses a value that hap does not support: "unsupported: KEY = VALUE". Keys that are refused
 * later are added to the same message. */
void hap_settings_refuse(struct hap_settings *settings, const char *key);
/* The same unless the flag is absent or has this value. */
void hap_settings_must_be(struct hap_settings *settings, const char *key, bool value);
/* Refuses the settings with another message. */
void hap_settings_fail(struct hap_settings *settings, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Refuses keys that were not read but change what some known model computes; with `strict` all but
 * those known to have no effect. Lists the others in `unread`. Returns settings->rc. */
int hap_settings_end(struct hap_settings *settings);
/* The same for the settings of the object NAME within `outer`, and releases them: the first error
 * of either becomes that of `outer`, whose `unread` lists theirs as "of NAME: KEYS". */
void hap_settings_end_inner(struct hap_settings *outer, const char *name,
                            struct hap_settings *inner);

#endif
