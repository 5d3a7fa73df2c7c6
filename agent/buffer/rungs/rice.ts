import { MalformedBytes } from '../../base/byte-reader.ts';

/**
 * Whole numbers 0 … 2^53 - 1 in few bits: Rice codes whose parameter follows the lengths of the numbers before (Rice 1979; the adaptation by mean
 * length instead of mean value, so that an outlier is forgotten after a dozen numbers). A number n at parameter k is n / 2^k ones and a zero,
 * then its k lowest bits; from `unaryMax` ones on, 53 plain bits.
 */
export class RiceWriter {
  #bytes = new Uint8Array(1_024);
  #at = 0;
  #pending = 0;
  #bits = 0;

  column(values: Float64Array): void {
    const tracker = new LengthTracker();
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      this.#number(value, tracker.parameter);
      tracker.take(value);
    }
  }

  finish(): Uint8Array<ArrayBuffer> {
    if (this.#bits > 0) this.#put(0, 8 - this.#bits);
    return this.#bytes.slice(0, this.#at);
  }

  #number(value: number, parameter: number): void {
    const ones = value < 2 ** 31 ? value >>> parameter : Math.floor(value / 2 ** parameter);
    if (ones >= unaryMax) {
      this.#put(2 ** unaryMax - 1, unaryMax);
      this.#plain(value, plainBits);
      return;
    }
    this.#put(2 ** (ones + 1) - 2, ones + 1);
    if (parameter > 0) this.#plain(value - ones * 2 ** parameter, parameter);
  }

  #plain(value: number, bits: number): void {
    let [rest, left] = [value, bits];
    for (; left > chunkBits; left -= chunkBits) {
      const scale = 2 ** (left - chunkBits);
      const chunk = Math.floor(rest / scale);
      this.#put(chunk, chunkBits);
      rest -= chunk * scale;
    }
    this.#put(rest, left);
  }

  /** At most 24 bits. */
  #put(value: number, bits: number): void {
    this.#pending = (this.#pending << bits) | value;
    this.#bits += bits;
    if (this.#at + 4 > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#bytes.length);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    while (this.#bits >= 8) {
      this.#bits -= 8;
      this.#bytes[this.#at++] = this.#pending >>> this.#bits;
    }
  }
}

/** Reads what {@link RiceWriter} wrote; beyond the end it throws `MalformedBytes`. */
export class RiceReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #pending = 0;
  #bits = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  column(length: number): Float64Array {
    const values = new Float64Array(length);
    const tracker = new LengthTracker();
    for (let i = 0; i < length; i++) {
      const value = this.#number(tracker.parameter);
      values[i] = value;
      tracker.take(value);
    }
    return values;
  }

  /** @throws {MalformedBytes} when more than the filling of the last byte is left. */
  end(): void {
    if (this.#at < this.#bytes.length || this.#pending !== 0) throw new MalformedBytes('bits left over');
  }

  #number(parameter: number): number {
    let ones = 0;
    while (ones < unaryMax && this.#take(1) === 1) ones++;
    const value = ones === unaryMax ? this.#plain(plainBits) : ones * 2 ** parameter + this.#plain(parameter);
    if (value > Number.MAX_SAFE_INTEGER) throw new MalformedBytes('number beyond 2^53 - 1');
    return value;
  }

  #plain(bits: number): number {
    let [value, left] = [0, bits];
    for (; left > chunkBits; left -= chunkBits) value = value * 2 ** chunkBits + this.#take(chunkBits);
    return value * 2 ** left + this.#take(left);
  }

  #take(bits: number): number {
    while (this.#bits < bits) {
      if (this.#at >= this.#bytes.length) throw new MalformedBytes('bits end early');
      this.#pending = (this.#pending << 8) | this.#bytes[this.#at++]!;
      this.#bits += 8;
    }
    this.#bits -= bits;
    const value = this.#pending >>> this.#bits;
    this.#pending &= 2 ** this.#bits - 1;
    return value;
  }
}

/** Bits that a column of these will take, about. */
export function riceCost(values: Float64Array): number {
  let bits = 0;
  for (let i = 0; i < values.length; i++) bits += lengthOf(values[i]!);
  return bits;
}

class LengthTracker {
  /** Sixteen times the mean length of the last dozen or so. */
  #lengths = 64;

  get parameter(): number {
    return this.#lengths < 16 ? 0 : (this.#lengths - 6) >> 4;
  }

  take(value: number): void {
    this.#lengths += lengthOf(value) - (this.#lengths >> 4);
  }
}

/** Bits of a whole number without leading zeros; 0 for 0. */
function lengthOf(value: number): number {
  return value < 2 ** 32 ? 32 - Math.clz32(value) : 64 - Math.clz32(value / 2 ** 32);
}

const unaryMax = 20;
const plainBits = 53;
/** At once, beside seven bits that wait. */
const chunkBits = 24;
