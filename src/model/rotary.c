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

double hap_yarn_attention(double factor, double mscale)
{
        return factor <= 1 ? 1 : 0.1 * mscale * log(factor) + 1;
}

/* transformers, modeling_rope_utils: _compute_yarn_parameters. `context` is
 * max_position_embeddings. */
static void read_yarn(struct hap_settings *s, double context, struct hap_rotary *r)
{
        double mscale, all;

        r->scaling = HAP_ROTARY_YARN;
        r->factor = hap_settings_real(s, "factor", 1e-6, 1e6, HAP_REQUIRED);
        r->original = hap_settings_real(s, "original_max_position_embeddings", 1, 1e9, context);
        r->high = hap_settings_real(s, "beta_fast", 1e-6, 1e6, 32);
        r->low = hap_settings_real(s, "beta_slow", 1e-6, 1e6, 1);
        r->exact = !hap_settings_flag(s, "truncate", true);
        mscale = hap_settings_real(s, "mscale", 0, 1e6, 0);
        all = hap_settings_real(s, "mscale_all_dim", 0, 1e6, 0);
        r->attention = mscale != 0 && all != 0 ? hap_yarn_attention(r->factor, mscale) /
                                                         hap_yarn_attention(r->factor, all)
                                               : hap_yarn_attention(r->factor, 1);
        r->attention = hap_settings_real(s, "attention_factor", 1e-6, 1e6, r->attention);
}

/* _compute_longrope_parameters. `original`: original_max_position_embeddings beside the object, or
 * 0. transformers 4, which writes "rope_scaling", does not read the one in the object; 5, which
 * writes "rope_parameters", does. */
static void read_longrope(struct hap_settings *s, double context, double original, bool by_5,
                          struct hap_rotary *r)
{
        const double inner = hap_settings_real(s, "original_max_position_embeddings", 1, 1e9,
                                               context);
        double factor;

        r->scaling = HAP_ROTARY_LONGROPE;
        r->original = original > 0 ? original : by_5 ? inner : context;
        factor = original > 0 || by_5 ? context / r->original : HAP_REQUIRED;
        factor = original > 0 && !by_5
                         ? (hap_settings_value(s, "factor"), factor)
                         : hap_settings_real(s, "factor", 1e-6, 1e6, factor);
        r->attention = factor <= 1 ? 1 : sqrt(1 + log(factor) / log(r->original));
        r->attention = hap_settings_real(s, "attention_factor", 1e-6, 1e6, r->attention);
        r->short_factors = hap_settings_value(s, "short_factor");
        r->long_factors = hap_settings_value(s, "long_factor");
}

/* "default" and "dynamic" have the same frequencies within the context, and longer prompts are
 * refused. */
static void read_type(struct hap_blueprint *blueprint, struct hap_settings *inner, const char *key,
                      struct hap_rotary *rotary)
{
        const double context = blueprint->model->config.n_context;
        const double original =
                hap_settings_real(blueprint->settings, "original_max_position_embeddings", 1, 1e9, 0);
        const char *old = hap_settings_text(inner, "type", "default");
        const char *type = hap_settings_text(inner, "rope_type", old);

        if (strcmp(type, "linear") == 0) {
                rotary->scaling = HAP_ROTARY_LINEAR;
                rotary->factor = hap_settings_real(inner, "factor", 1e-6, 1e6, HAP_REQUIRED);
        } else if (strcmp(type, "llama3") == 0) {
                read_llama3(inner, rotary);
        } else if (strcmp(type, "yarn") == 0) {
                read_yarn(inner, context, rotary);
        } else if (strcmp(type, "longrope") == 0 || strcmp(type, "su") == 0) {
                read_longrope(inner, context, original, strcmp(key, "rope_parameters") == 0, rotary);
        } else if (strcmp(type, "dynamic") == 0) {
                hap_settings_real(inner, "factor", 1e-6, 1e6, HAP_REQUIRED);
                hap_settings_value(inner, "original_max_position_embeddings"); /* not read */
        } else if (strcmp(type, "default") != 0) {
                hap_settings_refuse(blueprint->settings, key);
        }
}

void hap_rotary_read_object(struct hap_blueprint *blueprint, const char *key,
                            const char *member, struct hap_rotary *rotary)
{
        struct hap_settings *s = blueprint->settings;
        const json_t *scaling = hap_settings_value(s, key);
        struct hap_settings inner;
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
        rotary->theta = hap_settings_real(&inner, "rope_theta", 1, 1e12, rotary->theta);
        rotary->part = hap_settings_real(&inner, "partial_rotary_factor", 0, 1, rotary->part);
        read_type(blueprint, &inner, key, rotary);
        hap_settings_end_inner(s, key, &inner);
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

/* The dimension pair that makes `rotations` turns within the original context. */
static double yarn_dimension(double rotations, const struct hap_rotary *r)
{
        return r->n * log(r->original / (rotations * 2 * M_PI)) / (2 * log(r->theta));
}

/* YaRN: pairs below `low` keep their frequency, those above `high` are divided by the factor, and
 * between the two it is interpolated. */
static double yarn_frequency(double frequency, size_t i, const struct hap_rotary *r)
{
        double low = yarn_dimension(r->high, r), high = yarn_dimension(r->low, r), mix;

        low = fmax(r->exact ? low : floor(low), 0);
        high = fmin(r->exact ? high : ceil(high), r->n - 1);
        if (low == high)
                high += 0.001;
        mix = fmin(fmax(((double)i - low) / (high - low), 0), 1);
        return frequency * (1 - mix) + frequency / r->factor * mix;
}

/* Divides the frequencies by the short factors and ends the context where the long ones begin. */
static void apply_longrope(struct hap_blueprint *blueprint, const struct hap_rotary *r,
                           float *frequencies)
{
        struct hap_config *c = &blueprint->model->config;
        const size_t n = (size_t)r->n / 2;

        if (json_array_size(r->short_factors) != n || json_array_size(r->long_factors) != n) {
                hap_settings_fail(blueprint->settings,
                                  "'short_factor' and 'long_factor' are not lists of %zu numbers", n);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                const json_t *factor = json_array_get(r->short_factors, i);

                if (!json_is_number(factor) || !(json_number_value(factor) > 0)) {
                        hap_settings_fail(blueprint->settings, "a 'short_factor' is not above 0");
                        return;
                }
                frequencies[i] = (float)(pow(r->theta, -(double)(2 * i) / r->n) /
                                         json_number_value(factor));
        }
        if (!json_equal(r->short_factors, r->long_factors) && c->n_context > r->original)
                c->n_context = (int)r->original;
}

static void keep_scale(struct hap_blueprint *blueprint, const struct hap_rotary *r,
                       const float *frequencies)
{
        if (r->attention == 0 || r->attention == 1)
                return;
        if (blueprint->n_scales == HAP_MAX_ROTARY_SCALES) {
                hap_settings_fail(blueprint->settings, "more than %d kinds of rotary scaling",
                                  HAP_MAX_ROTARY_SCALES);
                return;
        }
        blueprint->scales[blueprint->n_scales++] =
                (struct hap_rotary_scale){frequencies, (float)r->attention};
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
                else if (rotary->scaling == HAP_ROTARY_YARN)
                        f = yarn_frequency(f, i, rotary);
                frequencies[i] = (float)f;
        }
        if (rotary->scaling == HAP_ROTARY_LONGROPE)
                apply_longrope(blueprint, rotary, frequencies);
        keep_scale(blueprint, rotary, frequencies);
        return blueprint->settings->rc < 0 ? NULL : frequencies;
}
