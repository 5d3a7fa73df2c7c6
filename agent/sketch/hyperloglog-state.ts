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

/** Sums of 2^-register over the registers below 32 and over the others; both are exact in any order. */
export function inverseSums(registers: Uint8Array): [number, number] {
  let low = 0;
  let high = 0;
  for (const register of registers) {
    if (register < 32) low += inversePower(register);
    else high += inversePower(register);
  }
  return [low, high];
}

export function inversePower(exponent: number): number {
  return exponent < 31 ? 1 / (1 << exponent) : 2 ** -exponent;
}
