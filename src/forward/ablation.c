#include "forward/ablation.h"

#include <string.h>

#include "common/tensor.h"
#include "forward/counterfactual.h"

/* data: [n_writers][d] */
static void read_one_vector(const struct hap_counterfactual *from, size_t d, int n_tokens,
                            int writer, int first, int n, float *out)
{
        const struct hap_tensor tensor = {.dtype = from->dtype, .data = from->data};

        (void)n_tokens;
        (void)first;
        hap_tensor_read(&tensor, (size_t)writer * d, d, out);
        for (int i = 1; i < n; i++)
                memcpy(out + (size_t)i * d, out, d * sizeof(*out));
}

/* data: [n_writers][n_positions][d] */
static void read_mean_positions(const struct hap_counterfactual *from, size_t d, int n_tokens,
                                int writer, int first, int n, float *out)
{
        const struct hap_tensor tensor = {.dtype = from->dtype, .data = from->data};

        const size_t start = (size_t)writer * (size_t)from->n_positions;

        (void)n_tokens;
        if (!from->depth)
                hap_tensor_read(&tensor, (start + (size_t)first) * d, (size_t)n * d, out);
        for (int i = 0; from->depth && i < n; i++)
                hap_tensor_read(&tensor, (start + (size_t)from->depth[first + i]) * d, d,
                                out + (size_t)i * d);
}

/* data: [n_writers][n_tokens][d], or the rows that were made again */
static void read_corrupted_run(const struct hap_counterfactual *from, size_t d, int n_tokens,
                               int writer, int first, int n, float *out)
{
        const struct hap_tensor tensor = {.dtype = from->dtype, .data = from->data};

        const size_t rows = (size_t)(from->n_rows ? from->n_rows : n_tokens);

        hap_tensor_read(&tensor, ((size_t)writer * rows + (size_t)(first - from->first)) * d,
                        (size_t)n * d, out);
}

const struct hap_ablation hap_interchange = {
        .name = "interchange",
        .help = "the writer's output in the corrupted prompt's run",
        .per_prompt = true,
        .per_position = true,
        .read = read_corrupted_run,
};

const struct hap_ablation hap_zero = {
        .name = "zero",
        .help = "zero",
};

const struct hap_ablation hap_mean = {
        .name = "mean",
        .help = "the writer's mean output over the clean prompts",
        .averaged = HAP_OVER_CLEAN,
        .read = read_one_vector,
};

const struct hap_ablation hap_mean_position = {
        .name = "mean-position",
        .help = "the same mean, separate for every position",
        .per_position = true,
        .averaged = HAP_OVER_CLEAN,
        .read = read_mean_positions,
};

/* Wang et al. 2022, Interpretability in the wild (arXiv:2211.00593), average over their corrupted
 * prompts (ABC) at each position, but apart for each template; here all prompts are one group. */
const struct hap_ablation hap_mean_corrupted = {
        .name = "mean-corrupted",
        .help = "the writer's mean output over the corrupted prompts",
        .averaged = HAP_OVER_CORRUPTED,
        .read = read_one_vector,
};

const struct hap_ablation hap_mean_corrupted_position = {
        .name = "mean-corrupted-position",
        .help = "the mean over the corrupted prompts, separate for every position",
        .per_position = true,
        .averaged = HAP_OVER_CORRUPTED,
        .read = read_mean_positions,
};

const struct hap_ablation hap_mean_both = {
        .name = "mean-both",
        .help = "the writer's mean output over the clean and the corrupted prompts",
        .averaged = HAP_OVER_CLEAN | HAP_OVER_CORRUPTED,
        .read = read_one_vector,
};

const struct hap_ablation hap_mean_both_position = {
        .name = "mean-both-position",
        .help = "the mean over both, separate for every position",
        .per_position = true,
        .averaged = HAP_OVER_CLEAN | HAP_OVER_CORRUPTED,
        .read = read_mean_positions,
};

/* Li and Janson 2024, Optimal ablation for interpretability (arXiv:2409.09951). */
const struct hap_ablation hap_optimal = {
        .name = "optimal",
        .help = "constants of the input, which hap-ablate learned",
        .learned = true,
        .read = read_one_vector,
};

const struct hap_ablation *const hap_ablations[] = {
        &hap_interchange,    &hap_zero,
        &hap_mean,           &hap_mean_position,
        &hap_mean_corrupted, &hap_mean_corrupted_position,
        &hap_mean_both,      &hap_mean_both_position,
        &hap_optimal,        NULL,
};

const char *hap_ablation_choice(int i, const char **help)
{
        if (!hap_ablations[i])
                return NULL;
        *help = hap_ablations[i]->help;
        return hap_ablations[i]->name;
}
