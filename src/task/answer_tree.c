/* The beginnings of answers, as the tokens that follow a prompt. */
#include "task/answer_tree.h"

#include <stdlib.h>
#include <string.h>

#include "task/record_reader.h"

int hap_shared_tokens(const struct hap_answer *a, const struct hap_answer *b)
{
        const int n = a->n < b->n ? a->n : b->n;
        int i = 0;

        while (i < n && a->tokens[i] == b->tokens[i])
                i++;
        return i;
}

/* By tokens; the beginning of an answer goes before it. */
static int compare_answers(const void *left, const void *right)
{
        const struct hap_answer *a = *(struct hap_answer *const *)left;
        const struct hap_answer *b = *(struct hap_answer *const *)right;
        const int i = hap_shared_tokens(a, b);

        if (i == a->n || i == b->n)
                return (a->n > b->n) - (a->n < b->n);
        return (a->tokens[i] > b->tokens[i]) - (a->tokens[i] < b->tokens[i]);
}

struct hap_answer **hap_sort_answers(const struct hap_answer *whole, size_t n)
{
        struct hap_answer **sorted = calloc(n + 1, sizeof(*sorted));

        if (!sorted)
                return NULL;
        for (size_t i = 0; i < n; i++)
                sorted[i] = (struct hap_answer *)whole + i;
        qsort(sorted, n, sizeof(*sorted), compare_answers);
        return sorted;
}

/* The tokens after the prompt's last, which is token 0 here. */
struct tree {
        int n;          /* tokens, with token 0 */
        int32_t *token; /* [n] */
        int *depth;     /* [n]: tokens of the beginning that ends here */
        int *end;       /* [n]: the first later token that does not continue it */
        int *path;      /* by depth: the tokens of the answer before */
};

static int alloc_tree(const struct hap_record_reader *in, const struct hap_answer *whole, size_t n,
                      struct tree *tree)
{
        size_t max = 1, longest = 0; /* max: with no beginnings in common */

        for (size_t i = 0; i < n; i++) {
                max += (size_t)whole[i].n - 1;
                longest = (size_t)whole[i].n > longest ? (size_t)whole[i].n : longest;
        }
        if (max > INT32_MAX / 2)
                return hap_refuse_record(in, "the answers have too many tokens");
        tree->token = hap_arena_alloc(in->arena, max, sizeof *tree->token);
        tree->depth = hap_arena_alloc(in->arena, max, sizeof *tree->depth);
        tree->end = hap_arena_alloc(in->arena, max, sizeof *tree->end);
        tree->path = hap_arena_alloc(in->arena, longest + 1, sizeof *tree->path);
        tree->n = 1;
        return tree->token && tree->depth && tree->end && tree->path
                       ? HAP_OK : hap_fail_memory(in->err, "answers");
}

/* Adds the beginnings of an answer, of which those up to `known` tokens are there; of the answer
 * before, `open` are. */
static int add_answer(const struct hap_record_reader *in, struct tree *tree, int known, int open,
                      struct hap_answer *answer)
{
        int *at = hap_arena_alloc(in->arena, (size_t)answer->n, sizeof *at);

        if (!at)
                return hap_fail_memory(in->err, "answers");
        for (int depth = known + 1; depth <= open; depth++)
                tree->end[tree->path[depth]] = tree->n;
        for (int depth = known + 1; depth < answer->n; depth++) {
                tree->token[tree->n] = answer->tokens[depth - 1];
                tree->depth[tree->n] = depth;
                tree->path[depth] = tree->n++;
        }
        memcpy(at, tree->path, (size_t)answer->n * sizeof *at);
        answer->at = at;
        return HAP_OK;
}

/* In the order of the sorted answers, so that the continuations of a beginning follow it. */
static int build_tree(const struct hap_record_reader *in, const struct hap_answer *whole, size_t n,
                      struct tree *tree)
{
        struct hap_answer **sorted = hap_sort_answers(whole, n);
        int rc = sorted ? alloc_tree(in, whole, n, tree) : hap_fail_memory(in->err, "answers");
        int open = 0;

        for (size_t i = 0; i < n && rc == 0; i++) {
                const int known = i ? hap_shared_tokens(sorted[i - 1], sorted[i]) : 0;

                rc = add_answer(in, tree, known, open, sorted[i]);
                open = sorted[i]->n - 1;
        }
        for (int depth = 0; depth <= open && rc == 0; depth++)
                tree->end[tree->path[depth]] = tree->n;
        free(sorted);
        return rc;
}

/* The prompt, and the tree's tokens after it. NULL: no memory. */
static const int32_t *append_tokens(const struct hap_record_reader *in, const int32_t *prompt,
                                    int n, const struct tree *tree)
{
        const size_t all = (size_t)n + (size_t)tree->n - 1;
        int32_t *tokens = hap_arena_alloc(in->arena, all, sizeof *tokens);

        if (!tokens)
                return NULL;
        /* NOLINTBEGIN(clang-analyzer-core.NonNullParamChecker): prompts and trees have tokens */
        memcpy(tokens, prompt, (size_t)n * sizeof *tokens);
        memcpy(tokens + n, tree->token + 1, ((size_t)tree->n - 1) * sizeof *tokens);
        /* NOLINTEND(clang-analyzer-core.NonNullParamChecker) */
        return tokens;
}

/* Sets depth and end of a tree that branches. */
static int set_depths(const struct hap_record_reader *in, const struct tree *tree, int n_prompt,
                      struct hap_example *example)
{
        const size_t n = (size_t)n_prompt + (size_t)tree->n - 1;
        int *depth, *end;
        bool branches = false;

        for (int i = 1; i < tree->n; i++)
                branches |= tree->end[i] != tree->n;
        if (!branches)
                return HAP_OK;
        depth = hap_arena_alloc(in->arena, n, sizeof *depth);
        end = hap_arena_alloc(in->arena, n, sizeof *end);
        if (!depth || !end)
                return hap_fail_memory(in->err, "answers");
        for (int t = 0; t < n_prompt; t++) {
                depth[t] = t;
                end[t] = (int)n;
        }
        for (int i = 1; i < tree->n; i++) {
                depth[n_prompt - 1 + i] = n_prompt - 1 + tree->depth[i];
                end[n_prompt - 1 + i] = n_prompt - 1 + tree->end[i];
        }
        example->depth = depth;
        example->end = end;
        return HAP_OK;
}

static int check_model(const struct hap_record_reader *in, const struct hap_example *example)
{
        const struct hap_config *config = in->model ? &in->model->config : NULL;
        int longest = 0;

        if (example->n_answers == 0)
                return hap_refuse_record(in, "wrongs have several tokens, but there are no answers");
        if (example->n_answer_positions != 1 || example->answer_first != example->n_tokens - 1)
                return hap_refuse_record(in, "an answer has several tokens, and 'at' is not the "
                                         "last position alone: an answer of several tokens follows "
                                         "the prompt");
        for (int i = 0; i < example->n_answers + example->n_wrongs; i++)
                longest = example->whole[i].n > longest ? example->whole[i].n : longest;
        if (!config)
                return HAP_OK;
        if (!config->causal || config->n_out == 1)
                return hap_refuse_record(in, "an answer has several tokens, which needs a model "
                                         "with %s", config->causal ? "more than one output"
                                                                   : "causal attention");
        if (longest - 1 > config->n_context - example->n_tokens)
                return hap_refuse_record(in, "clean has %d tokens and an answer %d, the model has "
                                         "%d positions", example->n_tokens, longest,
                                         config->n_context);
        return HAP_OK;
}

int hap_append_answers(const struct hap_record_reader *in, struct hap_example *example)
{
        const int n = example->n_tokens;
        struct tree tree = {0};
        int rc;

        if (n == HAP_UNKNOWN_LENGTH)
                return HAP_OK;
        if ((rc = check_model(in, example)) < 0 ||
            (rc = build_tree(in, example->whole,
                             (size_t)example->n_answers + (size_t)example->n_wrongs, &tree)) < 0 ||
            (rc = set_depths(in, &tree, n, example)) < 0)
                return rc;
        if (tree.n > INT32_MAX / 2 - n)
                return hap_refuse_record(in, "the answers have too many tokens");
        example->clean = append_tokens(in, example->clean, n, &tree);
        example->corrupted = append_tokens(in, example->corrupted, n, &tree);
        if (!example->clean || !example->corrupted)
                return hap_fail_memory(in->err, "prompts");
        example->n_tokens = n + tree.n - 1;
        example->n_answer_positions = tree.n;
        return HAP_OK;
}
