/* A file mapped for reading. */
#ifndef HAP_COMMON_FILE_MAP_H
#define HAP_COMMON_FILE_MAP_H

#include <stddef.h>

#include "common/error.h"

struct hap_file_map {
        const unsigned char *data; /* NULL when nothing is mapped */
        size_t size;               /* at least 1 */
};

/* HAP_ESYSTEM: cannot be opened or mapped; HAP_EINPUT: it is empty or not a plain file. */
int hap_file_map_open(struct hap_file_map *map, const char *path, struct hap_error *err);
void hap_file_map_close(struct hap_file_map *map);

/* The pages that lie wholly within these bytes of a mapped file no longer
 * count as resident; reading them again brings them back. */
void hap_file_map_forget(const void *data, size_t bytes);

/* Memory that is about to be filled may come in large pages: fewer faults. */
void hap_file_map_large_pages(void *data, size_t bytes);

#endif
