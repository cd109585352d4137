#include "forward/needs.h"

#include "forward/batches.h"

/* Libraries, threads' stacks, streams. */
#define PROGRAM ((size_t)24 << 20)

struct shape {
        size_t tokens, batch, rows; /* of a prompt; prompts and tokens of a batch */
        size_t outputs;             /* bytes of what all writers write in one run of a prompt */
        size_t kept;                /* bytes that a prepared prompt keeps beside its source */
        size_t answers;             /* bytes of the logits of one answer */
};

static struct shape shape_of(const struct hap_engine *engine, size_t tokens)
{
        const struct hap_config *c = &engine->model->config;
        const size_t d = (size_t)c->d_model, layers = (size_t)c->n_layers;
        const size_t heads = (size_t)(c->n_heads + 2 * c->n_kv_heads) * (size_t)c->d_head;
        struct shape s = {.tokens = tokens};

        s.batch = (HAP_BATCH_ROWS + tokens - 1) / tokens;
        s.batch = s.batch > HAP_BATCH_PROMPTS ? HAP_BATCH_PROMPTS : s.batch;
        s.rows = s.batch * tokens;
        s.outputs = (size_t)engine->graph.n_writers * tokens * d * sizeof(float);
        s.answers = (size_t)c->n_out * sizeof(float);
        s.kept = ((2 * layers + 1) * d + layers * heads) * tokens * sizeof(float) + s.answers;
        return s;
}

static void fill(const struct hap_engine *engine, const struct shape *s, size_t prompts,
                 size_t threads, struct hap_needs *n)
{
        const size_t readers = (size_t)engine->graph.n_readers;
        const size_t d = (size_t)engine->model->config.d_model;
        const size_t base = n->weights + PROGRAM;
        const size_t both = 2 * s->batch * (s->outputs + s->answers);
        const size_t held = both + s->batch * s->kept;

        n->cache_record = 2 * (s->outputs + s->answers);
        n->forward = base + threads * (both + s->batch * s->outputs +
                                       hap_work_bytes(engine, s->rows, s->tokens, s->batch,
                                                      false, false));
        n->attrib = base + threads * (held + s->batch * s->outputs +
                                      readers * s->rows * d * sizeof(float) +
                                      hap_work_bytes(engine, s->rows, s->tokens, s->batch,
                                                     false, true));
        n->eval = base + threads * (held + hap_work_bytes(engine, s->rows, s->tokens, s->batch,
                                                          true, false));
        n->prune = base + prompts * (s->outputs + s->kept) +
                   threads * hap_work_bytes(engine, s->rows, s->tokens, s->batch, true, true);
}

int hap_needs_of(struct hap_model *model, size_t tokens, size_t prompts, size_t threads,
                 struct hap_needs *needs, struct hap_error *err)
{
        const struct hap_config *c = &model->config;
        struct hap_engine engine = {.model = model};
        struct shape shape;
        int rc;

        if (tokens > (size_t)c->n_context)
                return hap_fail(err, HAP_EINPUT,
                                "cannot use prompts of %zu tokens: '%s' has %d positions", tokens,
                                model->path, c->n_context);
        rc = hap_graph_init(&engine.graph, c->n_layers, c->n_heads, c->parallel_residual, false,
                            err);
        if (rc < 0)
                return rc;
        *needs = (struct hap_needs){.weights = model->arena.bytes};
        shape = shape_of(&engine, tokens);
        fill(&engine, &shape, prompts, threads, needs);
        hap_graph_release(&engine.graph);
        return 0;
}
