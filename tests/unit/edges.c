#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "graph/edges.h"
#include "unit.h"

static char path[] = P_tmpdir "/hap-edges-XXXXXX";
static struct hap_error err;

static struct hap_stream_out *writer_of_new_file(void)
{
        struct hap_stream_out *out = NULL;
        int fd;

        strcpy(path + strlen(path) - 6, "XXXXXX");
        fd = mkstemp(path);
        CHECK(fd >= 0);
        close(fd);
        CHECK(hap_stream_out_open(&out, path, false, &err) == 0);
        return out;
}

/* Reads the file's first section of the kind: hap_edges_next's code. */
static int read_back(const char *kind, struct hap_edges *edges)
{
        const char *paths[] = {path};
        struct hap_stream_in *in = NULL;
        int rc = hap_stream_in_open(&in, paths, 1, &err);

        CHECK(rc == 0);
        rc = hap_edges_next(in, kind, edges, &err);
        hap_stream_in_close(in);
        unlink(path);
        return rc;
}

static json_t *header_of(const char *kind)
{
        return json_pack("{s:i, s:s, s:s}", "hap", HAP_STREAM_VERSION, "kind", kind, "mark", "x");
}

/* Writes one circuit record with the given z unchanged. */
static int read_with_z(double z, struct hap_edges *edges)
{
        json_t *header = json_pack("{s:i, s:s, s:{s:i, s:i}}", "hap", HAP_STREAM_VERSION, "kind",
                                   "circuit", "graph", "layers", 2, "heads", 2);
        struct hap_stream_out *out = writer_of_new_file();
        msgpack_packer *packer;

        CHECK(hap_stream_out_begin(out, header, &err) == 0);
        packer = hap_stream_out_record(out);
        msgpack_pack_map(packer, 2);
        hap_pack_text(packer, "edge");
        hap_pack_text(packer, "m0->logits");
        hap_pack_text(packer, "z");
        msgpack_pack_double(packer, z);
        CHECK(hap_stream_out_end_record(out, &err) == 0);
        CHECK(hap_stream_out_end(out, &err) == 0);
        CHECK(hap_stream_out_close(out, &err) == 0);
        json_decref(header);
        return read_back("circuit", edges);
}

TEST("scores are read back bit for bit, those without a record as not given")
{
        struct hap_graph graph;
        struct hap_edges back;
        struct hap_stream_out *out = writer_of_new_file();
        json_t *header = header_of("scores");
        double score[496];
        bool given[496];

        CHECK(hap_graph_init(&graph, 3, 6, false, false, &err) == 0);
        CHECK(graph.n_edges == 496);
        for (size_t e = 0; e < 496; e++) {
                score[e] = sin((double)e) * pow(10, (double)(e % 40) - 20);
                given[e] = e % 3 != 1;
        }
        CHECK(hap_scores_write(out, header, &graph, score, given, &err) == 0);
        CHECK(hap_stream_out_close(out, &err) == 0);
        CHECK(read_back("scores", &back) == 1);
        CHECK(hap_graph_equal(&graph, &back.graph) && !back.z);
        CHECK(back.n_given == 331);
        for (size_t e = 0; e < 496; e++) {
                CHECK(back.given[e] == given[e]);
                CHECK(back.score[e] == (given[e] ? score[e] : 0));
        }
        CHECK_TEXT(json_string_value(json_object_get(back.header, "mark")), "x");
        json_decref(header);
        hap_edges_release(&back);
        hap_graph_release(&graph);
}

TEST("a circuit is read back bit for bit, and its header has the number of its edges")
{
        struct hap_graph graph;
        struct hap_edges back;
        struct hap_stream_out *out = writer_of_new_file();
        json_t *header = header_of("circuit"), *counts;
        float z[94] = {0};
        size_t kept = 0;

        CHECK(hap_graph_init(&graph, 4, 1, false, true, &err) == 0);
        for (size_t e = 0; e < 94; e += 5, kept++)
                z[e] = 1 / (float)(e + 1);
        CHECK(hap_circuit_write(out, header, &graph, z, &err) == 0);
        CHECK(hap_stream_out_close(out, &err) == 0);
        CHECK(read_back("circuit", &back) == 1);
        CHECK(memcmp(back.z, z, sizeof z) == 0 && !back.score && back.n_given == kept);
        counts = json_object_get(back.header, "circuit");
        CHECK(json_integer_value(json_object_get(counts, "edges")) == (json_int_t)kept);
        CHECK(json_integer_value(json_object_get(counts, "of")) == 94);
        CHECK_NEAR(json_number_value(json_object_get(counts, "sparsity")),
                   1 - (double)kept / 94, 1e-15);
        json_decref(header);
        hap_edges_release(&back);
        hap_graph_release(&graph);
}

TEST("a circuit's ranking and costs are read back, and records without them have NaN")
{
        struct hap_graph graph;
        struct hap_edges back;
        struct hap_stream_out *out = writer_of_new_file();
        json_t *header = header_of("circuit");
        float z[94] = {0};
        double ranking[94], cost[94];

        CHECK(hap_graph_init(&graph, 4, 1, false, true, &err) == 0);
        for (size_t e = 0; e < 94; e++) {
                z[e] = e % 4 == 0;
                ranking[e] = sin((double)e);
                cost[e] = -1e-3 * (double)e;
        }
        CHECK(hap_circuit_write_ranked(out, header, &graph, z, ranking, cost, &err) == 0);
        CHECK(hap_stream_out_close(out, &err) == 0);
        CHECK(read_back("circuit", &back) == 1);
        for (size_t e = 0; e < 94; e++) {
                CHECK(e % 4 == 0 ? back.ranking[e] == ranking[e] : isnan(back.ranking[e]));
                CHECK(e % 4 == 0 ? back.cost[e] == cost[e] : isnan(back.cost[e]));
        }
        hap_edges_release(&back);
        out = writer_of_new_file();
        CHECK(hap_circuit_write_ranked(out, header, &graph, z, ranking, NULL, &err) == 0);
        CHECK(hap_stream_out_close(out, &err) == 0);
        CHECK(read_back("circuit", &back) == 1 && back.ranking && !back.cost);
        json_decref(header);
        hap_edges_release(&back);
        hap_graph_release(&graph);
}

TEST("z must be above 0 and at most 1")
{
        static const double wrong[] = {0, -0.5, 1.0000001, 2, 1e-60, NAN, INFINITY};
        struct hap_edges edges;

        CHECK(read_with_z(1, &edges) == 1 && edges.n_given == 1);
        hap_edges_release(&edges);
        CHECK(read_with_z(1e-30, &edges) == 1 && edges.n_given == 1);
        hap_edges_release(&edges);
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                CHECK(read_with_z(wrong[i], &edges) == HAP_EINPUT);
                CHECK(strstr(err.message, "record 1") != NULL);
        }
}

TEST("sections of other kinds are passed over, to the end of the stream")
{
        struct hap_edges edges;
        struct hap_stream_out *out = writer_of_new_file();
        json_t *header = header_of("report");

        CHECK(hap_stream_out_begin(out, header, &err) == 0);
        CHECK(hap_stream_out_end(out, &err) == 0);
        CHECK(hap_stream_out_close(out, &err) == 0);
        CHECK(read_back("circuit", &edges) == 0);
        json_decref(header);
}

TEST("a header without a graph is refused by file")
{
        struct hap_edges edges;
        struct hap_stream_out *out = writer_of_new_file();
        json_t *header = header_of("circuit");

        CHECK(hap_stream_out_begin(out, header, &err) == 0);
        CHECK(hap_stream_out_end(out, &err) == 0);
        CHECK(hap_stream_out_close(out, &err) == 0);
        CHECK(read_back("circuit", &edges) == HAP_EINPUT);
        CHECK(strstr(err.message, path) != NULL);
        json_decref(header);
}

RUN_TESTS
