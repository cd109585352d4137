#include "attrib/cluster.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attrib/k_means.h"
#include "forward/blas.h"
#include "forward/blas_memory.h"

/* LAPACK: the eigenvalues of a symmetric matrix in ascending order, with its eigenvectors. OpenBLAS
 * and MKL contain it; with another library it is absent. */
__attribute__((weak)) void dsyev_(const char *job, const char *triangle, const int *n, double *a,
                                  const int *lda, double *values, double *work, const int *n_work,
                                  int *info);

/* x[i] = the magnitudes of an example's scores, scaled to length 1. */
static void scale_magnitudes(const float *scores, size_t m, float *x)
{
        double squares = 0;

        for (size_t k = 0; k < m; k++)
                squares += (double)scores[k] * (double)scores[k];
        for (size_t k = 0; k < m; k++)
                x[k] = squares > 0 ? (float)(fabs((double)scores[k]) / sqrt(squares)) : 0;
}

/* x −= its mean over the examples. x: [n][m]. */
static void centre(float *x, size_t n, size_t m)
{
        for (size_t k = 0; k < m; k++) {
                double mean = 0;

                for (size_t i = 0; i < n; i++)
                        mean += (double)x[i * m + k] / (double)n;
                for (size_t i = 0; i < n; i++)
                        x[i * m + k] = (float)((double)x[i * m + k] - mean);
        }
}

/* gram = X Xᵀ, X the scaled and centred examples: [n][n]. */
static int gram_matrix(const struct hap_example_scores *s, double *gram, struct hap_error *err)
{
        const size_t n = s->n, m = s->n_scores;
        float *x = malloc(n * m * sizeof *x), *product = malloc(n * n * sizeof *product);
        int rc = x && product ? hap_blas_reserve(1, err) : hap_fail_memory(err, "the clusters");

        for (size_t i = 0; i < n && rc == 0; i++)
                scale_magnitudes(s->values + i * m, m, x + i * m);
        if (rc == 0) {
                centre(x, n, m);
                hap_gemm(false, true, (int)n, (int)n, (int)m, 1, x, (int)m, x, (int)m, 0, product,
                         (int)n);
                for (size_t i = 0; i < n * n; i++)
                        gram[i] = (double)product[i];
        }
        free(x);
        free(product);
        return rc;
}

/* points = U Σ of the r leading singular vectors: [n][r]. The sign of each vector is that of its
 * largest entry, made positive. */
static int singular_points(double *gram, size_t n, size_t r, double *points, double *explained,
                           struct hap_error *err)
{
        const int order = (int)n, n_work = 64 * (int)n;
        double *values = malloc(n * sizeof *values), total = 0, part = 0;
        double *work = malloc((size_t)n_work * sizeof *work);
        int info = -1;

        if (values && work)
                dsyev_("V", "U", &order, gram, &order, values, work, &n_work, &info);
        for (size_t i = 0; info == 0 && i < n; i++)
                total += fmax(values[i], 0);
        for (size_t k = 0; info == 0 && k < r; k++) {
                const double *vector = gram + (n - 1 - k) * n; /* columns, the largest last */
                const double length = sqrt(fmax(values[n - 1 - k], 0));
                size_t largest = 0;

                for (size_t i = 1; i < n; i++)
                        if (fabs(vector[i]) > fabs(vector[largest]))
                                largest = i;
                for (size_t i = 0; i < n; i++)
                        points[i * r + k] = length * (vector[largest] < 0 ? -vector[i] : vector[i]);
                part += fmax(values[n - 1 - k], 0);
        }
        *explained = total > 0 ? part / total : 0;
        free(values);
        free(work);
        return info == 0 ? HAP_OK : hap_fail(err, HAP_ESYSTEM, "the singular vectors of the "
                                             "scores cannot be computed");
}

static int check(const struct hap_example_scores *s, const struct hap_cluster_options *o,
                 struct hap_error *err)
{
        if (!dsyev_)
                return hap_fail(err, HAP_EUSAGE, "this build has no LAPACK: its BLAS is not "
                                "OpenBLAS or MKL");
        if (s->n < (size_t)o->clusters)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': it has %zu examples, for %d "
                                "clusters", s->name, s->n, o->clusters);
        if ((size_t)o->vectors > s->n)
                return hap_fail(err, HAP_EUSAGE, "%d vectors are more than the %zu examples of '%s'",
                                o->vectors, s->n, s->name);
        return s->n > INT_MAX / 64 || s->n_scores > INT_MAX
                       ? hap_fail(err, HAP_EINPUT, "cannot use '%s': it has too many scores",
                                  s->name) : HAP_OK;
}

static double distance(const double *a, const double *b, size_t r)
{
        double squares = 0;

        for (size_t k = 0; k < r; k++)
                squares += (a[k] - b[k]) * (a[k] - b[k]);
        return sqrt(squares);
}

/* The silhouette of example i; sums: [clusters] of scratch. */
static double silhouette(const struct hap_clustering *c, const double *points, size_t n, size_t r,
                         size_t i, double *sums)
{
        const int own = c->of[i];
        double a, b = INFINITY;

        memset(sums, 0, (size_t)c->clusters * sizeof *sums);
        for (size_t j = 0; j < n; j++)
                sums[c->of[j]] += distance(points + i * r, points + j * r, r);
        if (c->size[own] < 2)
                return 0;
        a = sums[own] / (double)(c->size[own] - 1);
        for (int k = 0; k < c->clusters; k++)
                if (k != own)
                        b = fmin(b, sums[k] / (double)c->size[k]);
        return fmax(a, b) > 0 ? (b - a) / fmax(a, b) : 0;
}

static int describe(struct hap_clustering *c, const double *points, size_t n, size_t r,
                    struct hap_error *err)
{
        double *sums = calloc((size_t)c->clusters, sizeof *sums);

        if (!sums)
                return hap_fail_memory(err, "the clusters");
        for (size_t i = 0; i < n; i++)
                c->size[c->of[i]]++;
        for (size_t i = 0; i < n; i++) {
                const double one = silhouette(c, points, n, r, i, sums);

                c->silhouette[c->of[i]] += one / (double)c->size[c->of[i]];
                c->mean_silhouette += one / (double)n;
        }
        free(sums);
        return HAP_OK;
}

int hap_cluster(const struct hap_example_scores *s, const struct hap_cluster_options *o,
                struct hap_clustering *c, struct hap_error *err)
{
        const size_t n = s->n, k = (size_t)o->clusters, r = o->vectors ? (size_t)o->vectors : k;
        double *gram = calloc(n, n * sizeof *gram), *points = calloc(n, r * sizeof *points);
        int rc;

        *c = (struct hap_clustering){.clusters = o->clusters,
                                     .of = calloc(n, sizeof *c->of),
                                     .size = calloc(k, sizeof *c->size),
                                     .silhouette = calloc(k, sizeof *c->silhouette)};
        rc = gram && points && c->of && c->size && c->silhouette
                     ? check(s, o, err) : hap_fail_memory(err, "the clusters");
        if (rc == 0)
                rc = gram_matrix(s, gram, err);
        if (rc == 0)
                rc = singular_points(gram, n, r, points, &c->explained, err);
        if (rc == 0)
                rc = hap_k_means(points, n, r, o->clusters, o->seed, c->of, err);
        if (rc == 0)
                rc = describe(c, points, n, r, err);
        free(gram);
        free(points);
        if (rc < 0)
                hap_clustering_release(c);
        return rc;
}

void hap_clustering_release(struct hap_clustering *c)
{
        free(c->of);
        free(c->size);
        free(c->silhouette);
        *c = (struct hap_clustering){0};
}

void hap_cluster_mean(const struct hap_example_scores *s, const struct hap_clustering *c,
                      int cluster, double *mean)
{
        memset(mean, 0, s->n_scores * sizeof *mean);
        for (size_t i = 0; i < s->n; i++)
                for (size_t k = 0; c->of[i] == cluster && k < s->n_scores; k++)
                        mean[k] += (double)s->values[i * s->n_scores + k];
        for (size_t k = 0; k < s->n_scores; k++)
                mean[k] /= (double)c->size[cluster];
}
