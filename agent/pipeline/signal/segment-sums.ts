import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';

/** What is kept of the values that a compressed segment stands for. */
export class SegmentSums {
  count = 0;
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** Area under the raw values from the end of the segment before, in unit × second (trapezoids). */
  integral = 0;

  add(value: number, area: number): void {
    this.count++;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.integral += area;
  }

  /** Takes the other's values over, which is then empty. */
  absorb(other: SegmentSums): void {
    this.count += other.count;
    this.sum += other.sum;
    if (other.min < this.min) this.min = other.min;
    if (other.max > this.max) this.max = other.max;
    this.integral += other.integral;
    other.clear();
  }

  clear(): void {
    this.count = 0;
    this.sum = 0;
    this.min = Number.POSITIVE_INFINITY;
    this.max = Number.NEGATIVE_INFINITY;
    this.integral = 0;
  }

  write(writer: ByteWriter): void {
    writer.varint(this.count);
    for (const value of [this.sum, this.min, this.max, this.integral]) writer.float64(value);
  }

  /** @throws {MalformedBytes} */
  read(reader: ByteReader): this {
    this.count = reader.varint();
    this.sum = reader.float64();
    this.min = reader.float64();
    this.max = reader.float64();
    this.integral = reader.float64();
    return this;
  }
}

export const segmentNames = ['count', 'sum', 'min', 'max', 'integral'] as const;
