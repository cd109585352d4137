/* A model's settings: the keys of config.json, or of a GGUF file's metadata.
 *
 * Getters remember which keys were read and keep the first error, so that a
 * family can read all its keys in a row and check once at the end;
 * hap_settings_end() then refuses what nobody read and is not known to change
 * nothing. */
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
};

/* Takes `values` over (also when it fails). */
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
bool hap_settings_flag(struct hap_settings *settings, const char *key, bool fallback);
const char *hap_settings_text(struct hap_settings *settings, const char *key,
                              const char *fallback);
/* The key is there and null, where that means something else than absent. */
bool hap_settings_is_null(const struct hap_settings *settings, const char *key);
/* Borrowed; NULL when absent or null. */
const json_t *hap_settings_value(struct hap_settings *settings, const char *key);

/* "unsupported: KEY = VALUE", once the value is known to be one that hap
 * cannot do; what is refused later joins the list. */
void hap_settings_refuse(struct hap_settings *settings, const char *key);
/* The same unless the flag is absent or has this value. */
void hap_settings_must_be(struct hap_settings *settings, const char *key, bool value);
/* Another complaint about a key. */
void hap_settings_fail(struct hap_settings *settings, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Refuses keys that were not read and are not among those without an effect on
 * what the model computes. Returns settings->rc. */
int hap_settings_end(struct hap_settings *settings);

#endif
