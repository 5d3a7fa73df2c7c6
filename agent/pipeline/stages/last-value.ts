import { type ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { Scalar } from '../../reading/batch.ts';
import { rememberedTextLength } from '../limits.ts';

/**
 * The value of a field that was passed last. Numbers stand in a slot of their own, so that they are never boxed. Mutable, one
 * object a field for the life of its series.
 */
export interface LastValue {
  /** Event time; -Infinity before the first, so that every reading is newer. */
  timeMicros: number;
  /** `none`: before the first, and for what is too big to remember; nothing equals it. */
  kind: 'none' | 'number' | 'bigint' | 'boolean' | 'string';
  number: number;
  other: bigint | boolean | string | null;
}

export const noValue = (): LastValue => ({
  timeMicros: Number.NEGATIVE_INFINITY,
  kind: 'none',
  number: 0,
  other: null,
});

export function remembered(into: LastValue, value: Scalar): void {
  into.other = null;
  if (typeof value === 'number') {
    into.kind = 'number';
    into.number = value;
  } else if (
    value instanceof Uint8Array ||
    (typeof value === 'string' && value.length > rememberedTextLength)
  ) {
    into.kind = 'none';
  } else {
    into.kind = typeof value as 'bigint' | 'boolean' | 'string';
    into.other = value;
  }
}

/** Layout: kind (0 hole, 1 none, 2 number, 3 bigint, 4 false, 5 true, 6 text), time as float64, value. */
export function writeLastValue(writer: ByteWriter, value: LastValue | undefined): void {
  if (value === undefined) {
    writer.uint8(0);
    return;
  }
  const { kind, other } = value;
  writer.uint8(
    kind === 'none'
      ? 1
      : kind === 'number'
        ? 2
        : kind === 'bigint'
          ? 3
          : kind === 'string'
            ? 6
            : other === true
              ? 5
              : 4,
  );
  writer.float64(value.timeMicros);
  if (kind === 'number') writer.float64(value.number);
  else if (kind === 'bigint' || kind === 'string') writer.text(String(other));
}

/** @throws {MalformedBytes} */
export function readLastValue(reader: ByteReader): LastValue | undefined {
  const code = reader.uint8();
  if (code === 0) return undefined;
  if (code > 6) throw new MalformedBytes(`kind of a value: ${code}`);
  const value = noValue();
  value.timeMicros = reader.float64();
  if (code === 2) remembered(value, reader.float64());
  else if (code === 3) remembered(value, parseBigInt(reader.text()));
  else if (code === 4 || code === 5) remembered(value, code === 5);
  else if (code === 6) remembered(value, reader.text());
  return value;
}

function parseBigInt(text: string): bigint {
  // Decoders bound integers to the digits of one payload; a saved one has no reason to be longer.
  if (!/^-?\d{1,400}$/.test(text)) throw new MalformedBytes('integer of a saved value');
  return BigInt(text);
}
