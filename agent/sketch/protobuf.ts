import { ByteReader, MalformedBytes } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';

/** Wire types of Protocol Buffers. */
const varintType = 0;
const fixed64Type = 1;
const bytesType = 2;
const fixed32Type = 5;

const encoder = new TextEncoder();

/** Writes one message of Protocol Buffers (encoding guide, proto3). Fields are written as called for, in that order. */
export class ProtobufWriter {
  readonly #writer = new ByteWriter();

  sint32(field: number, value: number): void {
    this.#tag(field, varintType);
    this.#writer.varint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  fixed64(field: number, value: bigint): void {
    this.#tag(field, fixed64Type);
    this.#writer.uint32(Number(value & 0xffff_ffffn));
    this.#writer.uint32(Number((value >> 32n) & 0xffff_ffffn));
  }

  double(field: number, value: number): void {
    this.#tag(field, fixed64Type);
    this.#writer.float64(value);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, bytesType);
    this.#writer.bytes(value);
  }

  /** The empty text is the default and left out, except in a `oneof`. */
  text(field: number, value: string, options: { always?: boolean } = {}): void {
    if (value !== '' || options.always === true) this.bytes(field, encoder.encode(value));
  }

  message(field: number, write: (writer: ProtobufWriter) => void): void {
    const inner = new ProtobufWriter();
    write(inner);
    this.bytes(field, inner.finish());
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#writer.finish();
  }

  #tag(field: number, type: number): void {
    this.#writer.varint(field * 8 + type);
  }
}

/** Reads one message field by field: `next` gives the field number, then one of the readers takes or `skip` leaves the value. */
export class ProtobufReader {
  readonly #reader: ByteReader;
  #type = 0;

  constructor(bytes: Uint8Array) {
    this.#reader = new ByteReader(bytes);
  }

  get remaining(): number {
    return this.#reader.remaining;
  }

  /** 0 at the end. */
  next(): number {
    if (this.#reader.remaining === 0) return 0;
    const tag = this.#reader.varint();
    this.#type = tag & 7;
    const field = Math.floor(tag / 8);
    if (field === 0) throw new MalformedBytes('field number 0');
    return field;
  }

  varint(): number {
    this.#expect(varintType);
    return this.#reader.varint();
  }

  sint32(): number {
    const value = this.varint();
    if (value > 0xffff_ffff) throw new MalformedBytes('sint32 is out of range');
    return (value >>> 1) ^ -(value & 1);
  }

  fixed64(): bigint {
    this.#expect(fixed64Type);
    const low = this.#reader.uint32();
    return (BigInt(this.#reader.uint32()) << 32n) | BigInt(low);
  }

  double(): number {
    this.#expect(fixed64Type);
    return this.#reader.float64();
  }

  bytes(): Uint8Array {
    this.#expect(bytesType);
    return this.#reader.bytes();
  }

  text(): string {
    this.#expect(bytesType);
    return this.#reader.text();
  }

  /** Repeated numbers come packed from all writers of today, one by one from old ones; `into` gets them either way. */
  packedVarints(into: (value: number) => void): void {
    if (this.#type === varintType) {
      into(this.#reader.varint());
      return;
    }
    const packed = new ByteReader(this.bytes());
    while (packed.remaining > 0) into(packed.varint());
  }

  skip(): void {
    if (this.#type === varintType) {
      // Ten bytes hold any 64-bit value; its size does not matter here.
      for (let i = 0; this.#reader.uint8() >= 0x80; i++)
        if (i === 9) throw new MalformedBytes('varint of more than ten bytes');
    } else if (this.#type === fixed64Type) this.#reader.raw(8);
    else if (this.#type === bytesType) this.#reader.bytes();
    else if (this.#type === fixed32Type) this.#reader.raw(4);
    else throw new MalformedBytes(`wire type ${this.#type}`);
  }

  #expect(type: number): void {
    if (this.#type !== type) throw new MalformedBytes(`wire type ${this.#type} where ${type} belongs`);
  }
}
