#include "eval/role_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/circuit_names.h"
#include "eval/classes.h"
#include "eval/loadings.h"
#include "eval/record.h"
#include "eval/roles.h"

struct role_report {
        struct hap_program *p;
        const struct hap_eval_options *opt;
        struct hap_inputs inputs;
        struct hap_roles roles;
        struct hap_loadings loadings;
};

static void write_record(struct role_report *r, json_t *record)
{
        hap_must(r->p, hap_record_write(r->p->out, record, &r->p->error));
}

static void head_name(const struct role_report *r, int head, char *name)
{
        const struct hap_graph *graph = &r->inputs.engine.graph;

        hap_graph_writer_name(graph, hap_head_of(graph, head), name);
}

static bool has_any_role(const struct role_report *r, int head)
{
        for (int role = 0; role < HAP_ROLES; role++)
                if (r->roles.found[role][head])
                        return true;
        return false;
}

/* --- the input --- */

static const struct hap_prompts *read_input(struct role_report *r)
{
        struct hap_program *p = r->p;
        const struct hap_prompts *prompts;
        struct hap_memory_estimate memory = hap_memory_within(&hap_memory_eval, p->max_memory,
                                                              (size_t)p->threads);

        memory.runs = HAP_MEMORY_GRADIENTS;
        memory.batches = 0; /* all prompts are kept */
        memory.options = (struct hap_prompts_options){hap_ablations[r->opt->ablation],
                                                      .want_q = true, .gradients = true};
        hap_must(p, hap_inputs_read(p->in, &(struct hap_inputs_want){
                .circuits = HAP_ANY_NUMBER, .model_path = p->model,
                .weights = (enum hap_weights)p->weights, .split_input = r->opt->split_input,
                .experts = r->opt->experts,
                .prompts = memory.options, .memory = memory}, &r->inputs, &p->error));
        if (r->opt->names.n > r->inputs.circuits.n)
                hap_die(p, HAP_EUSAGE, "%zu names for %zu circuits", r->opt->names.n,
                        r->inputs.circuits.n);
        hap_must(p, hap_inputs_next(&r->inputs, &prompts, &p->error));
        return prompts;
}

/* --- the report --- */

static void begin_report(struct role_report *r, size_t n)
{
        struct hap_program *p = r->p;
        json_t *header = hap_program_header(p, "report", r->inputs.header);

        hap_must(p, hap_inputs_describe(&r->inputs, header, &p->error));
        json_object_update_new(header, json_pack(
                "{s:I, s:s, s:s}", "examples", (json_int_t)n,
                "ablation", hap_ablations[r->opt->ablation]->name, "dead",
                r->opt->keep_dead ? "kept" : "removed"));
        hap_must(p, hap_stream_out_begin(p->out, header, &p->error));
        json_decref(header);
}

/* Puts the score and "NAME_threshold", unless the score is not defined. */
static void put_score(json_t *record, const char *name, double score, double threshold)
{
        char key[32];

        if (isnan(score))
                return;
        snprintf(key, sizeof key, "%s_threshold", name);
        json_object_set_new(record, name, json_real(score));
        json_object_set_new(record, key, json_real(threshold));
}

static void write_role(struct role_report *r, int role, int head)
{
        const struct hap_head_values *v = &r->roles.values;
        const double attention = hap_role_attention(&r->roles, role, head);
        const double effect = r->roles.effect[role][head];
        size_t examples = v->n;
        char name[HAP_NAME];
        json_t *record;

        if (isnan(attention) && (hap_roles[role].attends || isnan(effect)))
                return;
        if (hap_roles[role].attends)
                examples = v->examples[hap_value_attention(v, hap_roles[role].attention, head)];
        head_name(r, head, name);
        record = json_pack("{s:s, s:s, s:s, s:b}", "metric", "role", "role", hap_roles[role].name,
                           "head", name, "found", (int)r->roles.found[role][head]);
        put_score(record, "attention", attention, HAP_ROLE_ATTENTION);
        put_score(record, "effect", effect, r->roles.effect_threshold);
        json_object_set_new(record, "examples", json_integer((json_int_t)examples));
        write_record(r, record);
}

/* The attention of a head between named positions, where there is any. */
static void write_attention(struct role_report *r, int head)
{
        const struct hap_head_values *v = &r->roles.values;
        char name[HAP_NAME];

        head_name(r, head, name);
        for (int from = 0; from < v->n_names; from++)
                for (int to = 0; to < v->n_names; to++) {
                        const size_t at = hap_value_named(v, from, to, head);

                        if (v->examples[at] && v->mean[at] > 0)
                                write_record(r, json_pack(
                                        "{s:s, s:s, s:s, s:s, s:f, s:I}", "metric", "attention",
                                        "head", name, "from", v->names[from], "to", v->names[to],
                                        "value", v->mean[at], "examples",
                                        (json_int_t)v->examples[at]));
                }
}

static void write_direct_effects(struct role_report *r)
{
        const struct hap_head_values *v = &r->roles.values;
        double rest = v->mean[hap_value_logits(v)];
        char name[HAP_NAME];

        for (int w = 0; w < v->n_writers; w++) {
                const double effect = v->mean[hap_value_direct(v, w)];

                hap_graph_writer_name(&r->inputs.engine.graph, w, name);
                write_record(r, json_pack("{s:s, s:s, s:f}", "metric", "direct-effect", "node", name,
                                          "value", effect));
                rest -= effect;
        }
        write_record(r, json_pack("{s:s, s:s, s:f}", "metric", "direct-effect", "node", "rest",
                                  "value", rest));
        write_record(r, json_pack("{s:s, s:s, s:f, s:I}", "circuit", "full", "metric", "logit-diff",
                                  "value", v->mean[hap_value_logits(v)], "examples",
                                  (json_int_t)v->n));
}

static void write_loadings(struct role_report *r)
{
        const struct hap_loadings *l = &r->loadings;
        char edge[HAP_NAME], via[HAP_NAME];

        for (size_t i = 0; i < l->n; i++) {
                hap_graph_edge_name(&r->inputs.engine.graph, l->edges[i], edge);
                write_record(r, json_pack("{s:s, s:s, s:f}", "metric", "edge-effect", "edge", edge,
                                          "value", l->effect[i]));
                for (int s = 0; s < l->n_readers; s++) {
                        const double loading = l->loading[i * (size_t)l->n_readers + (size_t)s];

                        if (!(fabs(loading) > 0))
                                continue;
                        hap_graph_reader_name(&r->inputs.engine.graph, s, via);
                        write_record(r, json_pack("{s:s, s:s, s:s, s:f}", "metric", "loading",
                                                  "edge", edge, "via", via, "value", loading));
                }
        }
}

/* The heads of each role, and those without one, as classes. */
static json_t *classes_of(const struct role_report *r)
{
        json_t *classes = json_object(), *none = json_array();
        char name[HAP_NAME];

        for (int role = 0; role < HAP_ROLES; role++) {
                json_t *heads = json_array();

                for (int h = 0; h < r->roles.values.n_heads; h++) {
                        head_name(r, h, name);
                        if (r->roles.found[role][h])
                                json_array_append_new(heads, json_string(name));
                }
                if (json_array_size(heads) > 0)
                        json_object_set(classes, hap_roles[role].name, heads);
                json_decref(heads);
        }
        for (int h = 0; h < r->roles.values.n_heads; h++) {
                head_name(r, h, name);
                if (!has_any_role(r, h))
                        json_array_append_new(none, json_string(name));
        }
        json_object_set_new(classes, "no role", none);
        return json_pack("{s:o}", "classes", classes);
}

static void write_circuits(struct role_report *r)
{
        struct hap_classes classes = {.json = classes_of(r), .path = strdup("roles")};
        const struct hap_edges_list *circuits = &r->inputs.circuits;
        char **names = hap_circuit_names_make(circuits->items, circuits->n, &r->opt->names, 0,
                                              &r->p->error);

        hap_must(r->p, names ? HAP_OK : r->p->error.code);
        classes.classes = json_object_get(classes.json, "classes");
        if (!classes.classes || !classes.path)
                hap_must(r->p, hap_fail_memory(&r->p->error, "roles"));
        for (size_t i = 0; i < circuits->n; i++) {
                const struct hap_edges *circuit = circuits->items + i;

                if (!r->opt->keep_dead)
                        hap_graph_drop_dead(&circuit->graph, circuit->z);
                hap_must(r->p, hap_classes_write(&classes, &circuit->graph, circuit->z,
                         /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): hap_must() ends */
                                                 names[i], r->p->out, &r->p->error));
        }
        hap_circuit_names_release(names, circuits->n);
        hap_classes_release(&classes);
}

size_t hap_role_report(struct hap_program *p, const struct hap_eval_options *opt)
{
        struct role_report r = {.p = p, .opt = opt};
        const struct hap_prompts *prompts = read_input(&r);
        const size_t n = prompts->n;

        hap_must(p, hap_roles_find(&r.roles, &r.inputs.engine, prompts, &p->error));
        if (opt->loadings)
                hap_must(p, hap_loadings_find(&r.loadings, opt->loadings, &r.inputs.engine, prompts,
                                              hap_ablations[opt->ablation], &p->error));
        begin_report(&r, n);
        for (int role = 0; role < HAP_ROLES; role++)
                for (int h = 0; h < r.roles.values.n_heads; h++)
                        write_role(&r, role, h);
        for (int h = 0; h < r.roles.values.n_heads; h++)
                if (has_any_role(&r, h))
                        write_attention(&r, h);
        write_direct_effects(&r);
        write_loadings(&r);
        write_circuits(&r);
        hap_must(p, hap_stream_out_end(p->out, &p->error));
        hap_loadings_release(&r.loadings);
        hap_roles_release(&r.roles);
        hap_inputs_release(&r.inputs);
        return n;
}
