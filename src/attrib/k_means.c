#include "attrib/k_means.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"

enum { STARTS = 32, STEPS = 300, CENTRES = 0x6b6d };

struct k_means {
        const double *points; /* [n][r] */
        size_t n, r;
        int k;
        double *centre;  /* [k][r] */
        double *nearest; /* [n]: squared distance to the nearest centre */
        size_t *size;    /* [k] */
        int *of, *best;  /* [n] */
};

static double squared_distance(const struct k_means *m, size_t point, const double *centre)
{
        double sum = 0;

        for (size_t j = 0; j < m->r; j++) {
                const double d = m->points[point * m->r + j] - centre[j];

                sum += d * d;
        }
        return sum;
}

static void set_centre(struct k_means *m, int c, size_t point)
{
        memcpy(m->centre + (size_t)c * m->r, m->points + point * m->r, m->r * sizeof *m->centre);
        for (size_t i = 0; i < m->n; i++)
                m->nearest[i] = fmin(m->nearest[i],
                                     squared_distance(m, i, m->centre + (size_t)c * m->r));
}

/* A point with a probability that is proportional to its squared distance; n if all are 0. */
static size_t draw_point(const struct k_means *m, double u)
{
        double total = 0, at = 0;
        size_t last = m->n;

        for (size_t i = 0; i < m->n; i++)
                total += m->nearest[i];
        for (size_t i = 0; i < m->n; i++) {
                if (m->nearest[i] <= 0)
                        continue;
                last = i;
                at += m->nearest[i];
                if (at >= u * total)
                        return i;
        }
        return last;
}

/* Whether there are k centres at different points. */
static bool first_centres(struct k_means *m, struct hap_random_key key, uint64_t start)
{
        for (size_t i = 0; i < m->n; i++)
                m->nearest[i] = INFINITY;
        set_centre(m, 0, (size_t)(hap_random_uniform(key, start, 0) * (double)m->n));
        for (int c = 1; c < m->k; c++) {
                const size_t point = draw_point(m, hap_random_uniform(key, start, (uint64_t)c));

                if (point == m->n)
                        return false;
                set_centre(m, c, point);
        }
        return true;
}

/* Assigns every point to the nearest centre; returns whether anything changed. */
static bool assign(struct k_means *m, double *inertia)
{
        bool changed = false;

        *inertia = 0;
        for (size_t i = 0; i < m->n; i++) {
                double least = INFINITY;
                int nearest = 0;

                for (int c = 0; c < m->k; c++) {
                        const double d = squared_distance(m, i, m->centre + (size_t)c * m->r);

                        if (d < least) {
                                least = d;
                                nearest = c;
                        }
                }
                changed |= m->of[i] != nearest;
                m->of[i] = nearest;
                *inertia += least;
        }
        return changed;
}

/* Moves every centre to the mean of its points; returns whether all have any. */
static bool move_centres(struct k_means *m)
{
        memset(m->centre, 0, (size_t)m->k * m->r * sizeof *m->centre);
        memset(m->size, 0, (size_t)m->k * sizeof *m->size);
        for (size_t i = 0; i < m->n; i++) {
                m->size[m->of[i]]++;
                for (size_t j = 0; j < m->r; j++)
                        m->centre[(size_t)m->of[i] * m->r + j] += m->points[i * m->r + j];
        }
        for (int c = 0; c < m->k; c++) {
                if (m->size[c] == 0)
                        return false;
                for (size_t j = 0; j < m->r; j++)
                        m->centre[(size_t)c * m->r + j] /= (double)m->size[c];
        }
        return true;
}

/* Numbers the clusters in the order of their first points. number: [k]. */
static void renumber(const struct k_means *m, int *number, int *of)
{
        int next = 0;

        for (int c = 0; c < m->k; c++)
                number[c] = -1;
        for (size_t i = 0; i < m->n; i++) {
                if (number[m->best[i]] < 0)
                        number[m->best[i]] = next++;
                of[i] = number[m->best[i]];
        }
}

static bool run_starts(struct k_means *m, uint64_t seed)
{
        const struct hap_random_key key = {seed, CENTRES};
        double best = INFINITY;

        for (uint64_t start = 0; start < STARTS; start++) {
                double inertia = INFINITY;
                bool whole = first_centres(m, key, start);

                if (!whole)
                        return false;
                for (size_t i = 0; i < m->n; i++)
                        m->of[i] = -1;
                for (int step = 0; step < STEPS && assign(m, &inertia) && whole; step++)
                        whole = move_centres(m);
                if (whole && inertia < best) {
                        best = inertia;
                        memcpy(m->best, m->of, m->n * sizeof *m->best);
                }
        }
        return best < INFINITY;
}

int hap_k_means(const double *points, size_t n, size_t r, int k, uint64_t seed, int *of,
                struct hap_error *err)
{
        struct k_means m = {.points = points, .n = n, .r = r, .k = k,
                            .centre = calloc((size_t)k * r, sizeof *m.centre),
                            .nearest = calloc(n, sizeof *m.nearest),
                            .size = calloc((size_t)k, sizeof *m.size),
                            .of = calloc(n, sizeof *m.of), .best = calloc(n, sizeof *m.best)};
        int *number = calloc((size_t)k, sizeof *number);
        int rc = HAP_OK;

        if (!m.centre || !m.nearest || !m.size || !m.of || !m.best || !number)
                rc = hap_fail_memory(err, "the clusters");
        else if (!run_starts(&m, seed))
                rc = hap_fail(err, HAP_EINPUT, "the examples have fewer than %d different scores",
                              k);
        else
                renumber(&m, number, of);
        free(m.centre);
        free(m.nearest);
        free(m.size);
        free(m.of);
        free(m.best);
        free(number);
        return rc;
}
