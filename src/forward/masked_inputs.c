#include "forward/masked_state.h"

#include <string.h>

#include "forward/norm.h"
#include "forward/product.h"

/* From here on only the answers' rows are carried. */
static void gather_answer_rows(struct hap_masked_pass *m, int slots)
{
        const size_t from = hap_slot_size(m), to = (size_t)m->batch->answers.n * m->config->d_model;

        for (int s = 0; s <= slots && !m->scratch->counting; s++)
                hap_rows_gather(m->rows, &m->batch->answers, m->batch->n, m->config->d_model,
                                m->stream + (size_t)s * from, m->state->answer_stream + (size_t)s * to);
        m->stream = m->state->answer_stream;
        m->rows = &m->batch->answers;
}

/* The readers of a layer in a list: `which` from..to (0 q, 1 k, 2 v) of its
 * active heads, and the MLP. */
struct list {
        int n;
        int *reader;
        struct hap_input **input;
};

static void list_add(struct list *list, int reader, struct hap_input *input)
{
        list->reader[list->n] = reader;
        list->input[list->n++] = input;
}

static int list_init(const struct hap_masked_pass *m, struct list *list)
{
        const size_t max = (size_t)hap_graph_layer_readers(m->graph);

        *list = (struct list){0};
        list->reader = hap_scratch_alloc(m->scratch, max, sizeof(*list->reader));
        list->input = hap_scratch_alloc(m->scratch, max, sizeof(*list->input));
        return m->scratch->error.code;
}

/* Memory for one reader's statistics. */
static int alloc_stats(const struct hap_masked_pass *m, struct hap_input *input)
{
        input->mean = hap_scratch_alloc(m->scratch, (size_t)m->rows->n, sizeof(float));
        input->rstd = hap_scratch_alloc(m->scratch, (size_t)m->rows->n, sizeof(float));
        return m->scratch->error.code;
}

static float *copy_of_stream(const struct hap_masked_pass *m)
{
        float *x = hap_scratch_alloc(m->scratch, hap_slot_size(m), sizeof(*x));

        if (x != NULL && !m->scratch->counting)
                memcpy(x, m->stream, hap_slot_size(m) * sizeof(*x));
        return x;
}

/* Readers without an open edge read R' itself. Those of heads, whose q, k, v are
 * the counterfactual's, need it only for a gradient, or if all heads share the norm of q and k,
 * and share one copy; the MLP goes on to change its own (mlp_input). */
static int copy_unmixed(const struct hap_masked_pass *m, const struct list *list)
{
        const struct hap_plan *plan = &m->state->plan;
        float *shared = NULL;

        for (int i = 0; i < list->n; i++) {
                const int reader = list->reader[i];
                const bool own = hap_graph_reader(m->graph, reader).kind == HAP_READS_MLP;

                if (plan->mixed[reader] ||
                    (!own && !plan->gradient[reader] && !m->config->qk_norm_together))
                        continue;
                if (own || shared == NULL)
                        list->input[i]->x = copy_of_stream(m);
                else
                        list->input[i]->x = shared;
                if (!own)
                        shared = list->input[i]->x;
                if (list->input[i]->x == NULL)
                        return m->scratch->error.code;
        }
        return HAP_OK;
}

/* Inputs of the listed readers: mixtures, or R' itself where no edge is open. */
static int mix_inputs(const struct hap_masked_pass *m, const struct list *list, int slots)
{
        const struct hap_plan *plan = &m->state->plan;
        struct list mixed;
        struct hap_mix job;
        float *x;

        if (list_init(m, &mixed) < 0)
                return m->scratch->error.code;
        for (int i = 0; i < list->n; i++)
                if (plan->mixed[list->reader[i]])
                        list_add(&mixed, list->reader[i], list->input[i]);
        x = hap_scratch_alloc(m->scratch, (size_t)mixed.n * hap_slot_size(m), sizeof(*x));
        if (x == NULL)
                return m->scratch->error.code;
        for (int i = 0; i < mixed.n; i++)
                mixed.input[i]->x = x + (size_t)i * hap_slot_size(m);
        if (copy_unmixed(m, list) < 0)
                return m->scratch->error.code;
        for (int i = 0; i < list->n; i++)
                if (list->input[i]->x != NULL && alloc_stats(m, list->input[i]) < 0)
                        return m->scratch->error.code;
        job = (struct hap_mix){.plan = plan, .batch = m->batch, .rows = m->rows, .z = m->run->z,
                               .n = mixed.n, .reader = mixed.reader, .slots = slots,
                               .stream = m->stream};
        return mixed.n > 0 ? hap_mix_forward(m->scratch, &job, x) : HAP_OK;
}

/* Column block i of q, k or v = the counterfactual's. */
static void copy_counterfactual(const struct hap_masked_pass *m, const struct hap_masked_layer *s,
                        int which, int i)
{
        const struct hap_rows *rows = which == 0 ? s->heads.q_rows : s->heads.kv_rows;
        const int dh = m->config->d_head, per = m->config->n_heads / m->config->n_kv_heads;
        const int blocks = which == 0 ? m->config->n_heads : m->config->n_kv_heads;
        const int block = which == 0 ? s->head[i] : s->head[i] / per;
        float *to = which == 0 ? s->heads.q : which == 1 ? s->heads.k : s->heads.v;

        for (int at = 0; at < m->batch->n; at++) {
                const struct hap_prompt *prompt = m->batch->prompts[at];
                const float *from = which == 0 ? prompt->q : which == 1 ? prompt->k : prompt->v;
                const size_t start = (size_t)s->heads.layer * prompt->n_tokens;

                for (int r = rows->start[at]; r < rows->start[at + 1]; r++) {
                        const size_t t = start + (size_t)(rows->first[at] + r - rows->start[at]);

                        memcpy(to + ((size_t)r * s->n + i) * dh, from + (t * blocks + block) * dh,
                               (size_t)dh * sizeof(*to));
                }
        }
}

/* q, k or v of every active head. */
static void project_heads(const struct hap_masked_pass *m, struct hap_masked_layer *s, int l, int which)
{
        const struct hap_layer *layer = &m->engine->model->layers[l];
        const struct hap_linear *linear = which == 0 ? &layer->q
                                        : which == 1 ? &layer->k : &layer->v;
        const int d = m->config->d_model, dh = m->config->d_head, n = m->rows->n, ld = s->n * dh;
        const int per = m->config->n_heads / m->config->n_kv_heads;
        float *out = which == 0 ? s->heads.q : which == 1 ? s->heads.k : s->heads.v;

        for (int i = 0; i < s->n && !m->scratch->counting; i++) {
                struct hap_input *in = &s->input[which][i];
                const int reader = hap_graph_head_reader(m->graph, l, which, s->head[i]);
                const int block = (which == 0 ? s->head[i] : s->head[i] / per) * dh;

                if (in->x != NULL)
                        hap_input_stats(m->config, n, d, in->x, in->mean, in->rstd);
                if (!m->state->plan.mixed[reader]) {
                        copy_counterfactual(m, s, which, i);
                        if (in->x == NULL || which == 2 || s->heads.q_pre_norm == NULL)
                                continue;
                }
                hap_product_forward(m->scratch, hap_block_rows(&linear->weight, block, dh), n,
                                    in->x, d, 0, out + (size_t)i * dh, ld);
                hap_scale_rows(n, dh, in->rstd, linear->bias != NULL ? linear->bias + block : NULL,
                               out + (size_t)i * dh, ld);
                if (which < 2)
                        hap_heads_rotate(m->engine, &s->heads, which, i);
        }
        if (which < 2 && s->n > 0 && !m->scratch->counting)
                hap_heads_rotate_together(m->engine, &s->heads, which);
}

static void list_heads(const struct hap_masked_pass *m, struct hap_masked_layer *s, int l,
                       int which, struct list *list)
{
        for (int i = 0; i < s->n; i++)
                list_add(list, hap_graph_head_reader(m->graph, l, which, s->head[i]),
                         &s->input[which][i]);
}

int hap_masked_inputs(struct hap_masked_pass *m, struct hap_masked_layer *s, int l)
{
        struct list list;
        int rc = list_init(m, &list);

        if (rc < 0)
                return rc;
        if (s->answer_rows_only) {
                list_heads(m, s, l, 1, &list);
                list_heads(m, s, l, 2, &list);
                rc = mix_inputs(m, &list, s->slots);
                if (rc < 0)
                        return rc;
                project_heads(m, s, l, 1);
                project_heads(m, s, l, 2);
                gather_answer_rows(m, s->slots);
                list.n = 0;
        }
        list_heads(m, s, l, 0, &list);
        if (!s->answer_rows_only) {
                list_heads(m, s, l, 1, &list);
                list_heads(m, s, l, 2, &list);
        }
        for (int i = 0; i < s->n_mlps; i++)
                list_add(&list, hap_graph_mlp_reader(m->graph, l) + s->mlp_node[i],
                         &s->mlp_input[i]);
        rc = mix_inputs(m, &list, s->slots);
        if (rc < 0)
                return rc;
        project_heads(m, s, l, 0);
        if (!s->answer_rows_only) {
                project_heads(m, s, l, 1);
                project_heads(m, s, l, 2);
        }
        return HAP_OK;
}
