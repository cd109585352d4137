/* hap-cluster: reads the scores of single examples, groups examples whose scores are alike, and
 * writes the mean scores of every group. */
#include <stdlib.h>
#include <string.h>

#include "attrib/cluster.h"
#include "attrib/node_scores.h"
#include "common/program.h"
#include "graph/edges.h"

struct cluster_options {
        int64_t clusters, vectors, seed;
};

static const struct hap_option options[] = {
        {'k', "clusters", "K", HAP_INT, offsetof(struct cluster_options, clusters),
         .help = "form K groups [2]", .min = 2, .max = 1000},
        {0, "vectors", "R", HAP_INT, offsetof(struct cluster_options, vectors),
         .help = "compare the examples in R singular vectors [K]", .min = 1, .max = 1000},
        {0, "seed", "N", HAP_INT, offsetof(struct cluster_options, seed),
         .help = "draw the first centres with this seed [0]", .min = 0,
         .max = 9007199254740991},
        {0},
};

static const struct hap_program_info info = {
        .name = "hap-cluster",
        .summary = "group examples by the scores of their edges",
        .operands = "[FILE ...]",
        .uses = HAP_USES_INPUT | HAP_USES_PASS | HAP_USES_STREAM,
        .options = options,
};

/* The header's "cluster" of one group. */
static json_t *describe(const struct hap_example_scores *scores,
                        const struct hap_clustering *clustering, int cluster)
{
        json_t *ids = json_array();
        int rc = ids ? 0 : -1;

        for (size_t i = 0; i < scores->n; i++)
                if (clustering->of[i] == cluster)
                        rc |= json_array_append(ids, json_array_get(scores->ids, i));
        if (rc < 0) {
                json_decref(ids);
                return NULL;
        }
        return json_pack("{s:i, s:i, s:f, s:f, s:o}", "number", cluster + 1, "of",
                         clustering->clusters, "silhouette", clustering->silhouette[cluster],
                         "mean_silhouette", clustering->mean_silhouette, "ids", ids);
}

static void write_cluster(struct hap_program *p, const struct hap_example_scores *scores,
                          const struct hap_clustering *clustering, int cluster)
{
        json_t *header = hap_program_header(p, scores->of_nodes ? "node-scores" : "scores",
                                            scores->header);
        double *mean = calloc(scores->n_scores, sizeof *mean);

        json_object_del(header, "of");
        json_object_del(header, "dtype");
        if (!mean || json_object_set_new(header, "examples", json_integer(
                                                 (json_int_t)clustering->size[cluster])) < 0 ||
            json_object_set_new(header, "cluster", describe(scores, clustering, cluster)) < 0)
                hap_die(p, HAP_ESYSTEM, "out of memory for scores");
        hap_cluster_mean(scores, clustering, cluster, mean);
        if (scores->of_nodes)
                hap_must(p, hap_node_scores_write(p->out, header, &scores->graph, mean, &p->error));
        else
                hap_must(p, hap_scores_write(p->out, header, &scores->graph, mean, NULL,
                                             &p->error));
        json_decref(header);
        free(mean);
}

/* The number of examples. */
static size_t cluster_section(struct hap_program *p, const struct hap_example_scores *scores)
{
        const struct cluster_options *opt = p->options;
        const struct hap_cluster_options how = {(int)opt->clusters, (int)opt->vectors,
                                                (uint64_t)opt->seed};
        struct hap_clustering clustering;

        hap_must(p, hap_cluster(scores, &how, &clustering, &p->error));
        for (int c = 0; c < clustering.clusters; c++) {
                write_cluster(p, scores, &clustering, c);
                hap_say(p, "group %d: %zu examples, silhouette %.3f", c + 1, clustering.size[c],
                        clustering.silhouette[c]);
        }
        hap_say(p, "silhouette %.3f; the singular vectors explain %.1f%% of the scores",
                clustering.mean_silhouette, 100 * clustering.explained);
        hap_clustering_release(&clustering);
        return scores->n;
}

int main(int argc, char **argv)
{
        struct cluster_options opt = {.clusters = 2};
        struct hap_program p;
        struct hap_example_scores scores;
        size_t n = 0;

        hap_program_begin(&p, &info, argc, argv, &opt);
        while (hap_must(&p, hap_example_scores_next(p.in, &scores, &p.error))) {
                n += cluster_section(&p, &scores);
                hap_example_scores_release(&scores);
        }
        if (n == 0)
                hap_must(&p, hap_stream_in_fail_missing(p.in, "example-scores", &p.error));
        return hap_program_end(&p, n, "examples");
}
