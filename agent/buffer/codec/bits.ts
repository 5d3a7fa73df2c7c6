import { MalformedBytes } from '../../base/byte-reader.ts';
import type { BlockReader, BlockWriter } from './block-bytes.ts';

/** Booleans, one byte each in memory. One byte says 0 all false, 1 all true, 2 packed: eight to a byte, lowest bit first. */
export function putBits(out: BlockWriter, values: Uint8Array): void {
  let set = 0;
  for (let i = 0; i < values.length; i++) set += values[i]!;
  if (set === 0 || set === values.length) {
    out.common.uint8(set === 0 ? 0 : 1);
    return;
  }
  out.common.uint8(2);
  const packed = new Uint8Array(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) packed[i >> 3]! |= values[i]! << (i & 7);
  out.part(packed);
}

/** @throws {MalformedBytes} */
export function takeBits(from: BlockReader, length: number): Uint8Array {
  const values = new Uint8Array(length);
  const mode = from.common.uint8();
  if (mode === 1) values.fill(1);
  else if (mode === 2) {
    const packed = from.part(Math.ceil(length / 8));
    for (let i = 0; i < length; i++) values[i] = (packed[i >> 3]! >> (i & 7)) & 1;
  } else if (mode !== 0) throw new MalformedBytes(`booleans kept in way ${mode}`);
  return values;
}
