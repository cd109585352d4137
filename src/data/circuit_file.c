#include "data/circuit_file.h"

#include <string.h>

#include "data/same_graph.h"
#include "graph/edges.h"

static int add_circuits(struct hap_stream_in *in, const struct hap_engine *engine,
                        const char *examples_name, float *z, struct hap_error *err)
{
        struct hap_edges circuit;
        size_t found = 0;
        int rc;

        while ((rc = hap_edges_next(in, "circuit", &circuit, err)) > 0) {
                rc = hap_check_same_graph(engine, examples_name, circuit.header, &circuit.graph,
                                          circuit.name, err);
                for (size_t e = 0; e < engine->graph.n_edges && rc == HAP_OK; e++)
                        if (circuit.z[e] > 0)
                                z[e] = 1;
                hap_edges_release(&circuit);
                if (rc < 0)
                        return rc;
                found++;
        }
        return rc == 0 && found == 0 ? hap_stream_in_fail_missing(in, "circuit", err) : rc;
}

int hap_circuit_files_read(const char *const *paths, size_t n_paths,
                           const struct hap_engine *engine, const char *examples_name, float *z,
                           struct hap_error *err)
{
        memset(z, 0, engine->graph.n_edges * sizeof *z);
        for (size_t i = 0; i < n_paths; i++) {
                struct hap_stream_in *in;
                int rc = hap_stream_in_open(&in, paths + i, 1, err);

                if (rc == HAP_OK) {
                        rc = add_circuits(in, engine, examples_name, z, err);
                        hap_stream_in_close(in);
                }
                if (rc < 0)
                        return rc;
        }
        return HAP_OK;
}
