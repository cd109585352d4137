#include "merge/merge_scores.h"

#include <math.h>
#include <string.h>

#include "common/memory.h"

static int trailing_zeros(double x)
{
        uint64_t bits;

        memcpy(&bits, &x, sizeof bits);
        return __builtin_ctzll(bits | (uint64_t)1 << 52);
}

double hap_sum_of_mean(double mean, size_t n)
{
        const double product = mean * (double)n;
        double best = product, near = product;

        if (product == 0 || !isfinite(product))
                return product;
        for (int i = 0; i < 3; i++)
                near = nextafter(near, -INFINITY);
        for (int i = -3; i <= 3; i++, near = nextafter(near, INFINITY))
                if (near / (double)n == mean && (best / (double)n != mean ||
                                                 trailing_zeros(near) > trailing_zeros(best)))
                        best = near;
        return best;
}

/* The name of the record's edge or node, and its score. */
static int read_record(struct hap_stream_in *in, const msgpack_object *record,
                       struct hap_part *part, struct hap_error *err)
{
        const msgpack_object *name = hap_map_get(record, "edge");
        json_t *text;
        double score;

        name = name ? name : hap_map_get(record, "node");
        if (!name || name->type != MSGPACK_OBJECT_STR)
                return hap_stream_in_fail(in, err, "it has no edge and no node");
        if (!hap_object_number(hap_map_get(record, "score"), &score) || !isfinite(score))
                return hap_stream_in_fail(in, err, "its score is not a finite number");
        text = hap_json_plain_text(name);
        if (!text && !hap_memory_was_short())
                return hap_stream_in_fail(in, err, "its edge or node is not UTF-8, or has a NUL");
        if (json_array_append_new(part->layout, text) < 0)
                return hap_fail_memory(err, "scores");
        return hap_part_add_value(part, hap_sum_of_mean(score, part->examples), err);
}

int hap_merge_scores_read(struct hap_stream_in *in, struct hap_part *part, struct hap_error *err)
{
        msgpack_object record;
        int rc = HAP_OK;

        part->layout = json_array();
        while (rc == 0 && (rc = hap_stream_in_record(in, &record, err)) > 0)
                rc = read_record(in, &record, part, err);
        return rc;
}

int hap_merge_scores_write(const struct hap_shard_set *set, struct hap_stream_out *out,
                           json_t *header, const void *options, struct hap_error *err)
{
        const char *key = strcmp(set->kind->name, "scores") == 0 ? "edge" : "node";
        const double n = (double)hap_shard_set_examples(set);
        int rc = hap_stream_out_begin(out, header, err);

        (void)options;
        for (size_t i = 0; i < set->parts->n && rc == 0; i++) {
                msgpack_packer *packer = hap_stream_out_record(out);
                double sum = 0;

                for (size_t s = 0; s < set->of; s++)
                        sum += set->parts[s].values[i];
                msgpack_pack_map(packer, 2);
                hap_pack_text(packer, key);
                hap_pack_text(packer, json_string_value(json_array_get(set->parts->layout, i)));
                hap_pack_number_entry(packer, "score", sum / n);
                rc = hap_stream_out_end_record(out, err);
        }
        return rc < 0 ? rc : hap_stream_out_end(out, err);
}
