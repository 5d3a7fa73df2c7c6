"""Reads sketches of ours with the real libraries, and merges them there: JSON [{kind, parts: [base64 …], …}] on stdin; on stdout, for each,
{parts: what the library says of each one, again: the bytes it writes of each one itself, union: what it says of all of them together}."""
import base64
import json
import sys

import datasketches as ds
from opentelemetry.proto.metrics.v1 import metrics_pb2


def b64(data):
    return base64.b64encode(bytes(data)).decode()


def hll(case, parts):
    sketches = [ds.hll_sketch.deserialize(part) for part in parts]
    kinds = {4: ds.tgt_hll_type.HLL_4, 6: ds.tgt_hll_type.HLL_6, 8: ds.tgt_hll_type.HLL_8}
    union = ds.hll_union(case["lgK"])
    for sketch in sketches:
        union.update(sketch)
    merged = union.get_result(kinds[case["registerBits"]])
    return {
        "parts": [sketch.get_estimate() for sketch in sketches],
        "again": [b64(sketch.serialize_compact()) for sketch in sketches],
        "union": {"estimate": merged.get_estimate(), "bytes": b64(merged.serialize_compact())},
    }


def kll(case, parts):
    make = ds.kll_doubles_sketch if case["precision"] == "double" else ds.kll_floats_sketch

    def said(sketch):
        if sketch.is_empty():
            return {"n": 0, "k": sketch.k, "rankError": sketch.normalized_rank_error(False)}
        return {
            "n": sketch.n, "k": sketch.k, "rankError": sketch.normalized_rank_error(False),
            "min": sketch.get_min_value(), "max": sketch.get_max_value(),
            "quantiles": [sketch.get_quantile(rank, True) for rank in case["ranks"]],
            "ranks": [sketch.get_rank(value, True) for value in case["values"]],
        }

    sketches = [make.deserialize(part) for part in parts]
    union = make(case["k"])
    for sketch in sketches:
        union.merge(sketch)
    # Before the questions: an answer sorts the lowest level in place.
    again = [b64(sketch.serialize()) for sketch in sketches]
    return {
        "parts": [said(sketch) for sketch in sketches],
        "again": again,
        "union": said(union),
    }


def frequent(case, parts):
    def said(sketch):
        rows = sketch.get_frequent_items(ds.frequent_items_error_type.NO_FALSE_NEGATIVES)
        bounds = [[item, sketch.get_lower_bound(item), sketch.get_upper_bound(item)] for item in case["items"]]
        return {"total": sketch.total_weight, "rows": [[row[0], row[2], row[3]] for row in rows], "bounds": bounds}

    sketches = [ds.frequent_strings_sketch.deserialize(part) for part in parts]
    union = ds.frequent_strings_sketch(case["lgMapSize"])
    for sketch in sketches:
        union.merge(sketch)
    return {
        "parts": [said(sketch) for sketch in sketches],
        "again": [b64(sketch.serialize()) for sketch in sketches],
        "union": said(union),
    }


def theta(case, parts):
    sketches = [ds.compact_theta_sketch.deserialize(part, case["seed"]) for part in parts]
    union = ds.theta_union(case["lgK"], seed=case["seed"])
    for sketch in sketches:
        union.update(sketch)
    merged = union.get_result(True)
    return {
        "parts": [sketch.get_estimate() for sketch in sketches],
        "again": [b64(sketch.serialize()) for sketch in sketches],
        "union": {"estimate": merged.get_estimate(), "bytes": b64(merged.serialize())},
    }


def histogram(_case, parts):
    """Every field the message has, as protobuf reads it."""
    points = []
    for part in parts:
        point = metrics_pb2.ExponentialHistogramDataPoint()
        point.ParseFromString(part)
        points.append(point)
    return {
        "parts": [
            {
                "attributes": {pair.key: pair.value.string_value for pair in point.attributes},
                "startNanos": str(point.start_time_unix_nano), "timeNanos": str(point.time_unix_nano),
                "count": point.count, "sum": point.sum, "scale": point.scale, "zeros": point.zero_count,
                "min": point.min if point.HasField("min") else None, "max": point.max if point.HasField("max") else None,
                "positive": {"offset": point.positive.offset, "counts": list(point.positive.bucket_counts)},
                "negative": {"offset": point.negative.offset, "counts": list(point.negative.bucket_counts)},
                "unknownFields": len(point.SerializeToString()) - len(known(point).SerializeToString()),
            }
            for point in points
        ],
        "again": [b64(point.SerializeToString()) for point in points],
    }


def known(point):
    copy = metrics_pb2.ExponentialHistogramDataPoint()
    copy.CopyFrom(point)
    copy.DiscardUnknownFields()
    return copy


kinds = {"hll": hll, "kll": kll, "frequent": frequent, "theta": theta, "histogram": histogram}
print(json.dumps(
    [kinds[case["kind"]](case, [base64.b64decode(part) for part in case["parts"]]) for case in json.load(sys.stdin)],
    allow_nan=False,
))
