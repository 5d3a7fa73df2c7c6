import { MalformedBytes } from '../../base/byte-reader.ts';
import type { Batch, Column, Presence } from '../../reading/batch.ts';
import { gathered } from '../codec/columns.ts';
import { readText } from '../codec/text-bytes.ts';
import {
  putDoubles,
  putWhole,
  readScale,
  refused,
  scaleOf,
  takeDoubles,
  takeWhole,
  writeScale,
  type Predictions,
  type Scale,
  type Source,
  type Target,
} from './figure-codes.ts';
import { holed } from './row-columns.ts';
import { roundSpread, spreadCode, spreadOf } from './spread.ts';

/** In the order they are kept: each is predicted from those before it. */
const endings = ['last', 'first', 'max', 'min', 'sum', 'm2', 'bound'] as const;
type Ending = (typeof endings)[number];
/** In the order {@link NumberSums} gives them. */
const shown = ['sum', 'min', 'max', 'm2', 'first', 'last', 'bound'] as const;

type Figures = Map<Ending, Float64Array>;

/** Writes 1 and what of the figures of a field can be kept so; the endings of their columns, and nothing when it is no field of numbers. */
export function putField(
  out: Target,
  batch: Batch,
  of: { name: string; order: Uint32Array; rowCount: Float64Array },
): readonly string[] {
  const { name, order, rowCount } = of;
  const columns = new Map(batch.columns.map((one) => [one.name, one]));
  const counts = columns.get(`${name}_count`);
  if (counts?.kind !== 'number' || !counts.values.every(isCount)) return [];
  const present = holed(counts.values);
  if (!isSamePresence(counts.present, present)) return [];
  const count = gathered(counts.values, order);
  const rows = countedRows(count, order);
  const figures: Figures = new Map();
  for (const ending of endings) {
    const column = columns.get(`${name}_${ending}`);
    if (column?.kind !== 'number' || !isSamePresence(column.present, present)) continue;
    figures.set(ending, gathered(column.values, rows));
  }
  if (endings.some((ending) => ending !== 'bound' && !figures.has(ending))) return [];
  out.head.uint8(1);
  out.head.text(name);
  putWhole(out, count, [rowCount, null]);
  const scale = scaleOf(figures.get('first')!);
  out.head.uint8(scale === null ? 0 : 1);
  if (scale !== null) writeScale(out.head, scale);
  const put = ['count'];
  const counted = countsOf(count);
  for (const ending of endings) {
    const values = figures.get(ending);
    const predictions = predictionsOf(ending, figures, counted);
    if (values === undefined || (scale === null && !isSpread(ending))) refused(out);
    else if (putFigures(out, values, { ending, predictions, scale })) put.push(ending);
  }
  return put;
}

/** What {@link putField} wrote behind the 1, with the columns that stand elsewhere. @throws {MalformedBytes} */
export function takeField(
  from: Source,
  of: { plain: ReadonlyMap<string, Column>; order: Uint32Array; rowCount: Float64Array },
): { name: string; columns: Column[] } {
  const { plain, order, rowCount } = of;
  const name = readText(from.head);
  const count = takeWhole(from, order.length, [rowCount, null]);
  if (count === null || !count.every(isCount)) throw new MalformedBytes('a count below 0');
  const rows = countedRows(count, order);
  const scale = from.head.count(1, 'scale') === 1 ? readScale(from.head) : null;
  const figures: Figures = new Map();
  const counted = countsOf(count);
  const packed = new Set<Ending>();
  for (const ending of endings) {
    const values = takeFigures(from, { ending, figures, counted, scale });
    if (values !== null) packed.add(ending);
    const column = plain.get(`${name}_${ending}`);
    if (values !== null) figures.set(ending, values);
    else if (column?.kind === 'number') figures.set(ending, gathered(column.values, rows));
    else if (ending !== 'bound') throw new MalformedBytes(`${name}_${ending} is missing`);
  }
  const place = (values: Float64Array, at: Uint32Array): Float64Array => {
    const all = new Float64Array(order.length);
    for (let i = 0; i < at.length; i++) all[at[i]!] = values[i]!;
    return all;
  };
  const counts = place(count, order);
  const present = holed(counts);
  const columns: Column[] = [{ kind: 'number', name: `${name}_count`, values: counts, present }];
  for (const ending of shown) {
    if (!packed.has(ending)) continue;
    const values = place(figures.get(ending)!, rows);
    columns.push({ kind: 'number', name: `${name}_${ending}`, values, present });
  }
  return { name, columns };
}

/** Null where they stand elsewhere. */
function takeFigures(
  from: Source,
  of: { ending: Ending; figures: Figures; counted: Float64Array; scale: Scale | null },
): Float64Array | null {
  const { ending, figures, counted, scale } = of;
  const predictions = predictionsOf(ending, figures, counted);
  if (scale !== null && !isSpread(ending)) {
    return takeDoubles(from, counted.length, { scale: scaleFor(ending, scale), predictions });
  }
  const codes = takeWhole(from, counted.length, predictions);
  if (codes === null) return null;
  return codes.map((code) => {
    const value = spreadOf(code);
    if (value === null || !isSpread(ending)) throw new MalformedBytes('squares of no code');
    return value;
  });
}

function putFigures(
  out: Target,
  values: Float64Array,
  of: { ending: Ending; predictions: Predictions; scale: Scale | null },
): boolean {
  const { ending, predictions, scale } = of;
  if (scale === null || isSpread(ending)) {
    const codes = values.map(spreadCode);
    return codes.includes(-1) ? refused(out) : putWhole(out, codes, predictions);
  }
  return putDoubles(out, values, { scale: scaleFor(ending, scale), predictions });
}

/** Sums of float32 are none. */
function scaleFor(ending: Ending, scale: Scale): Scale {
  return ending === 'sum' ? { ...scale, single: false } : scale;
}

/** What a column may be near, from columns before it. */
function predictionsOf(ending: Ending, figures: Figures, count: Float64Array): Predictions {
  const [last, first, max, min] = (['last', 'first', 'max', 'min'] as const).map((one) => figures.get(one));
  switch (ending) {
    case 'last':
    case 'bound':
      return [null];
    case 'first':
      return [shifted(last!), last!, null];
    case 'max':
      return [largest(first!, last!), null];
    case 'min':
      return [smallest(first!, last!), null];
    case 'sum':
      return [middle(first!, last!, count), middle(min!, max!, count)];
    case 'm2':
      return [spreadWithin(min!, max!, count), null];
  }
}

function shifted(values: Float64Array): Float64Array {
  const before = new Float64Array(values.length);
  for (let i = 1; i < values.length; i++) before[i] = values[i - 1]!;
  return before;
}

function largest(one: Float64Array, other: Float64Array): Float64Array {
  const result = new Float64Array(one.length);
  for (let i = 0; i < one.length; i++) result[i] = Math.max(one[i]!, other[i]!);
  return result;
}

function smallest(one: Float64Array, other: Float64Array): Float64Array {
  const result = new Float64Array(one.length);
  for (let i = 0; i < one.length; i++) result[i] = Math.min(one[i]!, other[i]!);
  return result;
}

function middle(one: Float64Array, other: Float64Array, count: Float64Array): Float64Array {
  const result = new Float64Array(one.length);
  for (let i = 0; i < one.length; i++) result[i] = ((one[i]! + other[i]!) / 2) * count[i]!;
  return result;
}

/** Codes of the squared distances of values spread evenly over a range; of two values, exact. */
function spreadWithin(min: Float64Array, max: Float64Array, count: Float64Array): Float64Array {
  const result = new Float64Array(count.length);
  for (let i = 0; i < count.length; i++) {
    if (count[i]! < 2) continue;
    const range = max[i]! - min[i]!;
    const share = count[i] === 2 ? 0.5 : count[i]! / 12;
    result[i] = Math.max(0, spreadCode(roundSpread(range * range * share)));
  }
  return result;
}

function isSpread(ending: Ending): boolean {
  return ending === 'm2' || ending === 'bound';
}

function countedRows(count: Float64Array, order: Uint32Array): Uint32Array {
  if (!count.includes(0)) return order;
  const rows = new Uint32Array(order.length);
  let counted = 0;
  for (let i = 0; i < order.length; i++) if (count[i]! > 0) rows[counted++] = order[i]!;
  return rows.subarray(0, counted);
}

/** Of the rows that have values. */
function countsOf(count: Float64Array): Float64Array {
  return count.includes(0) ? count.filter((n) => n > 0) : count;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= 2 ** 50;
}

function isSamePresence(one: Presence, other: Presence): boolean {
  if (one === null || other === null) return (one ?? other)?.every((bit) => bit === 1) ?? true;
  return one.every((bit, row) => bit === other[row]);
}
