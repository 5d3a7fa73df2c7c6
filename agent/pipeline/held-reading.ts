import { type ByteReader, MalformedBytes } from '../base/byte-reader.ts';
import type { ByteWriter } from '../base/byte-writer.ts';
import type { Batch, Quality, Scalar } from '../reading/batch.ts';
import { valueAt } from '../reading/batch.ts';
import { fieldsOfHeldMax } from './limits.ts';

/** A reading taken out of its batch, for a stage that gives it out later. Its series is known to whoever holds it. */
export interface HeldReading {
  readonly timeMicros: number;
  readonly timeNanos: number;
  readonly quality: Quality;
  /** Fields it has, in the order of the batch's columns. */
  readonly names: readonly string[];
  readonly values: readonly Scalar[];
}

export function heldReading(batch: Batch, row: number): HeldReading {
  const names: string[] = [];
  const values: Scalar[] = [];
  for (const column of batch.columns) {
    const value = valueAt(column, row);
    if (value === undefined) continue;
    names.push(column.name);
    values.push(value);
  }
  return {
    timeMicros: batch.timeMicros[row]!,
    timeNanos: batch.timeNanos === null ? 0 : batch.timeNanos[row]!,
    quality: batch.quality[row]! as Quality,
    names,
    values,
  };
}

/** A reading not given out yet: in the batch at hand (`row`), or from an earlier one. Empty: -1 and null. */
export class Place {
  row: number;
  earlier: HeldReading | null;

  constructor(row = -1, earlier: HeldReading | null = null) {
    this.row = row;
    this.earlier = earlier;
  }

  set(row: number): void {
    this.row = row;
    this.earlier = null;
  }

  clear(): void {
    this.set(-1);
  }

  get isEmpty(): boolean {
    return this.row < 0 && this.earlier === null;
  }

  /** Takes the reading out of the batch, which ends. */
  detach(batch: Batch): void {
    if (this.row < 0) return;
    this.earlier = heldReading(batch, this.row);
    this.row = -1;
  }

  /** It is not empty; `seriesIndex` is the place of its series in the batch at hand. */
  giveOut(
    rows: { row(row: number): void; held(held: HeldReading, seriesIndex: number): void },
    seriesIndex: number,
  ): void {
    if (this.row >= 0) rows.row(this.row);
    else rows.held(this.earlier!, seriesIndex);
  }
}

export function heldValue(held: HeldReading, name: string): Scalar | undefined {
  const at = held.names.indexOf(name);
  return at < 0 ? undefined : held.values[at];
}

/** Layout in README.md. */
export function writeHeld(writer: ByteWriter, held: HeldReading | null): void {
  writer.uint8(held === null ? 0 : 1);
  if (held === null) return;
  writer.float64(held.timeMicros);
  writer.varint(held.timeNanos);
  writer.uint8(held.quality);
  writer.varint(held.names.length);
  for (const [i, name] of held.names.entries()) {
    writer.text(name);
    writeScalar(writer, held.values[i]!);
  }
}

/** @throws {MalformedBytes} */
export function readHeld(reader: ByteReader): HeldReading | null {
  const there = reader.uint8();
  if (there === 0) return null;
  const timeMicros = reader.float64();
  const timeNanos = reader.count(999, 'nanoseconds');
  const quality = reader.uint8();
  if (there !== 1 || quality > 2) throw new MalformedBytes('a held reading');
  const names: string[] = [];
  const values: Scalar[] = [];
  const count = reader.count(fieldsOfHeldMax, 'fields of a held reading');
  for (let i = 0; i < count; i++) {
    names.push(reader.text());
    values.push(readScalar(reader));
  }
  return { timeMicros, timeNanos, quality: quality as Quality, names, values };
}

function writeScalar(writer: ByteWriter, value: Scalar): void {
  if (typeof value === 'number') {
    writer.uint8(0);
    writer.float64(value);
  } else if (typeof value === 'bigint') {
    writer.uint8(1);
    writer.text(String(value));
  } else if (typeof value === 'string') {
    writer.uint8(2);
    writer.text(value);
  } else if (typeof value === 'boolean') writer.uint8(value ? 5 : 4);
  else {
    writer.uint8(3);
    writer.bytes(value);
  }
}

function readScalar(reader: ByteReader): Scalar {
  const code = reader.uint8();
  if (code === 0) return reader.float64();
  if (code === 2) return reader.text();
  if (code === 3) return reader.bytes().slice();
  if (code === 4 || code === 5) return code === 5;
  const text = code === 1 ? reader.text() : '';
  // Decoders bound integers to the digits of one payload; a saved one has no reason to be longer.
  if (!/^-?\d{1,400}$/.test(text)) throw new MalformedBytes('a held value');
  return BigInt(text);
}
