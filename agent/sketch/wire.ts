import { ByteReader, MalformedBytes } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { crc32c } from '../base/crc32c.ts';
import { expectBytes } from './fault.ts';

export function readUint16(reader: ByteReader): number {
  return reader.uint8() | (reader.uint8() << 8);
}

export function writeUint16(writer: ByteWriter, value: number): void {
  writer.uint8(value & 0xff);
  writer.uint8(value >>> 8);
}

/** @throws {MalformedBytes} past 2^53 - 1: no count of ours gets there. */
export function readUint64(reader: ByteReader, what: string): number {
  const low = reader.uint32();
  const value = reader.uint32() * 0x1_0000_0000 + low;
  if (value > Number.MAX_SAFE_INTEGER) throw new MalformedBytes(`${what} is beyond 2^53 - 1`);
  return value;
}

/** `value` is an integer of 0 … 2^53 - 1. */
export function writeUint64(writer: ByteWriter, value: number): void {
  writer.uint32(value % 0x1_0000_0000);
  writer.uint32(Math.floor(value / 0x1_0000_0000));
}

export function expectEnd(reader: ByteReader): void {
  expectBytes(reader.remaining === 0, `${reader.remaining} bytes too many`);
}

/** A finite double. */
export function readFinite(reader: ByteReader, what: string): number {
  const value = reader.float64();
  expectBytes(Number.isFinite(value), `${what} is ${value}`);
  return value;
}

/**
 * Frame of the formats that are sedge's own, where no standard exists: four letters that name the format, its version
 * (u8), three zero bytes, the body, and CRC-32C (u32) over all before it.
 */
export const ownFormatVersion = 1;

export function writeOwn(magic: string, body: (writer: ByteWriter) => void): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  for (let i = 0; i < 4; i++) writer.uint8(magic.charCodeAt(i));
  writer.uint8(ownFormatVersion);
  writer.align(8);
  body(writer);
  writer.uint32(crc32c(writer.finish()));
  return writer.finish();
}

/** @throws {MalformedBytes} unless magic, version, CRC and length fit. */
export function readOwn<T>(magic: string, bytes: Uint8Array, body: (reader: ByteReader) => T): T {
  expectBytes(bytes.length >= 12, `${bytes.length} bytes are too few`);
  const reader = new ByteReader(bytes.subarray(0, bytes.length - 4));
  for (let i = 0; i < 4; i++)
    expectBytes(reader.uint8() === magic.charCodeAt(i), `no ${magic} at the beginning`);
  const version = reader.uint8();
  expectBytes(version === ownFormatVersion, `version ${version} of ${magic} is not known`);
  const crc = new ByteReader(bytes.subarray(bytes.length - 4)).uint32();
  expectBytes(crc32c(bytes.subarray(0, bytes.length - 4)) === crc, 'checksum does not fit');
  for (let i = 0; i < 3; i++) expectBytes(reader.uint8() === 0, 'reserved bytes are not zero');
  const value = body(reader);
  expectEnd(reader);
  return value;
}
