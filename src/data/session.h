/* The examples that a program works on, found among the sections that it reads
 * (one task or one cache), with their model and engine; under optimal ablation
 * also the constants (one section).
 *
 *      while (section)
 *              if (hap_session_wants(...) && hap_session_take(...) == 1)
 *                      while (hap_session_next(...)) use the prompts;
 *      use the prompts now if there was no such cache
 *
 * A cache that follows the task of the same stream (hap-forward -p) takes the
 * task's place; otherwise a second set of examples is refused. */
#ifndef HAP_DATA_SESSION_H
#define HAP_DATA_SESSION_H

#include "data/constants.h"
#include "data/memory_estimate.h"

struct hap_session {
        const char *model_path; /* option -m, or NULL: what the header names */
        struct hap_graph_form form; /* of a task's graph; a cache brings its own */
        bool split_input; /* tok and pos: a task's; a cache that has it may be asked for it */
        const char *positions; /* or NULL: a task's, as hap_examples_positions takes them */
        bool hold; /* keep a cache's prompts: they are used when all is read */
        bool must_differ; /* refuse interchange where no clean prompt differs from its own
                           * corrupted one: nothing can be learned from them */
        struct hap_prompts_options options;
        /* The stage and its limit. With one (needs.most) the model is only described
         * until the examples are known to fit. */
        struct hap_memory_estimate needs;

        struct hap_model model;
        struct hap_engine engine; /* engine.model is NULL before it is made */
        json_t *header;           /* of the examples, NULL: none yet; owned */
        char *name;               /* of the stream they are in, owned */
        struct hap_feed *feed;    /* opened, not yet read */
        struct hap_constants constants; /* values NULL: none so far */
        bool described; /* the model has no weights yet */
        bool unknown; /* the examples are a task that nothing names a model for */
        struct hap_prompts prompts; /* held, or given last */
        bool held;
        bool differ; /* some of those given so far */
};

bool hap_session_wants(const json_t *header); /* a task, a cache or constants */

/* Takes the current section: 1 when its prompts must be used (hap_session_next
 * until it returns 0) before another section is read, 0 when they are kept. */
int hap_session_take(struct hap_session *session, struct hap_stream_in *in,
                     const json_t *header, struct hap_error *err);

/* Makes the engine, unless it is there. HAP_EUSAGE: the examples need more memory
 * than is allowed; so from hap_session_take and hap_session_next. */
int hap_session_engine(struct hap_session *session, struct hap_error *err);

/* The next prompts: 1, or 0 when there are no more. At most `n_batches` batches
 * (0: all); all at once when they are held. They live until the next call. */
int hap_session_next(struct hap_session *session, size_t n_batches,
                     const struct hap_prompts **prompts, struct hap_error *err);

/* Examples in all; 0: not known. */
size_t hap_session_total(const struct hap_session *session);

/* HAP_EINPUT unless what stream `name` holds was made for the same model and
 * graph; else its history joins that of the examples. The engine is there. */
int hap_session_join(struct hap_session *session, const json_t *header,
                     const struct hap_graph *graph, const char *name,
                     struct hap_error *err);

/* Model and graph for the header of what is made from the examples. */
int hap_session_describe(const struct hap_session *session, json_t *header,
                         struct hap_error *err);

void hap_session_release(struct hap_session *session);

#endif
