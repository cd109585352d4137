#include "merge/merge_kinds.h"

#include "merge/merge_records.h"
#include "merge/merge_report.h"
#include "merge/merge_scores.h"

const struct hap_merge_kind hap_merge_kinds[] = {
        {"task", hap_merge_records_read, hap_merge_records_write},
        {"cache", hap_merge_records_read, hap_merge_records_write},
        {"scores", hap_merge_scores_read, hap_merge_scores_write},
        {"node-scores", hap_merge_scores_read, hap_merge_scores_write},
        {"example-scores", hap_merge_records_read, hap_merge_records_write},
        {"report", hap_merge_report_read, hap_merge_report_write},
        {0},
};
