"""Reads sketches of ours with the real libraries: JSON [{kind, bytes, …}] on stdin, their answers on stdout."""
import base64
import json
import sys

import datasketches as ds


def answer(case):
    data = base64.b64decode(case["bytes"])
    if case["kind"] == "hll":
        return ds.hll_sketch.deserialize(data).get_estimate()
    if case["kind"] == "kll":
        make = ds.kll_doubles_sketch if case["precision"] == "double" else ds.kll_floats_sketch
        sketch = make.deserialize(data)
        return [sketch.n] + [sketch.get_quantile(r, True) for r in case["ranks"]]
    if case["kind"] == "frequent":
        sketch = ds.frequent_strings_sketch.deserialize(data)
        rows = sketch.get_frequent_items(ds.frequent_items_error_type.NO_FALSE_NEGATIVES)
        return [sketch.total_weight, sorted([r[0], r[2], r[3]] for r in rows)]
    return ds.compact_theta_sketch.deserialize(data, case["seed"]).get_estimate()


print(json.dumps([answer(case) for case in json.load(sys.stdin)]))
