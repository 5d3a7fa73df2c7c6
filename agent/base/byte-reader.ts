/** What a bounded parser says of bytes it cannot accept. A value of weather, thrown only inside one parser and caught at its edge. */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes';
}

/** Reads what {@link ByteWriter} wrote. Every read is checked against the end; no length is trusted before it is compared. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  uint8(): number {
    this.#need(1);
    return this.#bytes[this.#position++]!;
  }

  uint32(): number {
    this.#need(4);
    const value = this.#view.getUint32(this.#position, true);
    this.#position += 4;
    return value;
  }

  float64(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#position, true);
    this.#position += 8;
    return value;
  }

  /** @throws {MalformedBytes} past 2^53 - 1 or past the end. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.uint8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new MalformedBytes('varint beyond 2^53 - 1');
  }

  /** A varint that must not exceed `limit`. */
  count(limit: number, what: string): number {
    const value = this.varint();
    if (value > limit) throw new MalformedBytes(`${what}: ${value} exceeds ${limit}`);
    return value;
  }

  /** A view, not a copy. */
  raw(length: number): Uint8Array {
    this.#need(length);
    const view = this.#bytes.subarray(this.#position, this.#position + length);
    this.#position += length;
    return view;
  }

  /** All bytes, for who wants to look at some without a view of their own. */
  get source(): Uint8Array {
    return this.#bytes;
  }

  /** Passes over `length` bytes; answers where in `source` they begin. */
  skip(length: number): number {
    this.#need(length);
    const from = this.#position;
    this.#position += length;
    return from;
  }

  bytes(): Uint8Array {
    return this.raw(this.varint());
  }

  /** @throws {MalformedBytes} when the bytes are not UTF-8. */
  text(): string {
    try {
      return decoder.decode(this.bytes());
    } catch (error) {
      if (error instanceof MalformedBytes) throw error;
      throw new MalformedBytes('text is not UTF-8');
    }
  }

  align(size: number): void {
    const missing = (size - (this.#position % size)) % size;
    this.raw(missing);
  }

  #need(length: number): void {
    if (length > this.remaining) {
      throw new MalformedBytes(`needs ${length} bytes at ${this.#position}, ${this.remaining} are left`);
    }
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
