#include "data/stage_plan.h"

#include <math.h>

#include "common/number.h"
#include "data/batches.h"
#include "data/memory_estimate.h"
#include "data/prompts.h"
#include "model/report.h"

enum { STEP = 32, RUNS = 1000 }; /* prompts of a pruning step; the runs that are planned */

/* Multiplications and additions of one run of a prompt of t tokens with one answer position. */
struct run_work {
        double full;    /* 2 t (attention and MLP weights) + 2 (unembedding) + attention's scores */
        double masked;  /* the same with k and v for each head, and mixing: 2 · edges · t · d_model */
        double edges;   /* 2 · edges · t · d_model: scores of all edges, or gradients of masks */
};

static struct run_work work_of_run(const struct hap_config *c, const struct hap_graph *graph,
                                   size_t tokens)
{
        const double t = (double)tokens, d = c->d_model, layers = c->n_layers;
        const double head = (double)c->d_head * c->n_heads;
        const double kv = 2. * c->d_head * c->n_kv_heads;
        const double mlp = (c->gated ? 3. : 2.) * c->d_mlp * (c->n_experts ? c->n_used : 1);
        const double attention = 4 * t * t * head * layers;
        const double out = 2 * d * c->n_out;
        const double edges = 2 * (double)graph->n_edges * t * d;

        return (struct run_work){
                .full = 2 * t * layers * d * (2 * head + kv + mlp) + attention + out,
                .masked = 2 * t * layers * d * (4 * head + mlp) + attention + out + edges,
                .edges = edges,
        };
}

/* The work of a stage for one prompt, or of a pruning step for one run. */
struct stage_work {
        const char *name;
        const struct hap_memory_estimate *stage;
        double full, masked, edges; /* factors of those of struct run_work */
};

/* A backward pass by the inputs costs what the forward pass does; that of a masked run mixes twice,
 * for the gradients of masks and of writers. */
static const struct stage_work stages[] = {
        {"hap-forward", &hap_memory_forward, 2, 0, 0},
        {"hap-attrib", &hap_memory_attrib, 3, 0, 1},
        {"hap-eval", &hap_memory_eval, 2, 1, 0},
        {"hap-prune", &hap_memory_prune, 0, 2, 1},
};

static size_t jobs_of(size_t prompts, size_t per_job)
{
        return (prompts + per_job - 1) / per_job;
}

/* Seconds of `runs` runs in jobs that the ranks' threads take in turns. */
static double seconds_of(const struct hap_stage_plan *plan, size_t threads, double work,
                         size_t runs, size_t per_job)
{
        const size_t workers = plan->ranks * threads;
        const size_t turns = jobs_of(jobs_of(runs, per_job), workers);
        const double rate = plan->rate * 1e9 * HAP_PLAN_EFFICIENCY / (double)threads;

        return (double)turns * (double)hap_min(per_job, runs) * work / rate;
}

static double stage_seconds(const struct hap_stage_plan *plan, const struct hap_model_needs *needs,
                            const struct stage_work *stage, const struct hap_model *model,
                            bool remade)
{
        const struct run_work run = work_of_run(&model->config, &needs->graph, needs->tokens);
        const double work = (stage->full + remade) * run.full + stage->masked * run.masked +
                            stage->edges * run.edges;
        const bool gradients = stage->stage->options.gradients;
        const size_t rows = gradients ? hap_batches_gradient_rows(&needs->graph,
                                                                  model->config.d_model)
                                      : HAP_BATCH_ROWS;
        const size_t batch = hap_batches_prompts(rows, needs->tokens);
        const size_t steps = jobs_of(RUNS, STEP);

        if (stage->stage->runs != HAP_MEMORY_TRAINING)
                return seconds_of(plan, needs->threads, work, needs->prompts, batch);
        return (double)steps * seconds_of(plan, needs->threads, work, STEP,
                                          hap_prompts_per_job(1, STEP, batch));
}

/* The memory of a rank: attribution, caches and evaluation keep the prompts at hand only, a
 * pruning keeps all, with the outputs of their corrupted runs or without. */
static size_t stage_bytes(const struct hap_model_needs *needs, const struct stage_work *stage,
                          const struct hap_model *model, enum hap_outputs outputs)
{
        struct hap_memory_estimate estimate = *stage->stage;

        estimate.options.outputs = outputs;
        estimate.prompts = needs->prompts;
        estimate.tokens = needs->tokens;
        estimate.positions = 1;
        estimate.threads = needs->threads;
        return hap_memory_bytes(&estimate, model, &needs->graph);
}

enum { TEXT = 32 };

static const char *size_text(char text[static TEXT], size_t bytes)
{
        const double mb = (double)bytes / 1e6;

        snprintf(text, TEXT, mb < 1e5 ? "%.0f MB" : "%.0f GB", mb < 1e5 ? mb : mb / 1e3);
        return text;
}

static const char *time_text(char text[static TEXT], double seconds)
{
        if (seconds < 1e4)
                snprintf(text, TEXT, seconds < 1e3 ? "%.3g s" : "%.0f s", seconds);
        else
                snprintf(text, TEXT, "%.0f h", seconds / 3600);
        return text;
}

/* Pruning keeps the outputs of the corrupted runs if they fit, and otherwise makes them again. */
static bool print_stage(const struct hap_stage_plan *plan, const struct hap_model_needs *needs,
                        const struct stage_work *stage, const struct hap_model *model, FILE *out)
{
        const bool prunes = stage->stage->runs == HAP_MEMORY_TRAINING;
        const size_t kept = stage_bytes(needs, stage, model, HAP_OUTPUTS_KEPT);
        const bool remade = prunes && plan->memory && kept > plan->memory;
        const size_t bytes = remade ? stage_bytes(needs, stage, model, HAP_OUTPUTS_REMADE) : kept;
        const bool fits = !plan->memory || bytes <= plan->memory;
        char size[TEXT], kept_size[TEXT], time[TEXT];

        hap_report_line(out, stage->name, "%s%s, %s%s", size_text(size, bytes),
                        !plan->memory ? "" : fits ? ", fits" : ", does not fit",
                        time_text(time, stage_seconds(plan, needs, stage, model, remade)),
                        prunes ? " for 1000 masked runs with gradients" : "");
        if (remade)
                hap_report_line(out, "", "from a task: the outputs of the corrupted runs, %s, are "
                                         "made again in every run", size_text(kept_size, kept - bytes));
        return fits;
}

bool hap_stage_plan_print(const struct hap_stage_plan *plan, const struct hap_model_needs *needs,
                          const struct hap_model *model, FILE *out)
{
        const size_t batch = hap_batches_prompts(HAP_BATCH_ROWS, needs->tokens);
        const size_t jobs = jobs_of(STEP, hap_prompts_per_job(1, STEP, batch));
        const struct run_work run = work_of_run(&model->config, &needs->graph, needs->tokens);
        bool fits = true;

        fprintf(out, "plan for %zu prompts of %zu tokens, %zu rank%s of %zu thread%s\n",
                needs->prompts, needs->tokens, plan->ranks, plan->ranks == 1 ? "" : "s",
                needs->threads, needs->threads == 1 ? "" : "s");
        hap_report_line(out, "products", "%.0f GFLOP/s a rank, measured here; runs reach %.0f%%",
                        plan->rate, 100 * HAP_PLAN_EFFICIENCY);
        hap_report_line(out, "graph", "%zu edges", needs->graph.n_edges);
        hap_report_line(out, "runs", "%.3g GFLOP full, %.3g GFLOP masked, a prompt", run.full / 1e9,
                        run.masked / 1e9);
        for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
                fits &= print_stage(plan, needs, stages + i, model, out);
        hap_report_line(out, "step", "%d prompts in %zu jobs: at most %zu threads are busy", STEP,
                        jobs, hap_min(jobs, plan->ranks * needs->threads));
        if (plan->ranks > 1)
                hap_report_line(out, "gradients", "%.3g MB are gathered in a step",
                                (double)jobs * (double)needs->graph.n_edges * sizeof(float) / 1e6);
        if (plan->memory)
                hap_report_line(out, "verdict", fits ? "every stage fits" : "a stage does not fit");
        return fits;
}
