/* What a program reads: one set of examples (a task or a cache), and the circuits, scores
 * and constants that it takes, with the model and the engine for them.
 *
 *      struct hap_inputs inputs;
 *      hap_inputs_read(in, &(struct hap_inputs_want){.circuits = 1, ...}, &inputs, &err);
 *      while (hap_inputs_next(&inputs, &prompts, &err) > 0)
 *              use the prompts
 *      hap_inputs_release(&inputs);
 *
 * Sections of other kinds are skipped. A cache that follows the task that it was made from
 * (hap-forward -p) takes the task's place; any other second set of examples is refused. */
#ifndef HAP_DATA_INPUTS_H
#define HAP_DATA_INPUTS_H

#include "data/constants.h"
#include "data/loader.h"
#include "data/named_model.h"
#include "graph/edges.h"

#define HAP_ANY_NUMBER SIZE_MAX

struct hap_inputs_want {
        bool each_task; /* only tasks, one at a time, any number: hap_inputs_next_task */
        size_t circuits, scores; /* the maximum number of sections; 0: they are skipped */
        bool need_circuits, need_scores; /* at least one */
        enum hap_weights weights; /* option --weights */
        const char *model_path;  /* option -m, or NULL: the model that the header names */
        bool split_input;        /* tok and pos: of a task, or of a cache that has them */
        bool experts;            /* experts are nodes: of a task, or of a cache that has them */
        const char *positions;   /* of a task, as hap_examples_positions takes them, or NULL */
        bool must_differ; /* refuse interchange if no clean prompt differs from its corrupted
                           * one: nothing can be learned from them */
        size_t batches;   /* batches of prompts to give at a time; 0: all */
        /* outputs: HAP_OUTPUTS_KEPT_IF_THEY_FIT becomes one of the others once the examples are
         * known: a task's outputs are kept if all that is needed fits the stage's limit, or without
         * one half of the machine's memory. */
        struct hap_prompts_options prompts;
        /* The stage and its limit. With a limit the weights are loaded only once the
         * examples are known to fit. */
        struct hap_memory_estimate memory;
};

/* Must not move while it is in use. */
struct hap_inputs {
        struct hap_model model;
        struct hap_engine engine;
        json_t *header; /* of the examples, with the history of all that was read; owned */
        char *name;     /* of the stream they are in, owned */
        struct hap_edges_list circuits, scores;
        struct hap_constants constants; /* values NULL unless the ablation is optimal */
        struct hap_prompts prompts;     /* given last */

        /* The rest is private. */
        struct hap_inputs_want want;
        struct hap_stream_in *in;   /* borrowed */
        struct hap_stream_in *again; /* of a cache that is read once more, or NULL; owned */
        struct hap_weights_want weights;
        struct hap_memory_estimate memory;
        struct hap_graph_form form; /* of a task's graph; a cache brings its own */
        struct hap_loader *loader;  /* of the examples; NULL before, and after the last prompts */
        char found_model[HAP_PATH]; /* of a task, named by a file after it */
        bool model_unknown;  /* the examples are a task, and nothing names its model */
        bool config_only;    /* the model has no weights yet */
        bool in_parts;       /* the rest of the stream is read after the prompts */
        bool waiting;        /* prompts were made before the sections after them were read */
        bool all_given;
        bool differ;         /* some of the prompts given so far */
};

/* Reads the sections and makes the engine. With each_task it stops after a task. It stops at a
 * cache if no other section is wanted: hap_inputs_next then reads that one in parts, so that
 * memory does not grow, and the rest of the stream after it. Otherwise all is read, and a cache is
 * read in parts from its file once more; from a pipe, or with want.batches 0, its prompts stay in
 * memory. HAP_EINPUT: a section is missing, occurs twice or is for another model
 * or graph; HAP_EUSAGE: more memory is needed than is allowed, an option does not fit the
 * examples. `in` must outlive the inputs. On failure nothing is to be released. */
int hap_inputs_read(struct hap_stream_in *in, const struct hap_inputs_want *want,
                    struct hap_inputs *inputs, struct hap_error *err);
void hap_inputs_release(struct hap_inputs *inputs);

/* The next prompts: 1, or 0 when there are no more, or a negative code. At most
 * want.batches batches, or all at once if a cache's prompts stay in memory. They live until
 * the next call. */
int hap_inputs_next(struct hap_inputs *inputs, const struct hap_prompts **prompts,
                    struct hap_error *err);

/* With each_task, after the last prompts of a task: 1 if another task follows, which
 * hap_inputs_next then gives, 0 if none does. HAP_EINPUT also: another model's task, or the
 * graph would have other positions. */
int hap_inputs_next_task(struct hap_inputs *inputs, struct hap_error *err);

/* The masks of the first circuit, and the scores of the first scores section, [n_edges], or NULL
 * if there is none. */
float *hap_inputs_z(const struct hap_inputs *inputs);
double *hap_inputs_score(const struct hap_inputs *inputs);

/* All examples; 0: unknown. */
size_t hap_inputs_total(const struct hap_inputs *inputs);

/* Sets model and graph in the header of what is made from the examples. */
int hap_inputs_describe(const struct hap_inputs *inputs, json_t *header, struct hap_error *err);

#endif
