import { requireParameter, requireSame, type Parsed } from './fault.ts';
import { parseHyperLogLog, writeHyperLogLog } from './hyperloglog-bytes.ts';
import { estimateFromCoupons, estimateFromRegisters } from './hyperloglog-estimate.ts';
import { inversePower, inverseSums, type HyperLogLogState, type RegisterBits } from './hyperloglog-state.ts';
import { ItemHasher, standardSeed } from './item-hasher.ts';
import { hyperLogLogLgKMax, hyperLogLogLgKMin } from './limits.ts';
import type { ErrorBound, Sketch } from './sketch.ts';

export interface HyperLogLogOptions {
  /** Log2 of the registers, 4 … 21; 12 gives 1.3 % (one standard error) in 4 KiB. */
  readonly lgK?: number;
  readonly registerBits?: RegisterBits;
}

const listLength = 8;
const setLengthLgMin = 5;

/**
 * HyperLogLog of Apache DataSketches (family 7): distinct items. A few items are kept as 32-bit coupons, exact but for one
 * collision in 2^26 pairs; then one byte a register. While items only come in one by one, the historic inverse probability
 * (HIP) estimator stands, 0.83 / sqrt(2^lgK); after a merge the registers alone are asked, 1.04 / sqrt(2^lgK).
 */
export class HyperLogLog implements Sketch {
  readonly kind = 'distinct';
  readonly lgK: number;
  readonly registerBits: RegisterBits;
  readonly #hasher = new ItemHasher(standardSeed);
  /** Open addressing, 0 is free: no coupon is 0, since its value is at least 1. Empty once there are registers. */
  #coupons = new Uint32Array(listLength);
  #couponCount = 0;
  #registers: Uint8Array | null = null;
  #hip = 0;
  #outOfOrder = false;
  /** Sum of 2^-register, in two parts so that each is exact: registers below 32 and the others. Kept while in order. */
  #sumLow = 0;
  #sumHigh = 0;

  constructor(options: HyperLogLogOptions = {}) {
    this.lgK = options.lgK ?? 12;
    this.registerBits = options.registerBits ?? 8;
    requireParameter('distinct', 'lgK', this.lgK, { min: hyperLogLogLgKMin, max: hyperLogLogLgKMax });
  }

  /** The estimate, rounded: how many are taken in is not known, only how many differ. */
  get n(): number {
    return Math.round(this.estimate());
  }

  get memoryBytes(): number {
    return this.#registers === null ? this.#coupons.byteLength : this.#registers.byteLength;
  }

  /** A number, hashed as a double. */
  updateNumber(value: number): void {
    this.#hasher.number(value);
    this.#take();
  }

  /** A safe integer, hashed as other systems hash their longs. */
  updateInteger(value: number): void {
    this.#hasher.integer(value);
    this.#take();
  }

  /** The empty text is no item, as in the standard. */
  updateText(value: string): void {
    if (value === '') return;
    this.#hasher.text(value);
    this.#take();
  }

  updateBytes(value: Uint8Array): void {
    if (value.length === 0) return;
    this.#hasher.bytes(value);
    this.#take();
  }

  estimate(): number {
    if (this.#registers === null) return estimateFromCoupons(this.#couponCount);
    if (!this.#outOfOrder) return this.#hip;
    const histogram = new Float64Array(64);
    for (const register of this.#registers) histogram[register]!++;
    return estimateFromRegisters(histogram, this.#registers.length);
  }

  /** Two standard errors. With coupons alone, two items in a hundred thousand. */
  bound(): ErrorBound {
    if (this.#registers === null) return { of: 'value', error: 1e-4, confidence: 0.954 };
    const factor = this.#outOfOrder ? 1.0389 : 0.8326;
    return { of: 'value', error: (2 * factor) / Math.sqrt(2 ** this.lgK), confidence: 0.954 };
  }

  /** @throws {SketchMismatch} when lgK differs. */
  merge(other: HyperLogLog): void {
    requireSame('distinct', 'lgK', this.lgK, other.lgK);
    if (other.#registers === null) {
      for (const coupon of other.#coupons) if (coupon !== 0) this.#takeCoupon(coupon);
      if (other.#couponCount > 0 && this.#registers !== null) this.#leaveOrder();
      return;
    }
    if (this.#registers === null && this.#couponCount === 0) {
      this.#adopt(other.#state());
      return;
    }
    if (this.#registers === null) this.#promote();
    const registers = this.#registers!;
    for (let slot = 0; slot < registers.length; slot++) {
      const value = other.#registers[slot]!;
      if (value > registers[slot]!) registers[slot] = value;
    }
    this.#leaveOrder();
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    return writeHyperLogLog(this.#state());
  }

  /** Reads HLL_4, HLL_6 and HLL_8 in all three modes, compact and updatable. */
  static parse(bytes: Uint8Array): Parsed<HyperLogLog> {
    const parsed = parseHyperLogLog(bytes);
    if (!parsed.ok) return parsed;
    const { lgK, registerBits } = parsed.value;
    const sketch = new HyperLogLog({ lgK, registerBits });
    sketch.#adopt(parsed.value);
    return { ok: true, value: sketch };
  }

  #state(): HyperLogLogState {
    return {
      lgK: this.lgK,
      registerBits: this.registerBits,
      coupons: this.#registers === null ? this.#coupons.filter((coupon) => coupon !== 0).sort() : null,
      registers: this.#registers,
      hip: this.#hip,
      outOfOrder: this.#outOfOrder,
    };
  }

  #adopt(state: HyperLogLogState): void {
    for (const coupon of state.coupons ?? []) this.#takeCoupon(coupon);
    if (state.registers === null) return;
    this.#coupons = new Uint32Array(0);
    this.#couponCount = 0;
    this.#registers = state.registers.slice();
    this.#hip = state.hip;
    this.#outOfOrder = state.outOfOrder;
    this.#sumRegisters();
  }

  #take(): void {
    const high = this.#hasher.out[3]!;
    const zeros = high === 0 ? 32 + Math.clz32(this.#hasher.out[2]!) : Math.clz32(high);
    const value = (zeros > 62 ? 62 : zeros) + 1;
    const registers = this.#registers;
    if (registers === null) {
      this.#takeCoupon(((value << 26) | (this.#hasher.out[0]! & 0x3ffffff)) >>> 0);
      return;
    }
    const slot = this.#hasher.out[0]! & (registers.length - 1);
    if (value > registers[slot]!) this.#raise(registers, slot, value);
  }

  #raise(registers: Uint8Array, slot: number, value: number): void {
    const before = registers[slot]!;
    registers[slot] = value;
    if (this.#outOfOrder) return;
    this.#hip += registers.length / (this.#sumLow + this.#sumHigh);
    if (before < 32) this.#sumLow -= inversePower(before);
    else this.#sumHigh -= inversePower(before);
    if (value < 32) this.#sumLow += inversePower(value);
    else this.#sumHigh += inversePower(value);
  }

  #takeCoupon(coupon: number): void {
    if (this.#registers !== null) {
      const slot = coupon & (this.#registers.length - 1);
      if (coupon >>> 26 > this.#registers[slot]!) this.#raise(this.#registers, slot, coupon >>> 26);
      return;
    }
    if (!insertCoupon(this.#coupons, coupon)) return;
    this.#couponCount++;
    const length = this.#coupons.length;
    if (length === listLength) {
      if (this.#couponCount < length) return;
      if (this.lgK < 8) this.#promote();
      else this.#rehash(2 ** setLengthLgMin);
    } else if (4 * this.#couponCount > 3 * length) {
      if (length === 2 ** (this.lgK - 3)) this.#promote();
      else this.#rehash(length * 2);
    }
  }

  #rehash(length: number): void {
    const before = this.#coupons;
    this.#coupons = new Uint32Array(length);
    for (const coupon of before) if (coupon !== 0) insertCoupon(this.#coupons, coupon);
  }

  /** From coupons to registers. */
  #promote(): void {
    const coupons = this.#coupons;
    const hip = estimateFromCoupons(this.#couponCount);
    this.#coupons = new Uint32Array(0);
    this.#couponCount = 0;
    this.#registers = new Uint8Array(2 ** this.lgK);
    for (const coupon of coupons) {
      if (coupon === 0) continue;
      const slot = coupon & (this.#registers.length - 1);
      if (coupon >>> 26 > this.#registers[slot]!) this.#registers[slot] = coupon >>> 26;
    }
    this.#sumRegisters();
    this.#hip = hip;
  }

  #sumRegisters(): void {
    [this.#sumLow, this.#sumHigh] = inverseSums(this.#registers!);
  }

  /** After a merge the order in which registers rose is not one of single items: HIP no longer holds. */
  #leaveOrder(): void {
    this.#outOfOrder = true;
    this.#hip = 0;
  }
}

/** False when it is there already. The table always has a free slot. */
function insertCoupon(table: Uint32Array, coupon: number): boolean {
  const mask = table.length - 1;
  const stride = ((coupon & 0x3ffffff) >>> (31 - Math.clz32(table.length))) | 1;
  let at = coupon & mask;
  for (let probes = 0; probes < table.length; probes++) {
    const found = table[at]!;
    if (found === coupon) return false;
    if (found === 0) {
      table[at] = coupon;
      return true;
    }
    at = (at + stride) & mask;
  }
  throw new Error('unreachable: a coupon table is never full');
}
