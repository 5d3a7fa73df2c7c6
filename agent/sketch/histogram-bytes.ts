import { ExponentialHistogram, type PointHeader } from './exponential-histogram.ts';
import { expectBytes, parsing, type Parsed } from './fault.ts';
import {
  histogramAttributesMax,
  histogramBucketsDefault,
  histogramBucketsMax,
  histogramBytesMax,
  histogramScaleMax,
  histogramScaleMin,
} from './limits.ts';
import { fields, type Buckets } from './otlp-data-point.ts';
import { ProtobufReader } from './protobuf.ts';

export interface HistogramPoint {
  readonly histogram: ExponentialHistogram;
  readonly header: Required<PointHeader>;
}

/** Indices of buckets that can hold a double: (1024 + 1075) × 2^20 at the finest scale. */
const bucketIndexMax = 2 ** 31 - 1 - histogramBucketsMax;

/**
 * Reads one OTLP `ExponentialHistogramDataPoint`. More buckets than `maxBuckets` are halved until they fit; a zero threshold
 * above 0 is refused, since values below it are in no bucket. Exemplars, flags and unknown fields are skipped.
 */
export function parseHistogram(
  bytes: Uint8Array,
  options: { maxBuckets?: number } = {},
): Parsed<HistogramPoint> {
  return parsing('histogram', () => {
    expectBytes(bytes.length <= histogramBytesMax, `${bytes.length} bytes are too many`);
    const point = readFields(new ProtobufReader(bytes));
    expectBytes(
      point.scale >= histogramScaleMin && point.scale <= histogramScaleMax,
      `scale is ${point.scale}`,
    );
    let counted = point.zeros;
    for (const count of [...point.positive.counts, ...point.negative.counts]) counted += count;
    expectBytes(counted === point.count, `buckets hold ${counted} where count is ${point.count}`);
    expectBytes(Number.isFinite(point.sum), `sum is ${point.sum}`);
    if (point.count > 0) {
      const isRange = Number.isFinite(point.min) && Number.isFinite(point.max) && point.min <= point.max;
      expectBytes(isRange, `min is ${point.min} and max ${point.max}`);
    } else {
      point.min = Infinity;
      point.max = -Infinity;
    }
    const { startNanos, timeNanos, attributes } = point;
    const maxBuckets = options.maxBuckets ?? histogramBucketsDefault;
    return {
      histogram: ExponentialHistogram.of({ ...point, maxBuckets }),
      header: { startNanos, timeNanos, attributes },
    };
  });
}

const noBuckets: Buckets = { offset: 0, counts: new Float64Array(0) };

function readFields(reader: ProtobufReader) {
  const attributes = new Map<string, string>();
  let [startNanos, timeNanos] = [0n, 0n];
  let [count, sum, scale, zeros, min, max] = [0, 0, 0, 0, NaN, NaN];
  let [positive, negative] = [noBuckets, noBuckets];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === fields.attributes) {
      expectBytes(attributes.size < histogramAttributesMax, 'too many attributes');
      readAttribute(new ProtobufReader(reader.bytes()), attributes);
    } else if (field === fields.startNanos) startNanos = reader.fixed64();
    else if (field === fields.timeNanos) timeNanos = reader.fixed64();
    else if (field === fields.count) count = safeCount(reader.fixed64());
    else if (field === fields.sum) sum = reader.double();
    else if (field === fields.scale) scale = reader.sint32();
    else if (field === fields.zeros) zeros = safeCount(reader.fixed64());
    else if (field === fields.positive) positive = readBuckets(new ProtobufReader(reader.bytes()));
    else if (field === fields.negative) negative = readBuckets(new ProtobufReader(reader.bytes()));
    else if (field === fields.min) min = reader.double();
    else if (field === fields.max) max = reader.double();
    else if (field === fields.zeroThreshold)
      expectBytes(reader.double() === 0, 'a zero threshold above 0 is not supported');
    else reader.skip();
  }
  return {
    startNanos,
    timeNanos,
    attributes: Object.fromEntries(attributes),
    count,
    sum,
    scale,
    zeros,
    positive,
    negative,
    min,
    max,
  };
}

function safeCount(value: bigint): number {
  expectBytes(value <= BigInt(Number.MAX_SAFE_INTEGER), 'a count is beyond 2^53 - 1');
  return Number(value);
}

/** Texts only: other values of attributes are skipped. */
function readAttribute(reader: ProtobufReader, into: Map<string, string>): void {
  let key = '';
  let value: string | null = null;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) key = reader.text();
    else if (field === 2) value = readText(new ProtobufReader(reader.bytes()));
    else reader.skip();
  }
  if (value !== null) into.set(key, value);
}

function readText(reader: ProtobufReader): string | null {
  let value: string | null = null;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) value = reader.text();
    else reader.skip();
  }
  return value;
}

/** Empty buckets at either end are left away: other writers may keep them. */
function readBuckets(reader: ProtobufReader): Buckets {
  let offset = 0;
  const counts: number[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) offset = reader.sint32();
    else if (field === 2) {
      reader.packedVarints((value) => {
        expectBytes(counts.length < histogramBucketsMax, `more than ${histogramBucketsMax} buckets`);
        counts.push(value);
      });
    } else reader.skip();
  }
  expectBytes(Math.abs(offset) <= bucketIndexMax, `bucket offset is ${offset}`);
  const from = counts.findIndex((count) => count > 0);
  if (from < 0) return noBuckets;
  const to = counts.findLastIndex((count) => count > 0);
  return { offset: offset + from, counts: Float64Array.from(counts.slice(from, to + 1)) };
}
