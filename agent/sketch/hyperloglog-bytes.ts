import { ByteReader } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { expectBytes, parsing, type Parsed } from './fault.ts';
import {
  inverseSums,
  registerCounts,
  type HyperLogLogState,
  type RegisterBits,
} from './hyperloglog-state.ts';
import { hyperLogLogLgKMax, hyperLogLogLgKMin } from './limits.ts';
import { expectEnd } from './wire.ts';

const family = 7;
const flagEmpty = 4;
const flagCompact = 8;
const flagOutOfOrder = 16;
const preamble = { list: 2, set: 3, registers: 10 } as const;
const modes = { list: 0, set: 1, registers: 2 } as const;
/** A 4-bit register that is too large for its nibble; its value stands in the list of exceptions. */
const exceptionNibble = 15;

/** Compact bytes in canonical order (coupons ascending, exceptions by slot): equal states give equal bytes. */
export function writeHyperLogLog(state: HyperLogLogState): Uint8Array<ArrayBuffer> {
  return state.registers === null
    ? writeCoupons(state, state.coupons!)
    : writeRegisters(state, state.registers);
}

function typeOf(bits: RegisterBits): number {
  return bits === 4 ? 0 : bits === 6 ? 1 : 2;
}

function writeCoupons(state: HyperLogLogState, coupons: Uint32Array): Uint8Array<ArrayBuffer> {
  const isSet = coupons.length >= 8;
  const writer = new ByteWriter(12 + 4 * coupons.length);
  writer.uint8(isSet ? preamble.set : preamble.list);
  writer.uint8(1);
  writer.uint8(family);
  writer.uint8(state.lgK);
  writer.uint8(isSet ? setLengthLg(coupons.length) : 3);
  writer.uint8(flagCompact | (coupons.length === 0 ? flagEmpty : 0));
  writer.uint8(isSet ? 0 : coupons.length);
  writer.uint8((isSet ? modes.set : modes.list) | (typeOf(state.registerBits) << 2));
  if (isSet) writer.uint32(coupons.length);
  for (const coupon of coupons) writer.uint32(coupon);
  return writer.finish();
}

/** Log2 of the least table of at least 32 slots that is at most three quarters full. */
function setLengthLg(count: number): number {
  let lg = 5;
  while (4 * count > 3 * 2 ** lg) lg++;
  return lg;
}

function writeRegisters(state: HyperLogLogState, registers: Uint8Array): Uint8Array<ArrayBuffer> {
  const bits = state.registerBits;
  const counts = registerCounts(registers);
  const base = bits === 4 ? counts.findIndex((count) => count > 0) : 0;
  const atBase = counts[base]!;
  const exceptions = bits === 4 ? exceptionsOf(registers, base) : [];
  const [sumLow, sumHigh] = inverseSums(counts);
  const writer = new ByteWriter(40 + registers.length + 1 + 4 * exceptions.length);
  writer.uint8(preamble.registers);
  writer.uint8(1);
  writer.uint8(family);
  writer.uint8(state.lgK);
  writer.uint8(exceptions.length === 0 ? 0 : exceptionTableLg(exceptions.length, state.lgK));
  writer.uint8(flagCompact | (state.outOfOrder ? flagOutOfOrder : 0));
  writer.uint8(base);
  writer.uint8(modes.registers | (typeOf(bits) << 2));
  writer.float64(state.hip);
  writer.float64(sumLow);
  writer.float64(sumHigh);
  writer.uint32(atBase);
  writer.uint32(exceptions.length);
  writer.raw(packRegisters(registers, bits, base));
  for (const exception of exceptions) writer.uint32(exception);
  return writer.finish();
}

function exceptionsOf(registers: Uint8Array, base: number): number[] {
  const exceptions: number[] = [];
  for (let slot = 0; slot < registers.length; slot++) {
    if (registers[slot]! - base >= exceptionNibble) exceptions.push(((registers[slot]! << 26) | slot) >>> 0);
  }
  return exceptions;
}

/** The size the standard gives its table of exceptions: known by lgK, doubled while more than three quarters full. */
function exceptionTableLg(count: number, lgK: number): number {
  let lg = lgK < 7 ? 2 : lgK < 10 ? 3 : lgK < 12 ? 4 : lgK < 14 ? 5 : lgK - 8;
  while (4 * count > 3 * 2 ** lg) lg++;
  return lg;
}

function packRegisters(registers: Uint8Array, bits: RegisterBits, base: number): Uint8Array {
  if (bits === 8) return registers;
  if (bits === 4) {
    const packed = new Uint8Array(registers.length / 2);
    for (let slot = 0; slot < registers.length; slot++) {
      const nibble = Math.min(registers[slot]! - base, exceptionNibble);
      packed[slot >> 1]! |= nibble << ((slot & 1) * 4);
    }
    return packed;
  }
  const packed = new Uint8Array((registers.length * 3) / 4 + 1);
  for (let slot = 0; slot < registers.length; slot++) {
    const shifted = registers[slot]! << ((slot * 6) & 7);
    packed[(slot * 6) >> 3]! |= shifted & 0xff;
    packed[((slot * 6) >> 3) + 1]! |= shifted >>> 8;
  }
  return packed;
}

interface Header {
  readonly lgK: number;
  readonly tableLg: number;
  readonly flags: number;
  readonly countOrBase: number;
  readonly bits: RegisterBits;
}

export function parseHyperLogLog(bytes: Uint8Array): Parsed<HyperLogLogState> {
  return parsing('distinct', () => {
    const reader = new ByteReader(bytes);
    const words = reader.uint8();
    expectBytes(reader.uint8() === 1, 'serial version is not 1');
    expectBytes(reader.uint8() === family, 'not a HyperLogLog sketch');
    const lgK = reader.uint8();
    expectBytes(lgK >= hyperLogLogLgKMin && lgK <= hyperLogLogLgKMax, `lgK is ${lgK}`);
    const tableLg = reader.uint8();
    const flags = reader.uint8();
    const countOrBase = reader.uint8();
    const mode = reader.uint8();
    expectBytes(mode >> 2 <= 2, 'register type is not known');
    const bits = mode >> 2 === 0 ? 4 : mode >> 2 === 1 ? 6 : 8;
    const header = { lgK, tableLg, flags, countOrBase, bits } as const;
    const expected = [preamble.list, preamble.set, preamble.registers][mode & 3];
    expectBytes(words === expected, `preamble of ${words} words does not fit mode ${mode & 3}`);
    const state =
      (mode & 3) === modes.registers ? readRegisters(reader, header) : readCoupons(reader, header, mode & 3);
    expectEnd(reader);
    return state;
  });
}

function readCoupons(reader: ByteReader, header: Header, mode: number): HyperLogLogState {
  const isCompact = (header.flags & flagCompact) !== 0;
  const count = mode === modes.set ? reader.uint32() : header.countOrBase;
  const limit = mode === modes.set ? 3 * 2 ** (header.lgK - 5) : 7;
  expectBytes(count <= limit, `${count} coupons, at most ${limit} fit`);
  expectBytes(((header.flags & flagEmpty) !== 0) === (count === 0), 'empty flag and count differ');
  const tableLg = mode === modes.set ? header.tableLg : 3;
  expectBytes(tableLg <= Math.max(5, header.lgK - 3), `table of 2^${tableLg} coupons`);
  // An empty sketch ends after its preamble in either form.
  const slots = isCompact ? count : count === 0 && reader.remaining === 0 ? 0 : 2 ** tableLg;
  const coupons: number[] = [];
  for (let i = 0; i < slots; i++) {
    const coupon = reader.uint32();
    if (coupon === 0 && !isCompact) continue;
    expectBytes(coupon >>> 26 >= 1, 'a coupon has no value');
    coupons.push(coupon);
  }
  const sorted = Uint32Array.from(coupons).sort();
  expectBytes(sorted.length === count, `${sorted.length} coupons where ${count} are stated`);
  for (let i = 1; i < sorted.length; i++) expectBytes(sorted[i] !== sorted[i - 1], 'a coupon comes twice');
  const { lgK, bits } = header;
  return { lgK, registerBits: bits, coupons: sorted, registers: null, hip: 0, outOfOrder: false };
}

function readRegisters(reader: ByteReader, header: Header): HyperLogLogState {
  const { lgK, bits, countOrBase: base } = header;
  const length = 2 ** lgK;
  const hip = reader.float64();
  const sums = [reader.float64(), reader.float64()] as const;
  const atBase = reader.uint32();
  const exceptionCount = reader.uint32();
  expectBytes(
    bits === 4 || (exceptionCount === 0 && base === 0),
    'only 4-bit registers have exceptions and a base',
  );
  expectBytes(base <= 63 && exceptionCount <= length, 'base or exceptions are out of range');
  const packed = reader.raw(bits === 4 ? length / 2 : bits === 6 ? (length * 3) / 4 + 1 : length);
  const registers = unpackRegisters(packed, header);
  if (bits === 4) readExceptions(reader, header, { registers, count: exceptionCount });
  const counts = registerCounts(registers);
  const tooLarge = counts.findIndex((count, value) => value > 63 && count > 0);
  expectBytes(tooLarge < 0, `register of ${tooLarge}`);
  const counted = counts[base]!;
  expectBytes(counted === atBase, `${counted} registers at the base where ${atBase} are stated`);
  const [low, high] = inverseSums(counts);
  const isSum = Math.abs(sums[0] - low) <= 1e-9 * length && Math.abs(sums[1] - high) <= 1e-9;
  expectBytes(isSum, 'sums of the registers do not fit the registers');
  const outOfOrder = (header.flags & flagOutOfOrder) !== 0;
  expectBytes(outOfOrder || (hip >= 0 && Number.isFinite(hip)), `estimate is ${hip}`);
  return { lgK, registerBits: bits, coupons: null, registers, hip: outOfOrder ? 0 : hip, outOfOrder };
}

function unpackRegisters(packed: Uint8Array, header: Header): Uint8Array {
  if (header.bits === 8) return packed.slice();
  const registers = new Uint8Array(2 ** header.lgK);
  for (let slot = 0; slot < registers.length; slot++) {
    if (header.bits === 4) {
      const nibble = (packed[slot >> 1]! >> ((slot & 1) * 4)) & 15;
      registers[slot] = nibble === exceptionNibble ? 255 : nibble + header.countOrBase;
    } else {
      const at = (slot * 6) >> 3;
      registers[slot] = ((packed[at]! | (packed[at + 1]! << 8)) >> ((slot * 6) & 7)) & 63;
    }
  }
  return registers;
}

/** Puts the exceptions in; a register of 255 still waits for its own. */
function readExceptions(
  reader: ByteReader,
  header: Header,
  target: { registers: Uint8Array; count: number },
): void {
  const isCompact = (header.flags & flagCompact) !== 0;
  expectBytes(header.tableLg <= header.lgK, `table of 2^${header.tableLg} exceptions`);
  // The updatable form ends in its whole table, with zeros where nothing stands, even when there are no exceptions.
  const slots = isCompact ? target.count : reader.remaining >>> 2;
  expectBytes(slots <= 2 ** header.lgK * 2, 'table of exceptions is too large');
  let found = 0;
  for (let i = 0; i < slots; i++) {
    const pair = reader.uint32();
    if (pair === 0 && !isCompact) continue;
    const slot = pair & (target.registers.length - 1);
    expectBytes(target.registers[slot] === 255, 'an exception without its register');
    expectBytes((pair >>> 26) - header.countOrBase >= exceptionNibble, 'an exception that is none');
    target.registers[slot] = pair >>> 26;
    found++;
  }
  expectBytes(found === target.count, `${found} exceptions where ${target.count} are stated`);
}
