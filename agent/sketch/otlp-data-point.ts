import { ByteWriter } from '../base/byte-writer.ts';
import { ProtobufWriter } from './protobuf.ts';

export interface Buckets {
  /** Index of the first bucket. */
  readonly offset: number;
  readonly counts: Float64Array;
}

/** opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint, as far as sedge uses it. */
export interface DataPoint {
  readonly startNanos: bigint;
  readonly timeNanos: bigint;
  readonly attributes: Readonly<Record<string, string>>;
  readonly count: number;
  readonly sum: number;
  readonly scale: number;
  readonly zeros: number;
  readonly positive: Buckets;
  readonly negative: Buckets;
  readonly min: number;
  readonly max: number;
}

/** Field numbers of the message. */
export const fields = {
  attributes: 1,
  startNanos: 2,
  timeNanos: 3,
  count: 4,
  sum: 5,
  scale: 6,
  zeros: 7,
  positive: 8,
  negative: 9,
  min: 12,
  max: 13,
  zeroThreshold: 14,
} as const;

/** Fields in the order of their numbers, defaults left out: the bytes other writers give as well. */
export function writeDataPoint(point: DataPoint): Uint8Array<ArrayBuffer> {
  const writer = new ProtobufWriter();
  for (const [key, value] of Object.entries(point.attributes)) {
    writer.message(fields.attributes, (pair) => {
      pair.text(1, key);
      pair.message(2, (any) => any.text(1, value, { always: true }));
    });
  }
  if (point.startNanos !== 0n) writer.fixed64(fields.startNanos, point.startNanos);
  if (point.timeNanos !== 0n) writer.fixed64(fields.timeNanos, point.timeNanos);
  if (point.count !== 0) writer.fixed64(fields.count, BigInt(point.count));
  writer.double(fields.sum, point.sum);
  if (point.scale !== 0) writer.sint32(fields.scale, point.scale);
  if (point.zeros !== 0) writer.fixed64(fields.zeros, BigInt(point.zeros));
  writeBuckets(writer, fields.positive, point.positive);
  writeBuckets(writer, fields.negative, point.negative);
  if (point.count !== 0) {
    writer.double(fields.min, point.min);
    writer.double(fields.max, point.max);
  }
  return writer.finish();
}

function writeBuckets(writer: ProtobufWriter, field: number, buckets: Buckets): void {
  if (buckets.counts.length === 0) return;
  writer.message(field, (message) => {
    if (buckets.offset !== 0) message.sint32(1, buckets.offset);
    const packed = new ByteWriter(2 * buckets.counts.length);
    for (const count of buckets.counts) packed.varint(count);
    message.bytes(2, packed.finish());
  });
}
