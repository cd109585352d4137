#include "forward/relay.h"

#include "common/mpi.h"

/* Returns rc. A wait that was given up does not hide why this rank stopped. */
static int note(struct hap_scratch *scratch, int rc)
{
        scratch->interrupted |= rc < 0;
        return rc;
}

static bool sends(const struct hap_scratch *scratch)
{
        return hap_mpi_layers_divided() && !scratch->counting;
}

int hap_relay_from_before(struct hap_scratch *scratch, struct hap_strided values)
{
        if (!sends(scratch) || hap_mpi_rank() == 0)
                return HAP_OK;
        return note(scratch, hap_mpi_receive(hap_mpi_rank() - 1, scratch->job, &values,
                                             &scratch->error));
}

int hap_relay_to_after(struct hap_scratch *scratch, struct hap_strided values)
{
        if (!sends(scratch) || hap_mpi_rank() + 1 == hap_mpi_ranks())
                return HAP_OK;
        return note(scratch, hap_mpi_send(hap_mpi_rank() + 1, scratch->job, &values,
                                          &scratch->error));
}

int hap_relay_from_after(struct hap_scratch *scratch, struct hap_strided values)
{
        if (!sends(scratch) || hap_mpi_rank() + 1 == hap_mpi_ranks())
                return HAP_OK;
        return note(scratch, hap_mpi_receive(hap_mpi_rank() + 1, scratch->job, &values,
                                             &scratch->error));
}

int hap_relay_to_before(struct hap_scratch *scratch, struct hap_strided values)
{
        if (!sends(scratch) || hap_mpi_rank() == 0)
                return HAP_OK;
        return note(scratch, hap_mpi_send(hap_mpi_rank() - 1, scratch->job, &values,
                                          &scratch->error));
}

static struct hap_piece *new_parts(struct hap_scratch *scratch)
{
        struct hap_piece *parts = hap_scratch_alloc(scratch, hap_mpi_ranks(), sizeof *parts);

        for (size_t r = 0; parts && r < hap_mpi_ranks(); r++)
                parts[r] = (struct hap_piece){0};
        return parts;
}

int hap_relay_logits(struct hap_scratch *scratch, float *logits, size_t n)
{
        struct hap_piece *parts;

        if (!sends(scratch))
                return HAP_OK;
        if (!(parts = new_parts(scratch)))
                return scratch->error.code;
        parts[hap_mpi_ranks() - 1] = (struct hap_piece){logits, n * sizeof *logits};
        return note(scratch, hap_mpi_spread(scratch->job, parts, &scratch->error));
}

int hap_relay_outputs(struct hap_scratch *scratch, float *outputs, size_t values)
{
        const struct hap_graph *graph = &scratch->engine->graph;
        struct hap_piece *parts;

        if (!sends(scratch) || !outputs)
                return HAP_OK;
        if (!(parts = new_parts(scratch)))
                return scratch->error.code;
        for (size_t r = 0; r < hap_mpi_ranks(); r++) {
                int begin, end;

                hap_mpi_layers(graph->n_layers, r, &begin, &end);
                begin = begin == 0 ? 0 : hap_graph_head_writer(graph, begin, 0);
                end = hap_graph_head_writer(graph, end, 0);
                parts[r] = (struct hap_piece){outputs + (size_t)begin * values,
                                              (size_t)(end - begin) * values * sizeof *outputs};
        }
        return note(scratch, hap_mpi_spread(scratch->job, parts, &scratch->error));
}

/* The readers of layers [*begin, *end). */
static void readers_of_layers(const struct hap_graph *graph, int *begin, int *end)
{
        const bool last = *end == graph->n_layers;

        *begin = hap_graph_head_reader(graph, *begin, 0, 0);
        *end = last ? graph->n_readers : hap_graph_head_reader(graph, *end, 0, 0);
}

void hap_relay_readers(const struct hap_engine *engine, int *begin, int *end)
{
        *begin = hap_model_first_layer(engine->model);
        *end = hap_model_end_layer(engine->model);
        readers_of_layers(&engine->graph, begin, end);
}

/* At one position the edges into the readers of a rank have consecutive numbers. */
int hap_relay_edges(struct hap_scratch *scratch, float *edges)
{
        const struct hap_graph *graph = &scratch->engine->graph;
        struct hap_piece *parts;
        int rc = HAP_OK;

        if (!sends(scratch) || !edges)
                return HAP_OK;
        if (!(parts = new_parts(scratch)))
                return scratch->error.code;
        for (int position = 0; position < graph->n_positions && rc == 0; position++) {
                float *here = edges + (size_t)position * graph->edges_per_position;

                for (size_t r = 0; r < hap_mpi_ranks(); r++) {
                        int begin, end;

                        hap_mpi_layers(graph->n_layers, r, &begin, &end);
                        readers_of_layers(graph, &begin, &end);
                        parts[r] = (struct hap_piece){
                                here + graph->edge_start[begin],
                                (graph->edge_start[end] - graph->edge_start[begin]) * sizeof *here};
                }
                rc = note(scratch, hap_mpi_spread(scratch->job, parts, &scratch->error));
        }
        return rc;
}
