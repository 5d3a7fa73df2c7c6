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
  const counted = count.filter((n) => n > 0);
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
  const counted = count.filter((n) => n > 0);
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
  const of = (value: (i: number) => number): Float64Array => Float64Array.from(count, (_, i) => value(i));
  switch (ending) {
    case 'last':
    case 'bound':
      return [null];
    case 'first':
      return [of((i) => (i === 0 ? 0 : last![i - 1]!)), last!, null];
    case 'max':
      return [of((i) => Math.max(first![i]!, last![i]!)), null];
    case 'min':
      return [of((i) => Math.min(first![i]!, last![i]!)), null];
    case 'sum':
      return [
        of((i) => ((first![i]! + last![i]!) / 2) * count[i]!),
        of((i) => ((min![i]! + max![i]!) / 2) * count[i]!),
      ];
    case 'm2':
      return [of((i) => spreadWithin(count[i]!, max![i]! - min![i]!)), null];
  }
}

/** Squared distances of values spread evenly over a range; of two values, exact. */
function spreadWithin(count: number, range: number): number {
  if (count < 2) return 0;
  return Math.max(0, spreadCode(roundSpread(range * range * (count === 2 ? 0.5 : count / 12))));
}

function isSpread(ending: Ending): boolean {
  return ending === 'm2' || ending === 'bound';
}

function countedRows(count: Float64Array, order: Uint32Array): Uint32Array {
  return order.filter((_, i) => count[i]! > 0);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= 2 ** 50;
}

function isSamePresence(one: Presence, other: Presence): boolean {
  if (one === null || other === null) return (one ?? other)?.every((bit) => bit === 1) ?? true;
  return one.every((bit, row) => bit === other[row]);
}
