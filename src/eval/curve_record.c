#include "eval/curve_record.h"

#include <math.h>

#include "common/header.h"
#include "metric/metric.h"

static void pack_text(msgpack_packer *packer, const char *key, const char *value)
{
        hap_pack_text(packer, key);
        hap_pack_text(packer, value);
}

static void pack_number(msgpack_packer *packer, const char *key, double value)
{
        hap_pack_text(packer, key);
        msgpack_pack_double(packer, value);
}

static void pack_count(msgpack_packer *packer, const char *key, size_t value)
{
        hap_pack_text(packer, key);
        msgpack_pack_uint64(packer, value);
}

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
        pack_text(packer, "circuit", point->circuit);
        pack_text(packer, "metric", point->metric);
        pack_text(packer, "order", point->order);
        pack_number(packer, "size", point->size);
        pack_count(packer, "selected", point->selected);
        pack_count(packer, "edges", point->edges);
        pack_number(packer, "weighted_edges", (double)point->edges);
        pack_number(packer, "sparsity", 1 - (double)point->edges / (double)point->all);
        pack_number(packer, "value", point->value);
        pack_number(packer, "faithfulness", faithfulness);
        pack_count(packer, "examples", point->examples);
        return hap_stream_out_end_record(out, err);
}

static int write_area(const struct hap_curve_record *point, const char *name, double area,
                      struct hap_stream_out *out, struct hap_error *err)
{
        msgpack_packer *packer = hap_stream_out_record(out);

        msgpack_pack_map(packer, 5);
        pack_text(packer, "circuit", point->circuit);
        pack_text(packer, "metric", name);
        pack_text(packer, "of", point->metric);
        pack_text(packer, "order", point->order);
        pack_number(packer, "value", area);
        return hap_stream_out_end_record(out, err);
}

int hap_curve_write_areas(const struct hap_curve_record *point,
                          const struct hap_curve_areas *areas, struct hap_stream_out *out,
                          struct hap_error *err)
{
        const int rc = write_area(point, "cpr", areas->cpr, out, err);

        return rc < 0 ? rc : write_area(point, "cmd", areas->cmd, out, err);
}
