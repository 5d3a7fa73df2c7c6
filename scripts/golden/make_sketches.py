"""Golden bytes and answers of the real libraries, for test/golden/sketch.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install -r scripts/golden/requirements-make.txt
    /tmp/golden/bin/python scripts/golden/make_sketches.py [--into FOLDER] [NAME …]

Values come from a generator that the tests repeat (`golden_values`). KLL flips coins that cannot be seeded, so its bytes
differ from run to run; everything the tests compare is written beside them. All others come out byte for byte as they are committed.
"""
import argparse
import base64
import itertools
import json
import math
import pathlib

import datasketches as ds
from opentelemetry.proto.metrics.v1 import metrics_pb2

out = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "sketch"
b64 = lambda data: base64.b64encode(bytes(data)).decode()


def golden_values(n):
    """Doubles in [0, 1000) from a 32-bit linear congruential generator."""
    state = 12345
    for _ in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        yield state / 2**32 * 1000


def write(name, cases):
    (out / f"{name}.json").write_text(json.dumps(cases, indent=1) + "\n")


def hll():
    cases = []
    types = {"4": ds.tgt_hll_type.HLL_4, "6": ds.tgt_hll_type.HLL_6, "8": ds.tgt_hll_type.HLL_8}
    for bits, kind in types.items():
        for lg_k, n in [(10, 0), (10, 5), (10, 60), (10, 5000), (11, 100000), (4, 1000)]:
            sketch = ds.hll_sketch(lg_k, kind)
            for i in range(n):
                sketch.update(f"item-{i}")
            union = ds.hll_union(lg_k)
            union.update(sketch)
            extra = ds.hll_sketch(lg_k, kind)
            for i in range(n):
                extra.update(f"other-{i}")
            union.update(extra)
            case = {
                "bits": int(bits), "lgK": lg_k, "n": n, "estimate": sketch.get_estimate(),
                "compact": b64(sketch.serialize_compact()), "updatable": b64(sketch.serialize_updatable()),
            }
            if bits == "8":
                merged = union.get_result(kind)
                case |= {"union": b64(merged.serialize_compact()), "unionEstimate": merged.get_estimate()}
            cases.append(case)
    write("hll", cases)


def kll():
    cases = []
    for precision, make in [("double", ds.kll_doubles_sketch), ("float", ds.kll_floats_sketch)]:
        for k, n in [(200, 0), (200, 1), (200, 150), (200, 20000), (8, 5000)]:
            sketch = make(k)
            for value in golden_values(n):
                sketch.update(value)
            case = {"precision": precision, "k": k, "n": n, "bytes": b64(sketch.serialize()),
                    "rankError": sketch.normalized_rank_error(False)}
            if n:
                ranks = [0.01, 0.25, 0.5, 0.9, 0.99]
                case |= {"ranks": ranks, "quantiles": [sketch.get_quantile(r, True) for r in ranks],
                         "values": [10.0, 500.0, 990.0],
                         "ranksOfValues": [sketch.get_rank(v, True) for v in [10.0, 500.0, 990.0]]}
            cases.append(case)
    write("kll", cases)


def frequent():
    cases = []
    for lg, n in [(5, 0), (5, 20), (5, 20000), (10, 50000)]:
        sketch = ds.frequent_strings_sketch(lg)
        for i, value in enumerate(golden_values(n)):
            sketch.update(f"topic/{int(value * value / 4000)}", 1 + i % 3)
        rows = sketch.get_frequent_items(ds.frequent_items_error_type.NO_FALSE_NEGATIVES)
        cases.append({"lgMapSize": lg, "n": n, "total": sketch.total_weight, "offset": sketch.get_upper_bound("none"),
                      "bytes": b64(sketch.serialize()), "items": [[r[0], r[2], r[3]] for r in rows]})
    write("frequent", cases)


def theta():
    cases = []
    for lg_k, n, seed in [(8, 0, 9001), (8, 1, 9001), (8, 100, 9001), (8, 20000, 9001), (10, 5000, 123)]:
        sketch = ds.update_theta_sketch(lg_k, seed=seed)
        for i in range(n):
            sketch.update(f"item-{i}")
        cases.append({"lgK": lg_k, "n": n, "seed": seed, "estimate": sketch.get_estimate(),
                      "bytes": b64(sketch.compact().serialize())})
    write("theta", cases)


def histogram():
    point = metrics_pb2.ExponentialHistogramDataPoint()
    values = [v - 300 for v in golden_values(2000)] + [0.0] * 7
    scale = 3
    base = 2 ** (2**-scale)
    for sign, buckets in [(1, point.positive), (-1, point.negative)]:
        index = [math.ceil(math.log(abs(v), base)) - 1 for v in values if v * sign > 0]
        buckets.offset = min(index)
        buckets.bucket_counts.extend(index.count(i) for i in range(min(index), max(index) + 1))
    attribute = point.attributes.add()
    attribute.key, attribute.value.string_value = "machine", "m4"
    point.start_time_unix_nano, point.time_unix_nano = 1_700_000_000_000_000_000, 1_700_000_060_000_000_000
    point.count, point.sum, point.scale, point.zero_count = len(values), sum(values), scale, 7
    point.min, point.max = min(values), max(values)
    write("histogram", [{"scale": scale, "n": 2000, "zeros": 7, "shift": -300, "bytes": b64(point.SerializeToString()),
                         "positiveOffset": point.positive.offset, "negativeOffset": point.negative.offset}])


def projection():
    from sklearn.random_projection import johnson_lindenstrauss_min_dim

    write("projection", [{"points": n, "distortion": e, "k": int(johnson_lindenstrauss_min_dim(n, eps=e))}
                         for n, e in [(100, 0.5), (1000, 0.5), (1000, 0.3), (10_000, 0.1), (1_000_000, 0.5)]])


def distortion():
    """What scikit-learn's projections make of squared distances: root of the mean square of their relative errors, over many seeds."""
    import numpy as np
    from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

    points, seeds = 12, 200
    cases = []
    for d, k in [(561, 64), (128, 16)]:
        x = np.array(list(golden_values(points * d))).reshape(points, d)
        pairs = list(itertools.combinations(range(points), 2))
        true = np.array([((x[i] - x[j]) ** 2).sum() for i, j in pairs])
        for method, make in [("sparse", SparseRandomProjection), ("gaussian", GaussianRandomProjection)]:
            errors = []
            for seed in range(seeds):
                y = make(n_components=k, random_state=seed).fit_transform(x)
                errors.append([((y[i] - y[j]) ** 2).sum() for i, j in pairs] / true - 1)
            cases.append({"method": method, "d": d, "k": k, "points": points, "seeds": seeds,
                          "density": float(1 / math.sqrt(d)) if method == "sparse" else 1.0,
                          "rms": float(f"{np.sqrt(np.mean(np.square(errors))):.6g}")})
    write("distortion", cases)


makers = {make.__name__: make for make in (hll, kll, frequent, theta, histogram, projection, distortion)}
parser = argparse.ArgumentParser()
parser.add_argument("names", nargs="*", choices=[[], *makers], default=[])
parser.add_argument("--into", type=pathlib.Path, default=out)
asked = parser.parse_args()
out = asked.into
out.mkdir(parents=True, exist_ok=True)
for name in asked.names or makers:
    makers[name]()
