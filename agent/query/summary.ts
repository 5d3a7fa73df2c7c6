import type { ByteReader } from '../base/byte-reader.ts';
import { MalformedBytes } from '../base/byte-reader.ts';
import type { ByteWriter } from '../base/byte-writer.ts';
import { ExponentialHistogram } from '../sketch/exponential-histogram.ts';
import { histogramScaleMax, histogramScaleMin } from '../sketch/limits.ts';
import type { Buckets } from '../sketch/otlp-data-point.ts';
import { rollupBuckets, summaryValuesMax } from './limits.ts';
import { Tally } from './tally.ts';

/**
 * What is kept of the values of one field, series and window: count, sum, extremes and spread exactly, the distribution as values while they
 * are few and as an exponential histogram beyond. Merging is exact, in any order: the same values give the same counts, whatever the
 * pieces they came in.
 */
export class Summary {
  readonly tally = new Tally();
  /** In order of arrival; null once there is a histogram. */
  #values: number[] | null = [];
  #histogram: ExponentialHistogram | null = null;

  /** The values themselves while they are few, else null. */
  get values(): readonly number[] | null {
    return this.#values;
  }

  get histogram(): ExponentialHistogram | null {
    return this.#histogram;
  }

  /** A finite value. */
  update(value: number): void {
    this.tally.update(value);
    if (this.#values === null) this.#histogram!.update(value);
    else if (this.#values.length < summaryValuesMax) this.#values.push(value);
    else this.#counting().update(value);
  }

  /** The first `count` of `values`, finite ones: the same as one by one. */
  updateAll(values: Float64Array, count: number): void {
    this.tally.updateAll(values, count);
    let at = 0;
    if (this.#values !== null && this.#values.length + count <= summaryValuesMax) {
      while (at < count) this.#values.push(values[at++]!);
      return;
    }
    const histogram = this.#counting();
    while (at < count) histogram.update(values[at++]!);
  }

  /** About what it takes in memory. */
  get memoryBytes(): number {
    return 400 + 8 * (this.#values?.length ?? 0) + (this.#histogram?.memoryBytes ?? 0);
  }

  /** About what {@link write} makes of it. */
  get writtenBytes(): number {
    return 48 + Math.min(8 * this.tally.count, 700);
  }

  merge(other: Summary): void {
    this.tally.merge(other.tally);
    if (other.#values !== null) {
      if (this.#values !== null && this.#values.length + other.#values.length <= summaryValuesMax) {
        this.#values.push(...other.#values);
      } else {
        const histogram = this.#counting();
        for (const value of other.#values) histogram.update(value);
      }
    } else this.#counting().merge(other.#histogram!);
  }

  #counting(): ExponentialHistogram {
    if (this.#histogram === null) {
      this.#histogram = new ExponentialHistogram({ maxBuckets: rollupBuckets });
      for (const value of this.#values!) this.#histogram.update(value);
      this.#values = null;
    }
    return this.#histogram;
  }

  /** A histogram of all that is in it, its own. */
  counted(): ExponentialHistogram {
    const histogram = new ExponentialHistogram({ maxBuckets: rollupBuckets });
    if (this.#histogram !== null) histogram.merge(this.#histogram);
    else for (const value of this.#values!) histogram.update(value);
    return histogram;
  }

  write(writer: ByteWriter): void {
    this.tally.write(writer);
    writer.varint(this.#values === null ? 1 : 0);
    if (this.#values !== null) {
      // Sorted, so that equal summaries are equal bytes.
      for (const value of this.#values.sort((a, b) => a - b)) writer.float64(value);
      return;
    }
    const { scale, zeros, positive, negative } = this.#histogram!.buckets();
    writer.uint8(scale - histogramScaleMin);
    writer.varint(zeros);
    writeBuckets(writer, positive);
    writeBuckets(writer, negative);
  }

  /** @throws {MalformedBytes} */
  static read(reader: ByteReader): Summary {
    const summary = new Summary();
    summary.tally.read(reader);
    const { count, sum, min, max } = summary.tally;
    const kept = reader.count(1, 'kind of summary') === 0;
    if (kept) {
      if (count > summaryValuesMax) throw new MalformedBytes(`${count} values kept one by one`);
      for (let i = 0; i < count; i++) summary.#values!.push(reader.float64());
      return summary;
    }
    const scale = reader.uint8() + histogramScaleMin;
    if (scale > histogramScaleMax) throw new MalformedBytes(`scale ${scale}`);
    const buckets = {
      scale,
      zeros: reader.varint(),
      positive: readBuckets(reader),
      negative: readBuckets(reader),
    };
    summary.#values = null;
    const point = { ...buckets, count, sum, min, max, maxBuckets: rollupBuckets };
    summary.#histogram = ExponentialHistogram.of(point);
    return summary;
  }
}

/** Counts as they are; a run of empty buckets as 0 and its length. */
function writeBuckets(writer: ByteWriter, { offset, counts }: Buckets): void {
  writer.varint(counts.length);
  if (counts.length === 0) return;
  writer.varint(offset < 0 ? -2 * offset - 1 : 2 * offset);
  for (let i = 0; i < counts.length;) {
    const count = counts[i]!;
    writer.varint(count);
    const from = i++;
    if (count !== 0) continue;
    while (counts[i] === 0) i++;
    writer.varint(i - from);
  }
}

function readBuckets(reader: ByteReader): Buckets {
  const length = reader.count(rollupBuckets, 'buckets');
  const counts = new Float64Array(length);
  if (length === 0) return { offset: 0, counts };
  const code = reader.count(2 ** 32, 'first bucket');
  for (let i = 0; i < length;) {
    const count = reader.varint();
    if (count !== 0) counts[i++] = count;
    else i += Math.max(1, reader.count(length - i, 'empty buckets'));
  }
  return { offset: code % 2 === 1 ? -(code + 1) / 2 : code / 2, counts };
}
