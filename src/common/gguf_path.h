/* Which GGUF file a path means, and the files that one is split into. */
#ifndef HAP_COMMON_GGUF_PATH_H
#define HAP_COMMON_GGUF_PATH_H

#include "common/gguf.h"

#define HAP_GGUF_PATH 4096

/* The GGUF file that `path` means: itself, or the only one in a folder without safetensors; of a
 * model that is split into files the first. Files of vision projectors (mmproj-…) do not count.
 * 1: *found is its path; 0: there is none; HAP_EINPUT: the folder has several. */
int hap_gguf_path(const char *path, char found[HAP_GGUF_PATH], struct hap_error *err);

/* Files of a split model: NAME-00001-of-00003.gguf, and so on. */
struct hap_gguf_parts {
        struct hap_gguf *items; /* the second and later files, whose maps stay open */
        size_t n;
};

/* HAP_EINPUT: *gguf is not the first file of a split model. */
int hap_gguf_check_first(const struct hap_gguf *gguf, struct hap_error *err);
/* Opens the other files of *gguf, the first, and adds their tensors to it. HAP_EINPUT: a file has
 * another name, number or count, or the numbers of tensors do not add up. */
int hap_gguf_parts_open(struct hap_gguf_parts *parts, struct hap_gguf *gguf,
                        struct hap_error *err);
void hap_gguf_parts_close(struct hap_gguf_parts *parts);

#endif
