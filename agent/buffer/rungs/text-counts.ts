import type { Column } from '../../reading/batch.ts';
import type { Texts } from './fields.ts';
import type { Grouping } from './grouping.ts';
import { countedTextLengthMax, countedTextsMax } from './limits.ts';
import { changesIn } from './number-sums.ts';
import { holed, numbersIn, textsIn, type RowColumns } from './row-columns.ts';

/** What is kept of the texts of one field, by row. */
export class TextCounts {
  readonly count: Float64Array;
  /** Texts that `byValue` does not count. */
  readonly other: Float64Array;
  readonly changes: Float64Array;
  readonly byValue: Map<string, number>[];
  /** False for a field that has values of other kinds too: then first, last and changes are not kept. */
  readonly alone: boolean;
  readonly first: string[];
  readonly last: string[];
  readonly #firstMicros: Float64Array;
  readonly #lastMicros: Float64Array;

  constructor(rows: number, alone: boolean) {
    this.count = new Float64Array(rows);
    this.other = new Float64Array(rows);
    this.changes = new Float64Array(rows);
    this.byValue = Array.from({ length: rows }, () => new Map<string, number>());
    this.alone = alone;
    this.first = Array.from({ length: rows }, () => '');
    this.last = Array.from({ length: rows }, () => '');
    this.#firstMicros = new Float64Array(rows).fill(Infinity);
    this.#lastMicros = new Float64Array(rows).fill(-Infinity);
  }

  addRaw(texts: Texts, { rows, rowOf }: Grouping, timeMicros: Float64Array): void {
    const { values, present } = texts;
    for (let i = 0; i < values.length; i++) {
      if (present !== null && present[i] === 0) continue;
      const row = rowOf[i]!;
      const value = values[i]!;
      this.count[row]!++;
      this.#tally(row, value, 1);
      this.#mark(row, { first: value, last: value, timeMicros: timeMicros[i]!, endMicros: timeMicros[i]! });
    }
    this.changes.set(changesIn({ values, present, rowOf }, rows));
  }

  addRow(row: number, from: TextCounts, at: { row: number; timeMicros: number; endMicros: number }): void {
    if (from.count[at.row] === 0) return;
    const first = from.first[at.row]!;
    const turned = this.count[row]! > 0 && this.last[row] !== first ? 1 : 0;
    this.changes[row]! += from.changes[at.row]! + turned;
    this.count[row]! += from.count[at.row]!;
    this.other[row]! += from.other[at.row]!;
    for (const [value, count] of from.byValue[at.row]!) this.#tally(row, value, count);
    this.#mark(row, { ...at, first, last: from.last[at.row]! });
  }

  columns(field: string): Column[] {
    const { count, other, changes, alone, first, last } = this;
    const present = holed(count);
    const numbers = (ending: string, values: Float64Array, there = present): Column => ({
      kind: 'number',
      name: `${field}_${ending}`,
      values,
      present: there,
    });
    const texts = (ending: string, values: string[]): Column => ({
      kind: 'text',
      name: `${field}_${ending}`,
      values,
      present,
    });
    const columns = [numbers('texts', count), texts('counts', this.byValue.map(countsText))];
    if (alone) columns.push(texts('first', first), texts('last', last), numbers('changes', changes));
    if (other.some((value) => value > 0)) columns.push(numbers('other', other, holed(other)));
    return columns;
  }

  /** Null when the columns hold no texts of this field. @throws {MalformedBytes} when some are missing. */
  static of(columns: RowColumns, field: string): TextCounts | null {
    const count = numbersIn(columns, field, 'texts');
    if (count === null) return null;
    const first = textsIn(columns, field, 'first');
    const counts = new TextCounts(columns.rows, first !== null);
    counts.count.set(count);
    counts.other.set(numbersIn(columns, field, 'other') ?? []);
    counts.changes.set(numbersIn(columns, field, 'changes') ?? []);
    const byValue = textsIn(columns, field, 'counts');
    const last = textsIn(columns, field, 'last');
    columns.check(byValue !== null && (first === null) === (last === null), `${field}_counts is missing`);
    for (let row = 0; row < columns.rows; row++) {
      if (count[row] === 0) continue;
      counts.byValue[row] = parseCounts(columns, byValue[row]!);
      counts.first[row] = first?.[row] ?? '';
      counts.last[row] = last?.[row] ?? '';
    }
    return counts;
  }

  #tally(row: number, value: string, by: number): void {
    const known = this.byValue[row]!;
    const before = known.get(value);
    const counted =
      before !== undefined || (known.size < countedTextsMax && value.length <= countedTextLengthMax);
    if (counted) known.set(value, (before ?? 0) + by);
    else this.other[row]! += by;
  }

  #mark(row: number, at: { first: string; last: string; timeMicros: number; endMicros: number }): void {
    if (at.timeMicros < this.#firstMicros[row]!) {
      this.#firstMicros[row] = at.timeMicros;
      this.first[row] = at.first;
    }
    if (at.endMicros >= this.#lastMicros[row]!) {
      this.#lastMicros[row] = at.endMicros;
      this.last[row] = at.last;
    }
  }
}

function countsText(counts: ReadonlyMap<string, number>): string {
  return JSON.stringify(Object.fromEntries(counts));
}

function parseCounts(columns: RowColumns, text: string): Map<string, number> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = null;
  }
  columns.check(typeof parsed === 'object' && parsed !== null, 'counts are no JSON object');
  const counts = new Map<string, number>();
  for (const [value, count] of Object.entries(parsed)) {
    columns.check(typeof count === 'number' && counts.size < countedTextsMax, 'counts are no counts');
    counts.set(value, count);
  }
  return counts;
}
