import { assert } from '../../base/assert.ts';
import type { Column } from '../../reading/batch.ts';
import type { Numbers } from './fields.ts';
import type { Grouping } from './grouping.ts';
import { holed, numbersIn, type RowColumns } from './row-columns.ts';
import { roundSpread } from './spread.ts';

/** What is kept of the numbers of one field, by row. */
export class NumberSums {
  readonly count: Float64Array;
  readonly sum: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** Sum of squared distances from the mean. */
  readonly m2: Float64Array;
  readonly first: Float64Array;
  readonly last: Float64Array;
  readonly nonfinite: Float64Array;
  /** Null for a field that is no boolean. */
  changes: Float64Array | null = null;
  /** What rounding took from `sum` (Knuth's two-sum). */
  readonly #lost: Float64Array;
  readonly #firstMicros: Float64Array;
  readonly #lastMicros: Float64Array;

  constructor(rows: number) {
    this.count = new Float64Array(rows);
    this.sum = new Float64Array(rows);
    this.min = new Float64Array(rows).fill(Infinity);
    this.max = new Float64Array(rows).fill(-Infinity);
    this.m2 = new Float64Array(rows);
    this.first = new Float64Array(rows);
    this.last = new Float64Array(rows);
    this.nonfinite = new Float64Array(rows);
    this.#lost = new Float64Array(rows);
    this.#firstMicros = new Float64Array(rows).fill(Infinity);
    this.#lastMicros = new Float64Array(rows).fill(-Infinity);
  }

  /** Takes raw values in. Distances are from a value of the row itself, so that a large mean costs no digits. */
  addRaw({ values, present, isBoolean }: Numbers, { rows, rowOf }: Grouping, timeMicros: Float64Array): void {
    const { count, sum, min, max, m2, first, last } = this;
    const [lost, firstMicros, lastMicros] = [this.#lost, this.#firstMicros, this.#lastMicros];
    const origin = new Float64Array(rows);
    const distances = new Float64Array(rows);
    for (let i = 0; i < values.length; i++) {
      if (present !== null && present[i] === 0) continue;
      const row = rowOf[i]!;
      const value = values[i]!;
      if (value - value !== 0) {
        this.nonfinite[row]!++;
        continue;
      }
      if (count[row]!++ === 0) origin[row] = value;
      // The two-sum of #add, in place: it is what most of the ladder's time would go to.
      const before = sum[row]!;
      const next = before + value;
      const back = next - before;
      lost[row]! += before - (next - back) + (value - back);
      sum[row] = next;
      if (value < min[row]!) min[row] = value;
      if (value > max[row]!) max[row] = value;
      const distance = value - origin[row]!;
      distances[row]! += distance;
      m2[row]! += distance * distance;
      const micros = timeMicros[i]!;
      if (micros < firstMicros[row]!) {
        firstMicros[row] = micros;
        first[row] = value;
      }
      if (micros >= lastMicros[row]!) {
        lastMicros[row] = micros;
        last[row] = value;
      }
    }
    for (let row = 0; row < rows; row++) {
      const n = count[row]!;
      if (n > 0) m2[row] = n === 1 ? 0 : Math.max(0, m2[row]! - (distances[row]! * distances[row]!) / n);
    }
    if (isBoolean) this.changes = changesIn({ values, present, rowOf }, rows);
  }

  /** Takes the sums of a finer row in: Chan's formula for the squares. */
  addRow(row: number, from: NumberSums, at: { row: number; timeMicros: number; endMicros: number }): void {
    const nb = from.count[at.row]!;
    this.nonfinite[row]! += from.nonfinite[at.row]!;
    if (nb === 0) return;
    const na = this.count[row]!;
    const delta = from.sum[at.row]! / nb - (na === 0 ? 0 : this.sum[row]! / na);
    const between = na === 0 ? 0 : delta * delta * ((na * nb) / (na + nb));
    this.m2[row]! += from.m2[at.row]! + between;
    this.count[row] = na + nb;
    this.#add(row, from.sum[at.row]!);
    this.#stretch(row, from.min[at.row]!, from.max[at.row]!);
    if (from.changes !== null) {
      this.changes ??= new Float64Array(this.count.length);
      const turned = na > 0 && this.last[row] !== from.first[at.row] ? 1 : 0;
      this.changes[row]! += from.changes[at.row]! + turned;
    }
    if (at.timeMicros < this.#firstMicros[row]!) {
      this.#firstMicros[row] = at.timeMicros;
      this.first[row] = from.first[at.row]!;
    }
    if (at.endMicros >= this.#lastMicros[row]!) {
      this.#lastMicros[row] = at.endMicros;
      this.last[row] = from.last[at.row]!;
    }
  }

  columns(field: string): Column[] {
    const { count, sum, min, max, m2, first, last, changes, nonfinite } = this;
    const rounded = sum.map((value, row) => value + this.#lost[row]!);
    const present = holed(count);
    const column = (ending: string, values: Float64Array, there = present): Column => {
      const kept = there === null ? values : values.map((value, row) => (there[row] === 1 ? value : 0));
      return { kind: 'number', name: `${field}_${ending}`, values: kept, present: there };
    };
    const columns = [column('count', count), column('sum', rounded), column('min', min), column('max', max)];
    columns.push(column('m2', m2.map(roundSpread)), column('first', first), column('last', last));
    if (changes !== null) columns.push(column('changes', changes));
    if (nonfinite.some((value) => value > 0)) columns.push(column('nonfinite', nonfinite, holed(nonfinite)));
    return columns;
  }

  /** Null when the columns hold no numbers of this field. @throws {MalformedBytes} when some are missing. */
  static of(columns: RowColumns, field: string): NumberSums | null {
    const { rows } = columns;
    const count = numbersIn(columns, field, 'count');
    const nonfinite = numbersIn(columns, field, 'nonfinite');
    if (count === null && nonfinite === null) return null;
    const sums = new NumberSums(rows);
    if (nonfinite !== null) sums.nonfinite.set(nonfinite);
    if (count === null) return sums;
    sums.count.set(count);
    for (const ending of ['sum', 'min', 'max', 'm2', 'first', 'last'] as const) {
      const values = numbersIn(columns, field, ending);
      columns.check(values !== null, `${field}_${ending} is missing`);
      sums[ending].set(values);
    }
    const changes = numbersIn(columns, field, 'changes');
    if (changes !== null) sums.changes = changes.slice();
    return sums;
  }

  #add(row: number, value: number): void {
    const sum = this.sum[row]!;
    const next = sum + value;
    const back = next - sum;
    this.#lost[row]! += sum - (next - back) + (value - back);
    this.sum[row] = next;
  }

  #stretch(row: number, low: number, high: number): void {
    if (low < this.min[row]!) this.min[row] = low;
    if (high > this.max[row]!) this.max[row] = high;
  }
}

/** By row, how often a value differs from the one before. */
export function changesIn<T extends string | number>(
  of: { values: ArrayLike<T>; present: Uint8Array | null; rowOf: Uint32Array },
  rows: number,
): Float64Array {
  const { values, present, rowOf } = of;
  assert(values.length === rowOf.length, 'a value for each input');
  const changes = new Float64Array(rows);
  const before: (T | undefined)[] = Array.from({ length: rows }, () => undefined);
  for (let i = 0; i < values.length; i++) {
    if (present !== null && present[i] === 0) continue;
    const row = rowOf[i]!;
    if (before[row] !== undefined && before[row] !== values[i]) changes[row]!++;
    before[row] = values[i]!;
  }
  return changes;
}
