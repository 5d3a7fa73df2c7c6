import { assert } from '../../base/assert.ts';
import { MalformedBytes } from '../../base/byte-reader.ts';
import type { BlockReader, BlockWriter } from './block-bytes.ts';
import { digitsMax, exceptionBits, fromDecimals, planDecimals, type DecimalPlan } from './decimals.ts';
import { planIntegers, putIntegers, takeIntegers, type IntegerPlan } from './integers.ts';
import { distances, nearby, planWords, putWords, takeWords, type WordPlan } from './words.ts';

/**
 * Doubles, kept bit for bit (every NaN as the one NaN). The cheapest of: decimal fractions as integers ({@link planDecimals}),
 * a sorted table of few distinct values and each value's place in it (quantised sensors whose step is no decimal),
 * or the words themselves.
 */
type FloatPlan =
  | {
      readonly way: 'decimal';
      readonly cost: number;
      readonly decimals: DecimalPlan;
      readonly plan: IntegerPlan;
    }
  | {
      readonly way: 'table';
      readonly cost: number;
      readonly table: Float64Array;
      readonly places: IntegerPlan;
    }
  | { readonly way: 'words'; readonly cost: number; readonly words: WordPlan };

const ways = ['words', 'decimal', 'table'] as const;
const singleFlag = 0x80;
/** A table beyond it rarely pays, and sorting it is no longer small. */
const tableMax = 8_192;
const samplesMax = 256;

export function putFloats(out: BlockWriter, values: Float64Array): void {
  putPlan(out, values, cheapest(values, !out.isQuick));
}

/** @throws {MalformedBytes} */
export function takeFloats(from: BlockReader, length: number, nested = false): Float64Array {
  const head = from.common.uint8();
  const way = ways[head & ~singleFlag];
  if (way === undefined) throw new MalformedBytes(`numbers kept in way ${head}`);
  switch (way) {
    case 'words':
      return new Float64Array(takeWords(from, length));
    case 'decimal':
      return takeDecimals(from, length, (head & singleFlag) !== 0);
    case 'table': {
      if (nested) throw new MalformedBytes('table within a table');
      const table = takeFloats(from, from.common.count(tableMax, 'table'), true);
      const places = takeIntegers(from, length);
      for (let i = 0; i < length; i++) {
        const value = table[places[i]!];
        if (value === undefined) throw new MalformedBytes('place beyond the table');
        places[i] = value;
      }
      return places;
    }
  }
}

function putPlan(out: BlockWriter, values: Float64Array, plan: FloatPlan): void {
  const way = ways.indexOf(plan.way);
  switch (plan.way) {
    case 'words':
      out.common.uint8(way);
      putWords(out, plan.words);
      return;
    case 'decimal': {
      const { digits, single, integers, exceptions } = plan.decimals;
      out.common.uint8(way | (single ? singleFlag : 0));
      out.common.uint8(digits);
      putIntegers(out, plan.plan);
      out.common.varint(exceptions.length);
      if (exceptions.length === 0) return;
      const positions = planIntegers(exceptions);
      assert(positions !== null, 'positions lie close together');
      putIntegers(out, positions);
      const near = exceptions.map((position) => integers[position]!);
      fromDecimals(near, digits, single);
      const actual = exceptions.map((position) => values[position]!);
      putWords(out, planWords(distances(halvesOf(actual), halvesOf(near))));
      return;
    }
    case 'table':
      out.common.uint8(way);
      out.common.varint(plan.table.length);
      putPlan(out, plan.table, cheapest(plan.table, false));
      putIntegers(out, plan.places);
  }
}

function takeDecimals(from: BlockReader, length: number, single: boolean): Float64Array {
  const digits = from.common.uint8();
  if (digits > digitsMax) throw new MalformedBytes(`decimals of ${digits} digits`);
  const values = takeIntegers(from, length);
  fromDecimals(values, digits, single);
  const count = from.common.count(length, 'exceptions');
  if (count === 0) return values;
  const positions = takeIntegers(from, count);
  const near = new Float64Array(count);
  for (let i = 0; i < count; i++) near[i] = values[positions[i]!] ?? 0;
  const exceptions = new Float64Array(nearby(new Uint32Array(takeWords(from, count)), halvesOf(near)).buffer);
  for (let i = 0; i < count; i++) {
    const position = positions[i]!;
    if (position < 0 || position >= length) throw new MalformedBytes('exception outside the column');
    values[position] = exceptions[i]!;
  }
  return values;
}

function cheapest(values: Float64Array, tableAllowed: boolean): FloatPlan {
  const decimals = decimal(values, false);
  let best: FloatPlan | null = decimals;
  // Doubles that need many digits are tried as float32, which print shorter.
  if ((decimals === null || decimals.decimals.digits > 5) && isSingle(values)) {
    const single = decimal(values, true);
    if (single !== null && (best === null || single.cost < best.cost)) best = single;
  }
  if (tableAllowed) {
    const table = few(values);
    if (table !== null && (best === null || table.cost < best.cost)) best = table;
  }
  if (best !== null && best.cost < 40 * values.length) return best;
  const words = planWords(halvesOf(values));
  return best === null || words.cost < best.cost ? { way: 'words', cost: words.cost, words } : best;
}

function decimal(values: Float64Array, single: boolean): (FloatPlan & { way: 'decimal' }) | null {
  const decimals = planDecimals(values, single);
  if (decimals === null) return null;
  const plan = planIntegers(decimals.integers);
  if (plan === null) return null;
  return { way: 'decimal', cost: plan.cost + exceptionBits * decimals.exceptions.length, decimals, plan };
}

/** A plan by table, when a sample shows repetition and the whole has few distinct values. */
function few(values: Float64Array): (FloatPlan & { way: 'table' }) | null {
  const step = Math.max(1, Math.floor(values.length / samplesMax));
  const sample = new Set<number>();
  let samples = 0;
  for (let i = 0; i < values.length; i += step) {
    sample.add(values[i]!);
    samples++;
  }
  if (sample.size * 2 > samples) return null;
  const most = Math.min(tableMax, values.length / 3);
  const places = new Map<number, number>();
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Object.is(value, -0)) return null;
    if (!places.has(value) && places.set(value, 0).size > most) return null;
  }
  const table = Float64Array.from(places.keys()).sort();
  for (const [place, value] of table.entries()) places.set(value, place);
  const plan = planIntegers(values.map((value) => places.get(value)!));
  assert(plan !== null, 'places lie close together');
  return { way: 'table', cost: plan.cost + 36 * table.length, table, places: plan };
}

function isSingle(values: Float64Array): boolean {
  const step = Math.max(1, Math.floor(values.length / samplesMax));
  for (let i = 0; i < values.length; i += step) {
    const value = values[i]!;
    if (Math.fround(value) !== value && !Number.isNaN(value)) return false;
  }
  return true;
}

/** The words of doubles; a copy only where the array is not aligned within its buffer. */
function halvesOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}
