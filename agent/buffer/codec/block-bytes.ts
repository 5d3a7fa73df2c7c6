import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import { blockInflatedBytesMax, inflateChunkBytes, ownFrameBytesMin, quickFrameBytesMin } from './limits.ts';
import { bytesOf, RowWriter } from './row-writer.ts';

/**
 * A block under construction has two areas. `common` holds counts, names and small parts and is compressed as a whole; `tail` holds the
 * large parts, each in a zstd frame of its own (or stored). Byte planes of different columns have different statistics: one
 * Huffman table over all of them costs up to a bit a byte.
 */
export class BlockWriter {
  readonly common = new RowWriter(256);
  readonly tail = new RowWriter(1024);
  /** Few parts get a frame of their own, and not every way of keeping a column is tried: dearer to store, cheaper to write. */
  readonly isQuick: boolean;
  readonly #frameBytesMin: number;

  constructor(isQuick = false) {
    this.isQuick = isQuick;
    this.#frameBytesMin = isQuick ? quickFrameBytesMin : ownFrameBytesMin;
  }

  /** An empty one of the same kind. */
  another(): BlockWriter {
    return new BlockWriter(this.isQuick);
  }

  /** One part: its length (× 2, + 1 when its bytes are in the tail), then its bytes or their length in the tail. */
  part(bytes: Uint8Array): void {
    if (bytes.length < this.#frameBytesMin) {
      this.common.varint(bytes.length * 2);
      this.common.raw(bytes);
      return;
    }
    const kept = shrunk(bytes) ?? bytes;
    this.common.varint(bytes.length * 2 + 1);
    this.common.varint(kept.length);
    this.tail.raw(kept);
  }

  /** What `other` holds, with the lengths of both areas before it, so that a reader can pass over it. */
  section(other: BlockWriter): void {
    this.common.varint(other.common.length);
    this.common.varint(other.tail.length);
    this.common.raw(other.common.written());
    this.tail.raw(other.tail.written());
  }

  get size(): number {
    return this.common.length + this.tail.length;
  }
}

/** Reads what {@link BlockWriter} wrote. Every method throws `MalformedBytes` and nothing else. */
export class BlockReader {
  readonly common: ByteReader;
  readonly #tail: ByteReader;
  readonly #budget: InflateBudget;

  constructor(common: Uint8Array, tail: Uint8Array, budget: InflateBudget) {
    this.common = new ByteReader(common);
    this.#tail = new ByteReader(tail);
    this.#budget = budget;
  }

  /** The next part; with `length`, exactly so many bytes. A view of the block or a buffer of its own. */
  part(length?: number): Uint8Array {
    const head = this.common.varint();
    const raw = Math.floor(head / 2);
    if (length !== undefined && raw !== length)
      throw new MalformedBytes(`part of ${raw} bytes, not ${length}`);
    if (head % 2 === 0) return this.common.raw(raw);
    const kept = this.#tail.raw(this.common.varint());
    if (kept.length === raw) return kept;
    return this.#budget.inflate(kept, raw);
  }

  section(): BlockReader {
    const common = this.common.varint();
    const tail = this.common.varint();
    return new BlockReader(this.common.raw(common), this.#tail.raw(tail), this.#budget);
  }

  end(): void {
    const left = this.common.remaining + this.#tail.remaining;
    if (left > 0) throw new MalformedBytes(`${left} bytes left over`);
  }
}

/** What one block may still inflate to. */
export class InflateBudget {
  #left = blockInflatedBytesMax;

  /** @throws {MalformedBytes} when the frame is damaged, or does not hold exactly `length` bytes, or the budget is spent. */
  inflate(frame: Uint8Array, length: number): Uint8Array {
    if (length > this.#left) throw new MalformedBytes(`inflates beyond ${blockInflatedBytesMax} bytes`);
    this.#left -= length;
    let bytes: Uint8Array;
    try {
      const inflated = zstdDecompressSync(frame, {
        maxOutputLength: Math.max(length, 1),
        chunkSize: Math.min(Math.max(length, 64), inflateChunkBytes),
        params: { [constants.ZSTD_d_windowLogMax]: windowLogMax },
      });
      bytes = bytesOf(inflated);
    } catch {
      throw new MalformedBytes('zstd frame is damaged or too large');
    }
    if (bytes.length !== length) throw new MalformedBytes(`inflates to ${bytes.length} bytes, not ${length}`);
    return bytes;
  }
}

/** A zstd frame of `bytes`, or null when it saves less than a thirty-second. */
export function shrunk(bytes: Uint8Array): Uint8Array | null {
  const frame = zstdCompressSync(bytes, {
    chunkSize: Math.min(Math.max(bytes.length, 64), inflateChunkBytes),
    pledgedSrcSize: bytes.length,
    params: {
      [constants.ZSTD_c_compressionLevel]: zstdLevel,
      [constants.ZSTD_c_windowLog]: windowLog(bytes.length),
    },
  });
  return frame.length < bytes.length - bytes.length / 32 ? frame : null;
}

/** The window, and with it what a decoder must hold, is no larger than the data. */
function windowLog(length: number): number {
  return Math.min(Math.max(Math.ceil(Math.log2(Math.max(length, 1))), 10), windowLogMax);
}

const zstdLevel = 3;
/** 8 MiB. */
const windowLogMax = 23;
