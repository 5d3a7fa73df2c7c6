/** Bits a register takes on the wire. In memory it is always a byte. */
export type RegisterBits = 4 | 6 | 8;

/** The state a sketch is written from and read into. */
export interface HyperLogLogState {
  readonly lgK: number;
  readonly registerBits: RegisterBits;
  /** Distinct coupons while there are few; null once there are registers. */
  readonly coupons: Uint32Array | null;
  readonly registers: Uint8Array | null;
  /** The estimate by historic inverse probability; means nothing when out of order. */
  readonly hip: number;
  readonly outOfOrder: boolean;
}

/** How many registers have each value, 0 … 63 (those parsed from bytes: 255 at most). */
export function registerCounts(registers: Uint8Array): Uint32Array {
  // Four tables in turn: most registers are alike, and a counter that was just written is slow to be read again.
  const counts = new Uint32Array(1024);
  const whole = registers.length & ~3;
  for (let slot = 0; slot < whole; slot += 4) {
    counts[registers[slot]!]!++;
    counts[256 + registers[slot + 1]!]!++;
    counts[512 + registers[slot + 2]!]!++;
    counts[768 + registers[slot + 3]!]!++;
  }
  for (let slot = whole; slot < registers.length; slot++) counts[registers[slot]!]!++;
  for (let value = 0; value < 256; value++)
    counts[value]! += counts[256 + value]! + counts[512 + value]! + counts[768 + value]!;
  return counts.subarray(0, 256);
}

/** Sums of 2^-register over the registers below 32 and over the others; both are exact in any order. */
export function inverseSums(counts: Uint32Array): [number, number] {
  let low = 0;
  let high = 0;
  for (let value = 0; value < 64; value++) {
    const sum = counts[value]! * inversePower(value);
    if (value < 32) low += sum;
    else high += sum;
  }
  return [low, high];
}

export function inversePower(exponent: number): number {
  return exponent < 31 ? 1 / (1 << exponent) : 2 ** -exponent;
}

/** Raises `registers` to those of `others`, four in a word: bytes of at most 63 can be compared side by side. */
export function maxRegisters(registers: Uint8Array, others: Uint8Array): void {
  const words = new Uint32Array(registers.buffer, registers.byteOffset, registers.length >> 2);
  const otherWords = new Uint32Array(others.buffer, others.byteOffset, others.length >> 2);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const other = otherWords[i]!;
    // The upper bit of each byte stays where the register is not below the other.
    const kept = Math.imul((((word | 0x80808080) - other) >>> 7) & 0x01010101, 255);
    words[i] = (word & kept) | (other & ~kept);
  }
}
