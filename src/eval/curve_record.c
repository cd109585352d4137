#include "eval/curve_record.h"

#include <math.h>

#include "common/json.h"
#include "metric/metric.h"

static void add_point(struct hap_curve_areas *areas, double size, double faithfulness)
{
        const double width = areas->points == 0 ? 0 : size - areas->size;
        const double before = areas->faithfulness;

        areas->cpr += width * (faithfulness + before) / 2;
        areas->cmd += width * (fabs(1 - faithfulness) + fabs(1 - before)) / 2;
        areas->points++;
        areas->size = size;
        areas->faithfulness = faithfulness;
}

/* Edges have no neurons, so that MIB's weighted count of the kept edges is their count. */
int hap_curve_write_point(const struct hap_curve_record *point, struct hap_curve_areas *areas,
                          struct hap_stream_out *out, struct hap_error *err)
{
        msgpack_packer *packer;
        double faithfulness;

        if (hap_metric_normalise(point->value, areas->full, areas->empty, &faithfulness, err) < 0)
                return hap_fail_within(err, "%s", point->metric);
        add_point(areas, point->size, faithfulness);
        packer = hap_stream_out_record(out);
        msgpack_pack_map(packer, 11);
        hap_pack_text_entry(packer, "circuit", point->circuit);
        hap_pack_text_entry(packer, "metric", point->metric);
        hap_pack_text_entry(packer, "order", point->order);
        hap_pack_number_entry(packer, "size", point->size);
        hap_pack_count_entry(packer, "selected", point->selected);
        hap_pack_count_entry(packer, "edges", point->edges);
        hap_pack_number_entry(packer, "weighted_edges", (double)point->edges);
        hap_pack_number_entry(packer, "sparsity", 1 - (double)point->edges / (double)point->all);
        hap_pack_number_entry(packer, "value", point->value);
        hap_pack_number_entry(packer, "faithfulness", faithfulness);
        hap_pack_count_entry(packer, "examples", point->examples);
        return hap_stream_out_end_record(out, err);
}

static int write_area(const struct hap_curve_record *point, const char *name, double area,
                      struct hap_stream_out *out, struct hap_error *err)
{
        msgpack_packer *packer = hap_stream_out_record(out);

        msgpack_pack_map(packer, 5);
        hap_pack_text_entry(packer, "circuit", point->circuit);
        hap_pack_text_entry(packer, "metric", name);
        hap_pack_text_entry(packer, "of", point->metric);
        hap_pack_text_entry(packer, "order", point->order);
        hap_pack_number_entry(packer, "value", area);
        return hap_stream_out_end_record(out, err);
}

int hap_curve_write_areas(const struct hap_curve_record *point,
                          const struct hap_curve_areas *areas, struct hap_stream_out *out,
                          struct hap_error *err)
{
        const int rc = write_area(point, "cpr", areas->cpr, out, err);

        return rc < 0 ? rc : write_area(point, "cmd", areas->cmd, out, err);
}
