import { MalformedBytes, type ByteReader } from '../../base/byte-reader.ts';
import type { Scalar } from '../../reading/batch.ts';
import { wideFromHex } from './wide.ts';
import type { RowWriter } from './row-writer.ts';
import { readText } from './text-bytes.ts';

/** A value that carries its own kind: what a mixed column is made of. One tag byte, then the value. */
const tag = { number: 0, false: 1, true: 2, text: 3, bytes: 4, int64: 5, wide: 6 } as const;

export function writeScalar(writer: RowWriter, value: Scalar): void {
  switch (typeof value) {
    case 'number':
      writer.uint8(tag.number);
      writer.float64(value);
      return;
    case 'boolean':
      writer.uint8(value ? tag.true : tag.false);
      return;
    case 'string':
      writer.uint8(tag.text);
      writer.text(value);
      return;
    case 'bigint':
      writeBigint(writer, value);
      return;
    default:
      writer.uint8(tag.bytes);
      writer.varint(value.length);
      writer.raw(value);
  }
}

/** @throws {MalformedBytes} */
export function readScalar(reader: ByteReader): Scalar {
  const kind = reader.uint8();
  switch (kind) {
    case tag.number:
      return reader.float64();
    case tag.false:
      return false;
    case tag.true:
      return true;
    case tag.text:
      return readText(reader);
    case tag.bytes:
      return readBytes(reader);
    case tag.int64: {
      const low = BigInt(reader.uint32());
      return BigInt.asIntN(64, (BigInt(reader.uint32()) << 32n) | low);
    }
    case tag.wide:
      return wideFromHex(readText(reader));
    default:
      throw new MalformedBytes(`value of unknown kind ${kind}`);
  }
}

/** A copy, so that a value does not keep its row alive. @throws {MalformedBytes} */
export function readBytes(reader: ByteReader): Uint8Array {
  const view = reader.bytes();
  return view.length === 0 ? empty : view.slice();
}

function writeBigint(writer: RowWriter, value: bigint): void {
  if (BigInt.asIntN(64, value) === value) {
    writer.uint8(tag.int64);
    writer.uint32(Number(value & 0xffff_ffffn));
    writer.uint32(Number((value >> 32n) & 0xffff_ffffn));
    return;
  }
  writer.uint8(tag.wide);
  writer.text(value.toString(16));
}

const empty = new Uint8Array(0);
