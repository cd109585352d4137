/* A circuit of a file that an option names, beside the input. */
#ifndef HAP_DATA_CIRCUIT_FILE_H
#define HAP_DATA_CIRCUIT_FILE_H

#include "forward/engine.h"

/* Sets z ([n_edges]) to 1 for the edges of all circuits of the files, and to 0 for all others.
 * `examples_name`: the file of the examples, for messages. HAP_EINPUT: a file has no circuit, or
 * one for another model or graph. HAP_ESYSTEM: it cannot be read. */
int hap_circuit_files_read(const char *const *paths, size_t n_paths,
                           const struct hap_engine *engine, const char *examples_name, float *z,
                           struct hap_error *err);

#endif
