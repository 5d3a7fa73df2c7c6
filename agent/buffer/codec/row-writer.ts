import { putUtf16, putUtf8, utf8Length } from './text-bytes.ts';

/**
 * A growing byte buffer made for rows: short arrays are written by loops, because a typed-array view costs more than the eight bytes
 * it would copy. Little-endian; runs on little-endian hosts (x64, arm64), where copying an array is copying its bytes.
 */
export class RowWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  uint8(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  uint32(value: number): void {
    this.#need(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  float64(value: number): void {
    this.#need(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** Unsigned LEB128 of an integer in 0 … 2^53 - 1. */
  varint(value: number): void {
    this.#need(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.#need(bytes.length);
    const target = this.#bytes;
    const at = this.#length;
    if (bytes.length <= shortArray) for (let i = 0; i < bytes.length; i++) target[at + i] = bytes[i]!;
    else target.set(bytes, at);
    this.#length += bytes.length;
  }

  float64s(values: Float64Array): void {
    if (values.length > shortArray) return this.raw(bytesOf(values));
    this.#need(8 * values.length);
    for (let i = 0; i < values.length; i++) {
      this.#view.setFloat64(this.#length, values[i]!, true);
      this.#length += 8;
    }
  }

  bigint64s(values: BigInt64Array): void {
    if (values.length > shortArray) return this.raw(bytesOf(values));
    this.#need(8 * values.length);
    for (let i = 0; i < values.length; i++) {
      this.#view.setBigInt64(this.#length, values[i]!, true);
      this.#length += 8;
    }
  }

  uint16s(values: Uint16Array): void {
    this.raw(bytesOf(values));
  }

  uint32s(values: Uint32Array): void {
    this.raw(bytesOf(values));
  }

  text(text: string): void {
    const length = utf8Length(text);
    if (length === -1) {
      this.varint(text.length * 4 + 1);
      this.#need(text.length * 2);
      putUtf16(text, this.#bytes, this.#length);
      this.#length += text.length * 2;
      return;
    }
    this.varint(length * 2);
    this.#need(length);
    putUtf8(text, this.#bytes, this.#length, length);
    this.#length += length;
  }

  /** The texts of a column. Those that repeat (states, lots, units) are copied from where they were written before. */
  texts(values: readonly string[]): void {
    const places = new Map<string, Place>();
    let misses = 0;
    let i = 0;
    for (; i < values.length && misses < missesMax; i++) {
      const value = values[i]!;
      const place = places.get(value);
      if (place === undefined) {
        const from = this.#length;
        this.text(value);
        places.set(value, { from, to: this.#length });
        misses += missWeight;
      } else {
        this.#copy(place);
        if (misses > 0) misses--;
      }
    }
    for (; i < values.length; i++) this.text(values[i]!);
  }

  /** What was written so far; valid until the next write. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written, in a buffer of exactly its length (so that it can be transferred). */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
  }

  #copy({ from, to }: Place): void {
    const length = to - from;
    this.#need(length);
    const bytes = this.#bytes;
    const at = this.#length;
    if (length > shortArray) bytes.copyWithin(at, from, to);
    else for (let i = 0; i < length; i++) bytes[at + i] = bytes[from + i]!;
    this.#length += length;
  }

  #need(more: number): void {
    if (this.#length + more > this.#bytes.length) this.#grow(more);
  }

  #grow(more: number): void {
    const grown = new Uint8Array(Math.max(this.#length + more, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

interface Place {
  readonly from: number;
  readonly to: number;
}

/** Looking for a text costs about a third of writing it: columns whose texts are new more often than that are written as they come. */
const missWeight = 3;
const missesMax = 48;

/** The bytes of a typed array, as a view; of a Node Buffer too, whose own `slice` would not copy. */
export function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Up to this many elements a loop beats making a view. */
export const shortArray = 16;
