/* Where files that people name without a path are: what comes with hap, and models. */
#ifndef HAP_COMMON_DATA_PATH_H
#define HAP_COMMON_DATA_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum { HAP_PATH = 2048 };

/* Finds what comes with hap, such as "models/demo": in the folder $HAP_DATA if that is set, else
 * next to the program: in its source tree or its installed tree. False: it is not there. */
bool hap_data_path(const char *name, char *path, size_t size);

/* The path of a model as people name it. A path that exists is itself. Else, in this order:
 *   NAME       models/NAME/model.gguf in this folder (hap-model fetch), models/NAME of hap
 *   [OWNER/]NAME[@REVISION][/FILE]   in Hugging Face's cache: $HF_HUB_CACHE,
 *              $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub or
 *              ~/.cache/huggingface/hub, the revision "main" unless one is given
 * Returns `path`, or `name` itself if it is found nowhere or exists. */
const char *hap_model_path(const char *name, char path[HAP_PATH]);

/* "; it is not in Hugging Face's cache '...'; get it with: hf download OWNER/NAME" for a name that
 * may be one of Hugging Face, else "". */
const char *hap_model_path_hint(const char *name, char text[HAP_PATH]);

/* The path of a published circuit: `name` itself if it exists, else the file circuits/NAME.json
 * that comes with hap, else `name`. */
const char *hap_circuit_path(const char *name, char path[HAP_PATH]);

#endif
