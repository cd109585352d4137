#include "prune/input.h"

#include <string.h>

#include "model/model_open.h"

/* A circuit or scores; of each kind one. */
static int take_edges(struct hap_prune_input *in, struct hap_stream_in *stream,
                      const json_t *header, struct hap_error *err)
{
        const char *kind = json_string_value(json_object_get(header, "kind"));
        struct hap_edges *edges;

        if (kind && strcmp(kind, "circuit") == 0)
                edges = &in->subgraph;
        else if (kind && strcmp(kind, "scores") == 0)
                edges = &in->scores;
        else
                return HAP_OK;
        if (edges->header)
                return hap_fail(err, HAP_EINPUT, "cannot use '%s': there is a section of kind '%s' "
                                "in '%s' already", hap_stream_in_name(stream), kind, edges->name);
        if (hap_edges_read(stream, header, edges, err) < 0)
                return err->code;
        hap_graph_form_join(&in->session.form, &edges->graph);
        return HAP_OK;
}

static int read_sections(struct hap_prune_input *in, struct hap_stream_in *stream,
                         struct hap_error *err)
{
        json_t *header;
        int rc;

        while ((rc = hap_stream_in_section(stream, &header, err)) > 0) {
                if (hap_session_wants(header))
                        rc = hap_session_take(&in->session, stream, header, err);
                else
                        rc = take_edges(in, stream, header, err);
                if (rc < 0)
                        return rc;
        }
        return rc;
}

static int join_edges(struct hap_prune_input *in, const struct hap_edges *edges,
                      struct hap_error *err)
{
        return edges->header ? hap_session_join(&in->session, edges->header, &edges->graph,
                                                edges->name, err) : HAP_OK;
}

/* Prompts of one run with gradients: at most a quarter of a step's, or of a round's.
 * Each prompt has masks, and with long ones a gradient of its own. */
static struct hap_memory_estimate needs_of(const struct hap_prune_options *options)
{
        struct hap_memory_estimate needs = hap_memory_within(&hap_memory_prune, options->max_memory,
                                                  options->threads);
        const bool refines = options->refine_on > 0 &&
                             (options->rounds != 0 || options->steps == 0);
        int64_t runs = options->batch;

        if (refines && options->refine_on > runs)
                runs = options->refine_on;
        needs.per_job = (size_t)(runs + 3) / 4;
        needs.per_edge += 2 * (size_t)runs * sizeof(float);
        return needs;
}

int hap_prune_read(struct hap_prune_input *input, struct hap_stream_in *stream,
                   const char *model_path, const struct hap_prune_options *options,
                   struct hap_error *err)
{
        struct hap_session *session = &input->session;
        int rc;

        *input = (struct hap_prune_input){0};
        session->model_path = model_path;
        session->hold = true;
        session->must_differ = true;
        session->options = (struct hap_prompts_options){
                .ablation = (enum hap_ablation)options->ablation, .want_q = true,
                .want_log_p = true, .dtype = (enum hap_dtype)options->cache_dtype};
        session->needs = needs_of(options);
        rc = read_sections(input, stream, err);
        if (rc == HAP_OK && !session->header)
                rc = hap_fail(err, HAP_EINPUT, "there is neither a task nor a cache in the "
                                               "input: it holds %s", hap_stream_in_held(stream));
        if (rc == HAP_OK && options->recipe->needs_subgraph && !input->subgraph.header)
                rc = hap_fail(err, HAP_EUSAGE, "recipe '%s' prunes within a subgraph: give a "
                                               "circuit too (hap-select)", options->recipe->name);
        if (rc == HAP_OK)
                rc = hap_session_next(session, 0, &input->prompts, err);
        if (rc > 0)
                rc = join_edges(input, &input->subgraph, err);
        if (rc == HAP_OK)
                rc = join_edges(input, &input->scores, err);
        if (rc < 0)
                hap_prune_input_release(input);
        return rc;
}

void hap_prune_input_release(struct hap_prune_input *input)
{
        hap_edges_release(&input->subgraph);
        hap_edges_release(&input->scores);
        hap_session_release(&input->session);
}
