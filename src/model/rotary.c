#include "model/rotary.h"

#include <math.h>
#include <string.h>

static void read_llama3(struct hap_settings *s, struct hap_rotary *rotary)
{
        rotary->scaling = HAP_ROTARY_LLAMA3;
        rotary->factor = hap_settings_real(s, "factor", 1e-6, 1e6, HAP_REQUIRED);
        rotary->low = hap_settings_real(s, "low_freq_factor", 1e-6, 1e6, HAP_REQUIRED);
        rotary->high = hap_settings_real(s, "high_freq_factor", 1e-6, 1e6, HAP_REQUIRED);
        rotary->original = hap_settings_real(s, "original_max_position_embeddings", 1, 1e9,
                                             HAP_REQUIRED);
        if (s->rc == 0 && rotary->high <= rotary->low)
                hap_settings_fail(s, "'high_freq_factor' is not above 'low_freq_factor'");
}

void hap_rotary_read_object(struct hap_blueprint *blueprint, const char *key,
                            const char *member, struct hap_rotary *rotary)
{
        struct hap_settings *s = blueprint->settings;
        const json_t *scaling = hap_settings_value(s, key);
        struct hap_settings inner;
        const char *type;
        int rc;

        if (!scaling || s->rc < 0)
                return;
        if (member)
                scaling = json_object_get(scaling, member);
        if (!json_is_object(scaling)) {
                hap_settings_refuse(s, key);
                return;
        }
        rc = hap_settings_init(&inner, json_incref((json_t *)(uintptr_t)scaling), s->path, s->err);
        if (rc < 0) {
                s->rc = rc;
                return;
        }
        type = hap_settings_text(&inner, "rope_type", hap_settings_text(&inner, "type", "default"));
        rotary->theta = hap_settings_real(&inner, "rope_theta", 1, 1e12, rotary->theta);
        rotary->part = hap_settings_real(&inner, "partial_rotary_factor", 0, 1, rotary->part);
        if (strcmp(type, "linear") == 0) {
                rotary->scaling = HAP_ROTARY_LINEAR;
                rotary->factor = hap_settings_real(&inner, "factor", 1e-6, 1e6, HAP_REQUIRED);
        } else if (strcmp(type, "llama3") == 0) {
                read_llama3(&inner, rotary);
        } else if (strcmp(type, "default") != 0) {
                hap_settings_refuse(s, key);
        }
        if (s->rc == 0)
                s->rc = hap_settings_end(&inner);
        hap_settings_release(&inner);
}

void hap_rotary_read(struct hap_blueprint *blueprint, struct hap_rotary *rotary, double theta)
{
        static const char *const names[] = {"rope_scaling", "rope_parameters"};

        rotary->theta = hap_settings_real(blueprint->settings, "rope_theta", 1, 1e12, theta);
        for (int i = 0; i < 2; i++) {
                hap_rotary_read_object(blueprint, names[i], NULL, rotary);
                if (rotary->part != 0 && rotary->part != 1) {
                        hap_settings_refuse(blueprint->settings, names[i]);
                        return;
                }
        }
}

/* Llama 3: divides low frequencies by the factor, keeps high ones, and interpolates between
 * (transformers, modeling_rope_utils). */
static double llama3_frequency(double frequency, const struct hap_rotary *r)
{
        double rotations = r->original * frequency / (2 * M_PI); /* within the original context */
        double mix;

        if (rotations < r->low)
                return frequency / r->factor;
        if (rotations > r->high)
                return frequency;
        mix = (rotations - r->low) / (r->high - r->low);
        return (1 - mix) * frequency / r->factor + mix * frequency;
}

const float *hap_rotary_make(struct hap_blueprint *blueprint, const struct hap_rotary *rotary)
{
        struct hap_model *m = blueprint->model;
        size_t n = (size_t)rotary->n / 2;
        float *frequencies;

        if (blueprint->settings->rc < 0)
                return NULL;
        if (rotary->n % 2 != 0 || rotary->n < 2 || rotary->n > m->config.d_head) {
                hap_settings_fail(blueprint->settings,
                                  "%d of a head's %d dimensions cannot be rotary", rotary->n,
                                  m->config.d_head);
                return NULL;
        }
        frequencies = hap_arena_alloc(&m->arena, n, sizeof(*frequencies));
        if (!frequencies) {
                blueprint->settings->rc =
                        hap_fail_memory(blueprint->err, "the model's rotary frequencies");
                return NULL;
        }
        for (size_t i = 0; i < n; i++) {
                double f = pow(rotary->theta, -(double)(2 * i) / rotary->n);

                if (rotary->scaling == HAP_ROTARY_LINEAR)
                        f /= rotary->factor;
                else if (rotary->scaling == HAP_ROTARY_LLAMA3)
                        f = llama3_frequency(f, rotary);
                frequencies[i] = (float)f;
        }
        return frequencies;
}
