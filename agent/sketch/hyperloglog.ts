import { requireParameter, requireSame, type Parsed } from './fault.ts';
import { parseHyperLogLog, writeHyperLogLog } from './hyperloglog-bytes.ts';
import { estimateFromCoupons, estimateFromRegisters } from './hyperloglog-estimate.ts';
import {
  inversePower,
  inverseSums,
  maxRegisters,
  registerCounts,
  type HyperLogLogState,
  type RegisterBits,
} from './hyperloglog-state.ts';
import { standardHasher } from './item-hasher.ts';
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
  readonly #hasher = standardHasher();
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
    this.#take(0);
  }

  /** Takes `values[from … to - 1]` as numbers one by one would be, at half their price. */
  updateNumbers(values: Float64Array, from = 0, to = values.length): void {
    const hasher = this.#hasher;
    for (let at = from; at < to; at = hasher.next) {
      const end = 4 * hasher.numbers(values, at, to);
      const registers = this.#registers;
      if (registers === null) for (let i = 0; i < end; i += 4) this.#take(i);
      else this.#takeAll(registers, end);
    }
  }

  /** Most values raise no register: what is looked at for each stays in this one loop. */
  #takeAll(registers: Uint8Array, end: number): void {
    const { out } = this.#hasher;
    const mask = registers.length - 1;
    for (let at = 0; at < end; at += 4) {
      const slot = out[at]! & mask;
      // Raised where as many leading bits are zero as the register says; beyond 31 of them the whole word.
      if ((out[at + 3]! >>> 1) >>> (31 - registers[slot]!) === 0) this.#take(at);
    }
  }

  /** A safe integer, hashed as other systems hash their longs. */
  updateInteger(value: number): void {
    this.#hasher.integer(value);
    this.#take(0);
  }

  /** The empty text is no item, as in the standard. */
  updateText(value: string): void {
    if (value === '') return;
    this.#hasher.text(value);
    this.#take(0);
  }

  updateBytes(value: Uint8Array): void {
    if (value.length === 0) return;
    this.#hasher.bytes(value);
    this.#take(0);
  }

  estimate(): number {
    if (this.#registers === null) return estimateFromCoupons(this.#couponCount);
    if (!this.#outOfOrder) return this.#hip;
    const counts = registerCounts(this.#registers).subarray(0, 64);
    return estimateFromRegisters(counts, this.#registers.length);
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
    maxRegisters(this.#registers!, other.#registers);
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
      coupons: this.#registers === null ? this.#sortedCoupons() : null,
      registers: this.#registers,
      hip: this.#hip,
      outOfOrder: this.#outOfOrder,
    };
  }

  #sortedCoupons(): Uint32Array {
    const coupons = new Uint32Array(this.#couponCount);
    let at = 0;
    for (const coupon of this.#coupons) if (coupon !== 0) coupons[at++] = coupon;
    return coupons.sort();
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

  /** The hash that begins at `at` of what the hasher holds. */
  #take(at: number): void {
    const { out } = this.#hasher;
    const high = out[at + 3]!;
    const zeros = high === 0 ? 32 + Math.clz32(out[at + 2]!) : Math.clz32(high);
    const value = (zeros > 62 ? 62 : zeros) + 1;
    const registers = this.#registers;
    if (registers === null) {
      this.#takeCoupon(((value << 26) | (out[at]! & 0x3ffffff)) >>> 0);
      return;
    }
    const slot = out[at]! & (registers.length - 1);
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
      else this.#rehash(Math.min(length * 4, 2 ** (this.lgK - 3)));
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
    const registers = new Uint8Array(2 ** this.lgK);
    this.#registers = registers;
    this.#sumLow = registers.length;
    this.#sumHigh = 0;
    for (const coupon of coupons) {
      if (coupon === 0) continue;
      const slot = coupon & (registers.length - 1);
      if (coupon >>> 26 > registers[slot]!) this.#raise(registers, slot, coupon >>> 26);
    }
    this.#hip = hip;
  }

  #sumRegisters(): void {
    [this.#sumLow, this.#sumHigh] = inverseSums(registerCounts(this.#registers!));
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
