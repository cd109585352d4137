/* The kinds of sections that hap-merge joins, by the names in their headers. */
#ifndef HAP_MERGE_MERGE_KINDS_H
#define HAP_MERGE_MERGE_KINDS_H

#include "merge/shards.h"

extern const struct hap_merge_kind hap_merge_kinds[]; /* ended by a row without a name */

#endif
