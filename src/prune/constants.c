/* The constants of the recipes: one row each. */
#include <math.h>
#include <stddef.h>

#include "metric/metric.h"
#include "prune/options.h"

static const char *const node_masks[] = {"none", "free", "counted", NULL};
static const char *const ramp_kinds[] = {"linear", "logarithmic", NULL};
static const char *const mask_kinds[] = {"concrete", "bernoulli", NULL};
static const char *const no_yes[] = {"no", "yes", NULL};

#define FIELD(name) offsetof(struct hap_prune_options, name)
#define INT(field, low, high) HAP_INT, FIELD(field), .min = low, .max = high
#define REAL(field, low, high) HAP_REAL, FIELD(field), .min = low, .max = high
#define CHOICE(field, names) HAP_CHOICE, FIELD(field), .choices = names
#define ROWS(field, list) HAP_CHOICE, FIELD(field), .choice = list

const struct hap_constant hap_rank_constants[] = {
        {{0, "steps", "N", INT(steps, 0, 1e9), .help = "take N steps, in each restart"},
         .fitted = "48; 0 for 128 edges and more", .plain = true},
        {{0, "batch", "N", INT(batch, 1, 65536), .help = "sample masks for N prompts in each step"},
         .value = 16, .part = HAP_STEPS, .plain = true},
        {{0, "patience", "N", INT(patience, 0, 1e9),
          .help = "stop early if the ranking gave no new circuit for N steps; 0: never"},
         .value = 0, .part = HAP_STEPS, .plain = true},
        {{0, "sharpness", "X", REAL(sharpness, 0, 1000),
          .help = "how steeply the chance of an edge falls with its rank, in the first step"},
         .value = 1, .part = HAP_STEPS},
        {{0, "last-sharpness", "X", REAL(last_sharpness, 0, 1000),
          .help = "the same in the last step"}, .value = 5, .part = HAP_STEPS},
        {{0, "momentum", "X", REAL(momentum, 0, 0.9999),
          .help = "decay of the running mean of gradients, per step"},
         .value = .94, .part = HAP_STEPS},
        {{0, "anneal", "X", REAL(anneal, 0, 1),
          .help = "fraction of the steps after which only the wanted edges are open"},
         .value = .5, .part = HAP_STEPS},
        {{0, "choose-on", "N", INT(choose_on, 1, 1e9),
          .help = "compare candidate circuits on N prompts"}, .value = 32},
        {{0, "finalists", "N", INT(finalists, 1, 1e6),
          .help = "compare the best N candidates again, on more prompts"}, .value = 4},
        {{0, "finalists-on", "N", INT(finalists_on, 0, 1e9),
          .help = "extra prompts for the final choice"}, .value = 100},
        {{0, "restarts", "N", INT(restarts, 1, 1000),
          .help = "repeat the steps with N streams of random numbers"}, .fitted = "1"},
        {{0, "rounds", "N", INT(rounds, 0, 100000), .help = "do N rounds of refinement"},
         .fitted = "18; 36 for 128 edges and more; 0 for fewer without steps"},
        {{0, "refine-on", "N", INT(refine_on, 1, 100000),
          .help = "take the gradients of a round on N prompts"},
         .fitted = "32; 16 for fewer than 128 edges with steps"},
        {{0, "own-scores", "YN", CHOICE(own_scores, no_yes),
          .help = "also try to start refinement from scores that are measured at masks of .1 to "
                  ".9"},
         .value = 1},
        {{0, "exact-edges", "N", INT(exact_edges, 0, 1e6),
          .help = "also try to start sampling from the removal of each edge, if there are at most "
                  "N"},
         .value = 256},
        {{0, "round-sharpness", "X", REAL(round_sharpness, 0, 1e6),
          .help = "sharpness of the masks sampled in a round"}, .value = 30, .part = HAP_ROUNDS},
        {{0, "round-clip", "X", REAL(round_clip, 0, 1e30),
          .help = "limit gradients of a round to X times their mean size"},
         .value = 10, .part = HAP_ROUNDS},
        {{0, "share", "X", REAL(share, 1e-6, 1),
          .help = "fraction of the circuit's edges that the first round exchanges"},
         .fitted = "0.06; 0.02 for 128 edges and more; less where more of the graph is kept",
         .part = HAP_ROUNDS},
        {{0, "last-share", "X", REAL(last_share, 1e-6, 1),
          .help = "fraction that a round after the last would exchange"},
         .fitted = "1/24 of share", .part = HAP_ROUNDS},
        {{0, "velocity", "X", REAL(velocity, 0, 1), .help = "momentum across rounds"},
         .value = .7, .part = HAP_ROUNDS},
        {{0, "swaps", "N", INT(swaps, 0, 1000),
          .help = "do at most N rounds of swaps at the end"}, .value = 0},
        {{0, "masks", "KIND", CHOICE(masks, mask_kinds),
          .help = "masks of the first restart; every second restart uses the other kind"},
         .value = HAP_MASKS_CONCRETE},
        {.option = {0}},
};

const struct hap_constant hap_edge_pruning_constants[] = {
        {{0, "steps", "N", INT(steps, 0, 1e9), .help = "take N steps"},
         .value = 3000, .plain = true},
        {{0, "batch", "N", INT(batch, 1, 65536), .help = "use N prompts for each step"},
         .value = 32, .part = HAP_STEPS, .plain = true},
        {{0, "patience", "N", INT(patience, 0, 1e9),
          .help = "stop early if, after the ramp, the smoothed KL has not fallen by 1 % for N "
                  "steps; 0: never"},
         .value = 0, .part = HAP_STEPS, .plain = true},
        {{0, "rate", "X", REAL(rate, 0, 1e6), .help = "learning rate of the edge masks"},
         .value = .8},
        {{0, "node-rate", "X", REAL(node_rate, 0, 1e6),
          .help = "learning rate of the node masks"}, .value = .8},
        {{0, "lambda-rate", "X", REAL(lambda_rate, 0, 1e6),
          .help = "learning rate of the multipliers of the sparsity"}, .value = .8},
        {{0, "weight-decay", "X", REAL(weight_decay, 0, 1),
          .help = "weight decay of AdamW, on masks and multipliers"}, .value = .01},
        {{0, "clip", "X", REAL(clip, 0, 1e9),
          .help = "limit the norm of the gradient to X; 0: no limit"}, .value = 1},
        {{0, "beta1", "X", REAL(beta1, 0, 0.999999),
          .help = "decay of AdamW's mean of gradients"}, .value = .9},
        {{0, "beta2", "X", REAL(beta2, 0, 0.999999),
          .help = "decay of AdamW's mean of squared gradients"}, .value = .999},
        {{0, "start", "X", REAL(start, -100, 100), .help = "mean of the initial log alpha"},
         .value = 10},
        {{0, "start-spread", "X", REAL(start_spread, 0, 100),
          .help = "standard deviation of the initial log alpha"}, .value = .01},
        {{0, "warmup", "N", INT(warmup, 0, 1e9),
          .help = "let the learning rates rise for N steps"}, 200,
         .fitted = "200 of 3000 steps"},
        {{0, "ramp", "N", INT(ramp, 0, 1e9),
          .help = "let the target sparsity rise for N steps"}, 2500,
         .fitted = "2500 of 3000 steps"},
        {{0, "ramp-kind", "KIND", CHOICE(ramp_kind, ramp_kinds),
          .help = "how the target t rises; logarithmic: ln(1 - t) is linear"},
         .value = HAP_RAMP_LINEAR},
        {{0, "node-masks", "KIND", CHOICE(node_masks, node_masks),
          .help = "masks of writers; counted: they count in the sparsity"},
         .value = HAP_NODES_FREE},
        {{0, "from-scores", "CHOICE", CHOICE(from_scores, no_yes),
          .help = "set the initial log alpha by the rank of the edge's score"}, .value = 0},
        {{0, "node-sparsity", "P%", HAP_PERCENT, FIELD(node_sparsity),
          .help = "train the node masks to this sparsity too"}, .fitted = "not constrained"},
        {.option = {0}},
};

const struct hap_constant hap_acdc_constants[] = {
        {{0, "threshold", "X", REAL(threshold, 0, 1e9),
          .help = "cut an edge if the loss then rises by less than X"},
         .fitted = "found by search if the size is given"},
        {{0, "metric", "NAME", ROWS(metric, hap_metric_gradient_choice),
          .help = "the loss; of a metric that is better when higher, minus the metric"},
         .value = 0},
        {{0, "absolute", "YN", CHOICE(absolute, no_yes),
          .help = "cut an edge only if the loss falls by less than the threshold too"},
         .value = 0},
        {{0, "measure-on", "N", INT(measure_on, 0, 1e9),
          .help = "measure the loss on N training prompts; 0: on all"}, .value = 0},
        {{0, "tries", "N", INT(tries, 1, 1000),
          .help = "try at most N thresholds if the size is given"}, .value = 12},
        {.option = {0}},
};

const struct hap_constant hap_subnetwork_probing_constants[] = {
        {{0, "steps", "N", INT(steps, 0, 1e9), .help = "take N steps"},
         .value = 3000, .plain = true},
        {{0, "batch", "N", INT(batch, 1, 65536), .help = "use N prompts for each step"},
         .value = 50, .plain = true},
        {{0, "penalty", "X", REAL(penalty, 0, 1e9),
          .help = "weight of the mean probability that an edge is not closed"}, .value = 50},
        {{0, "rate", "X", REAL(rate, 0, 1e6), .help = "learning rate of Adam"}, .value = .001},
        {{0, "beta1", "X", REAL(beta1, 0, 0.999999),
          .help = "decay of Adam's mean of gradients"}, .value = .9},
        {{0, "beta2", "X", REAL(beta2, 0, 0.999999),
          .help = "decay of Adam's mean of squared gradients"}, .value = .999},
        {{0, "first-open", "X", REAL(first_open, 0, 1),
          .help = "start every log alpha where its sigmoid, stretched to (-0.1, 1.1), is X"},
         .value = .9},
        {.option = {0}},
};

const struct hap_constant hap_ugs_constants[] = {
        {{0, "steps", "N", INT(steps, 0, 1e9), .help = "take N steps"},
         .value = 3000, .plain = true},
        {{0, "batch", "N", INT(batch, 1, 65536), .help = "use N prompts for each step"},
         .value = 5, .plain = true},
        {{0, "samples", "N", INT(samples, 1, 65536), .help = "sample N masks for each prompt"},
         .value = 12},
        {{0, "penalty", "X", REAL(penalty, 0, 1e9),
          .help = "cost of an open edge"}, .value = .04},
        {{0, "node-penalty", "X", REAL(node_penalty, 0, 1e9),
          .help = "cost of a head's edges, which levels off as they become many"},
         .fitted = "half of penalty, at most 0.0002"},
        {{0, "rate", "X", REAL(rate, 0, 1e6), .help = "learning rate of Adam"},
         .fitted = "0.15 for a penalty up to 0.0001, 0.1 up to 0.0005, then 0.05; a fifth of that "
                   "for interchange ablation"},
        {{0, "beta1", "X", REAL(beta1, 0, 0.999999),
          .help = "decay of Adam's mean of gradients"}, .value = .9},
        {{0, "beta2", "X", REAL(beta2, 0, 0.999999),
          .help = "decay of Adam's mean of squared gradients"}, .value = .995},
        {{0, "clip", "X", REAL(clip, 0, 1e9),
          .help = "limit the norm of the gradient of each of four kinds of edges to X; 0: no limit"},
         .value = 5},
        {{0, "start", "X", REAL(start, -100, 100), .help = "initial log-odds of every edge"},
         .value = 1},
        {.option = {0}},
};

const struct hap_constant *const hap_constants[] = {
        hap_rank_constants, hap_edge_pruning_constants, hap_acdc_constants,
        hap_subnetwork_probing_constants, hap_ugs_constants, NULL,
};
