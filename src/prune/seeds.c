#include "prune/seeds.h"

#include <stdlib.h>

#include "graph/edges.h"

int hap_seeds_add(struct hap_seeds *seeds, const float *z, size_t n_edges, struct hap_error *err)
{
        bool **more = reallocarray(seeds->kept, seeds->n + 1, sizeof *more);
        bool *kept = calloc(n_edges, sizeof *kept);

        if (more)
                seeds->kept = more;
        if (!more || !kept) {
                free(kept);
                return hap_fail_memory(err, "circuits");
        }
        for (size_t e = 0; e < n_edges; e++)
                kept[e] = z[e] > 0;
        seeds->kept[seeds->n++] = kept;
        seeds->n_edges = n_edges;
        return HAP_OK;
}

void hap_seeds_release(struct hap_seeds *seeds)
{
        for (size_t i = 0; i < seeds->n; i++)
                free(seeds->kept[i]);
        free(seeds->kept);
        *seeds = (struct hap_seeds){0};
}

/* Averaged over all pairs. */
static double mean_iou(const struct hap_seeds *seeds)
{
        double sum = 0;

        for (size_t i = 1; i < seeds->n; i++)
                for (size_t j = 0; j < i; j++)
                        sum += hap_edges_iou(seeds->kept[i], seeds->kept[j], seeds->n_edges);
        return sum * 2 / (double)(seeds->n * (seeds->n - 1));
}

/* The number of edges that at least `level` circuits have. */
static size_t count_at_least(const struct hap_seeds *seeds, size_t level)
{
        size_t count = 0;

        for (size_t e = 0; e < seeds->n_edges; e++) {
                size_t kept = 0;

                for (size_t i = 0; i < seeds->n; i++)
                        kept += seeds->kept[i][e];
                count += kept >= level;
        }
        return count;
}

void hap_seeds_say(struct hap_program *p, const struct hap_seeds *seeds)
{
        if (seeds->n > 1)
                hap_say(p, "IoU %.3f between %zu seeds: all keep %zu edges, at least half keep "
                           "%zu, any keeps %zu", mean_iou(seeds), seeds->n,
                        count_at_least(seeds, seeds->n),
                        count_at_least(seeds, (seeds->n + 1) / 2), count_at_least(seeds, 1));
}
