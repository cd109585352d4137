#include "eval/evaluating.h"

#include "eval/circuit_names.h"
#include "eval/circuit_ablation.h"
#include "forward/parallel.h"

/* Whether anything is compared with the full model, which is then run. */
static bool wants_full_model(const struct hap_evaluating *e)
{
        const struct hap_metric_list *measured = &e->evaluation.measured;
        bool wanted = e->opt->full || e->opt->curve.wanted || e->opt->statistics.tests ||
                      hap_metric_list_normalises(&e->metrics);

        for (int i = 0; i < measured->n; i++)
                wanted |= (measured->items[i]->needs & HAP_NEEDS_FULL_MODEL) != 0;
        return wanted;
}

void hap_evaluating_read(struct hap_evaluating *e)
{
        struct hap_program *p = e->p;
        const struct hap_eval_options *opt = e->opt;
        struct hap_memory_estimate memory = hap_memory_within(&hap_memory_eval, p->max_memory,
                                                              (size_t)p->threads);

        if (opt->statistics.tests) /* they keep all prompts */
                memory.batches = 0;
        hap_must(p, hap_inputs_read(p->in, &(struct hap_inputs_want){
                .circuits = HAP_ANY_NUMBER,
                .scores = opt->curve.wanted ? HAP_ANY_NUMBER : 0,
                .need_circuits = !opt->full && !opt->empty && !opt->curve.wanted,
                .model_path = p->model, .weights = (enum hap_weights)p->weights,
                .split_input = opt->split_input,
                .experts = opt->experts,
                .batches = opt->statistics.tests ? 0 : 4 * hap_parallel_width(),
                .prompts = {hap_ablations[opt->ablation], .want_q = true,
                            .want_log_p = wants_full_model(e), .apart = true},
                .memory = memory,
        }, &e->inputs, &p->error));
        if (opt->names.n > e->inputs.scores.n + e->inputs.circuits.n)
                hap_die(p, HAP_EUSAGE, "%zu names for %zu circuits", opt->names.n,
                        e->inputs.scores.n + e->inputs.circuits.n);
        if (opt->predictions && e->inputs.model.config.n_out == 1)
                hap_die(p, HAP_EUSAGE, "--predict needs a model that predicts tokens; '%s' has one output",
                        e->inputs.model.path);
        e->evaluation.n_predictions = (int)opt->predictions;
        hap_must(p, hap_curves_read_reference(&e->curves, &e->inputs.engine.graph, &p->error));
}

static struct hap_evaluated *add_evaluated(struct hap_evaluating *e, enum hap_role role,
                                           const char *name, const float *z)
{
        struct hap_evaluated *added;

        hap_must(e->p, hap_evaluation_add(&e->evaluation, &e->inputs.engine.graph, role, name, z,
                                          e->opt->keep_dead, &added, &e->p->error));
        return added;
}

static void add_circuit(struct hap_evaluating *e, size_t i, const char *name)
{
        const struct hap_edges *circuit = e->inputs.circuits.items + i;
        const struct hap_texts *names = &e->opt->names;
        const size_t at = e->inputs.scores.n + i; /* scores are named first */
        const char *given = at < names->n ? names->items[at] : NULL, *made;
        struct hap_program *p = e->p;
        struct hap_evaluated *added;

        if (hap_must(p, hap_curves_add_circuit(&e->curves, &e->evaluation, circuit, given,
                                               &p->error)))
                return;
        added = add_evaluated(e, HAP_A_CIRCUIT, name, circuit->z);
        hap_stream_in_digest(p->in, circuit->header, added->digest);
        if (added->dropped)
                hap_say(p, "%s: %zu of its %zu edges are dead and left out", added->name,
                        added->dropped, added->dropped + added->edges);
        if (!added->edges)
                hap_say(p, "%s: no edge is left: all of them are ablated", added->name);
        if (hap_circuit_made_otherwise(circuit->header, hap_ablations[e->opt->ablation], &made))
                hap_say(p, "%s: made under %s ablation, measured under %s", added->name, made,
                        hap_ablations[e->opt->ablation]->name);
        if (e->opt->complement)
                hap_must(p, hap_evaluation_add_complement(&e->evaluation, &e->inputs.engine.graph,
                                                          e->opt->keep_dead, &p->error));
}

/* A metric that is normalised is measured between the full model and the empty circuit. */
void hap_evaluating_add_circuits(struct hap_evaluating *e)
{
        const bool normalise = hap_metric_list_normalises(&e->metrics) || e->opt->curve.wanted;
        const struct hap_edges_list *circuits = &e->inputs.circuits;
        char **names = hap_circuit_names_make(circuits->items, circuits->n, &e->opt->names,
                                              e->inputs.scores.n, &e->p->error);

        hap_must(e->p, names ? HAP_OK : e->p->error.code);

        if (e->opt->full || normalise)
                add_evaluated(e, HAP_FULL_MODEL, "full", NULL)->quiet = !e->opt->full;
        if (e->opt->empty || normalise)
                add_evaluated(e, HAP_EMPTY_CIRCUIT, "empty", NULL)->quiet = !e->opt->empty;
        hap_must(e->p, hap_curves_add_scores(&e->curves, &e->evaluation, &e->inputs.scores,
                                             &e->opt->names, &e->p->error));
        for (size_t i = 0; i < circuits->n; i++)
                add_circuit(e, i, names[i]); /* NOLINT(clang-analyzer-core.NullDereference): not NULL */
        hap_circuit_names_release(names, circuits->n);
        if (e->opt->curve.wanted && e->curves.n == 0)
                hap_must(e->p, hap_stream_in_fail_missing(e->p->in, "scores", &e->p->error));
}

void hap_evaluating_run(struct hap_evaluating *e)
{
        struct hap_program *p = e->p;
        const size_t total = hap_inputs_total(&e->inputs);
        const struct hap_prompts *prompts;

        while (hap_must(p, hap_inputs_next(&e->inputs, &prompts, &p->error))) {
                hap_must(p, hap_evaluation_run(&e->evaluation, &e->inputs.engine, prompts,
                                               &p->error));
                hap_must(p, hap_statistics_run(&e->statistics, &e->inputs.engine, prompts,
                                               &p->error));
                hap_progress(p, e->evaluation.n, total, NULL);
        }
        if (hap_must(p, hap_evaluation_check(&e->evaluation, &e->metrics, e->opt->metrics != NULL,
                                             &p->error)))
                hap_say(p, "some metrics are left out: %s", p->error.message);
        if (!e->opt->metrics && hap_evaluation_drop_undefined(&e->evaluation, &e->metrics, &p->error))
                hap_say(p, "faithfulness is left out: %s", p->error.message);
}

void hap_evaluating_write(struct hap_evaluating *e)
{
        struct hap_program *p = e->p;
        json_t *header = hap_program_header(p, "report", e->inputs.header);

        hap_must(p, hap_inputs_describe(&e->inputs, header, &p->error));
        hap_must(p, hap_evaluation_describe(&e->evaluation, header, &p->error));
        hap_must(p, hap_curves_describe(&e->curves, &e->evaluation, header, &p->error));
        json_object_update_new(header, json_pack(
                "{s:s, s:s}", "ablation", hap_ablations[e->opt->ablation]->name,
                "dead", e->opt->keep_dead ? "kept" : "removed"));
        hap_must(p, hap_stream_out_begin(p->out, header, &p->error));
        hap_must(p, hap_evaluation_write(&e->evaluation, &e->metrics, e->opt->each, p->out,
                                         &p->error));
        hap_must(p, hap_statistics_write(&e->statistics, &e->metrics, p->out, &p->error));
        hap_must(p, hap_curves_write(&e->curves, &e->evaluation, &e->inputs.engine.graph,
                                     &e->metrics, e->opt->each, p->out, &p->error));
        hap_must(p, hap_stream_out_end(p->out, &p->error));
        json_decref(header);
}
