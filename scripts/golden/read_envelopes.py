"""Opens envelopes of sketches (agent/sketch/README.md) without a line of ours and asks the real libraries what is in them. JSON {envelopes: [base64 …], otlp: lines of OTLP
JSON, may be missing} on stdin; on stdout {envelopes: what each says, otlp: the data points by metric}."""
import base64
import json
import struct
import sys

import datasketches as ds
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2

kinds = ["moments", "histogram", "quantiles", "distinct", "frequent", "theta", "reservoir", "projection", "directions", "counts"]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        self.at += size
        if self.at > len(self.data):
            raise ValueError("too short")
        return self.data[self.at - size : self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def text(self):
        return self.take(self.varint()).decode("utf-8")


def opened(sealed):
    reader = Reader(sealed[:-4])
    if reader.take(4) != b"SDSK" or reader.take(1) != b"\x01":
        raise ValueError("no envelope")
    if struct.unpack("<I", sealed[-4:])[0] != crc32c(sealed[:-4]):
        raise ValueError("checksum")
    said = {"kind": kinds[reader.take(1)[0]], "parameters": reader.text(), "source": reader.text()}
    said["n"], said["firstMicros"], said["lastMicros"] = struct.unpack("<3d", reader.take(24))
    data = reader.take(reader.varint())
    if reader.at != len(reader.data):
        raise ValueError("something follows")
    return said, data


def point_of(point):
    return {
        "attributes": {pair.key: pair.value.string_value for pair in point.attributes},
        "startNanos": str(point.start_time_unix_nano), "timeNanos": str(point.time_unix_nano),
        "count": point.count, "sum": point.sum, "min": point.min, "max": point.max, "zeros": point.zero_count, "scale": point.scale,
        "counted": point.zero_count + sum(point.positive.bucket_counts) + sum(point.negative.bucket_counts),
        # Every bucket as the magnitudes it stands for and how many values it has, sign by sign.
        "positive": buckets(point.positive, point.scale), "negative": buckets(point.negative, point.scale),
    }


def buckets(side, scale):
    """Ends that are powers of two come out exact: values lie on them."""
    def end(index):
        return 2.0 ** (index * 2.0 ** -scale)

    return [[end(side.offset + i), end(side.offset + i + 1), count] for i, count in enumerate(side.bucket_counts) if count]


def answer(sealed):
    said, data = opened(sealed)
    if said["kind"] == "quantiles":
        sketch = ds.kll_doubles_sketch.deserialize(data)
        said |= {"library": sketch.n, "min": sketch.get_min_value(), "max": sketch.get_max_value(),
                 "quantiles": [sketch.get_quantile(rank, True) for rank in (0.1, 0.5, 0.9)]}
    elif said["kind"] == "distinct":
        said |= {"library": ds.hll_sketch.deserialize(data).get_estimate()}
    elif said["kind"] == "histogram":
        point = metrics_pb2.ExponentialHistogramDataPoint()
        point.ParseFromString(data)
        said |= {"point": point_of(point)}
    return said


def otlp(lines):
    points = {}
    for line in lines:
        request = json_format.Parse(line, metrics_service_pb2.ExportMetricsServiceRequest())
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    histogram = metric.exponential_histogram
                    delta = histogram.aggregation_temporality == metrics_pb2.AGGREGATION_TEMPORALITY_DELTA
                    points.setdefault(metric.name, []).extend(point_of(point) | {"isDelta": delta} for point in histogram.data_points)
    return points


asked = json.load(sys.stdin)
print(json.dumps({
    "envelopes": [answer(base64.b64decode(text)) for text in asked["envelopes"]],
    "otlp": otlp(asked.get("otlp", [])),
}, allow_nan=False))
