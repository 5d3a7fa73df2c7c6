import type { Column, Scalar } from '../reading/batch.ts';
import type { AnswerBudget } from './answer-budget.ts';
import type { CoarseField } from './coarse.ts';
import { Distinct, Top } from './items.ts';
import { answerPartBytes } from './limits.ts';
import type { Query } from './query.ts';
import { Spread } from './spread.ts';
import type { Summary } from './summary.ts';
import { Tally } from './tally.ts';

/** What the aggregates of a query need of each field. */
export interface FieldNeeds {
  readonly name: string;
  readonly spread: boolean;
  readonly distinct: boolean;
  /** Items of the longest list asked for; 0: none. */
  readonly top: number;
  /** Lists asked for. */
  readonly lists: number;
  /** Parts of all histograms asked for. */
  readonly parts: number;
  /** How many values there are is asked, those that are no numbers among them. */
  readonly counted: boolean;
}

export function needsOf(query: Query): FieldNeeds[] {
  const needs = new Map<string, { -readonly [K in keyof FieldNeeds]: FieldNeeds[K] }>();
  for (const aggregate of query.aggregates) {
    const { kind, field: name } = aggregate;
    if (name === null) continue;
    const none = { name, spread: false, distinct: false, top: 0, lists: 0, parts: 0, counted: false };
    const of = needs.get(name) ?? none;
    needs.set(name, of);
    if (kind === 'quantile' || kind === 'histogram') of.spread = true;
    if (kind === 'histogram') of.parts += aggregate.parts;
    if (kind === 'distinct') of.distinct = true;
    if (kind === 'count' || kind === 'rate') of.counted = true;
    if (kind === 'top') {
      of.top = Math.max(of.top, aggregate.items);
      of.lists++;
    }
  }
  return [...needs.values()];
}

/** What of a field must be read from readings where windows stand for them, since it is in no summary. */
export interface Within {
  /** Its numbers are in no summary either. */
  readonly numbers: boolean;
  /** Its values that are no numbers matter. */
  readonly others: boolean;
  /** Each value matters: for distinct ones, and those that come most often. */
  readonly items: boolean;
}

/** One field in one group. */
export class FieldCell {
  readonly tally = new Tally();
  /** Values that are no numbers. */
  others = 0;
  /** Readings in windows, not of bad quality, that may have a value that is no number and in no summary, less those that were read. */
  unreadOthers = 0;
  /** Such a value may be a number too. */
  unreadNumbers = false;
  /** Readings in windows and coarse records whose values as such are not known, less those that were read. */
  unreadItems = 0;
  readonly spread: Spread | null;
  readonly distinct: Distinct | null;
  readonly top: Top | null;

  constructor(needs: FieldNeeds, budget: AnswerBudget) {
    this.spread = needs.spread ? new Spread(budget) : null;
    this.distinct = needs.distinct ? new Distinct(budget) : null;
    this.top = needs.top > 0 ? new Top({ items: needs.top, lists: needs.lists }, budget) : null;
    budget.bytes(answerPartBytes * needs.parts);
  }

  /** The value of a column at a row where it is present. */
  take(column: Column, row: number): void {
    const scalar = scalarAt(column, row);
    const number = numberOf(scalar);
    if (number !== null) this.#takeNumber(number);
    else this.others++;
    this.#takeItem(scalar);
  }

  /** A reading a window stands for; the column is null where it has no value. */
  takeWithin(column: Column | null, row: number, { numbers, others, items }: Within): void {
    const scalar = column === null ? null : scalarAt(column, row);
    const number = scalar === null ? null : numberOf(scalar);
    if (others && (numbers || number === null)) {
      this.unreadOthers--;
      if (number !== null) this.#takeNumber(number);
      else if (scalar !== null) this.others++;
    }
    if (!items) return;
    this.unreadItems--;
    if (scalar !== null) this.#takeItem(scalar);
  }

  #takeNumber(number: number): void {
    this.tally.update(number);
    this.spread?.update(number);
  }

  #takeItem(scalar: Scalar): void {
    this.distinct?.update(scalar);
    this.top?.update(scalar);
  }

  takeCoarse(field: CoarseField): void {
    const { count, others, sketch } = field;
    this.others += others;
    this.unreadItems += count + others;
    if (count === 0) return;
    this.tally.join({ ...field, mean: field.sum / count });
    if (this.spread === null) return;
    // What a sketch says lies between the extremes too.
    const within = (value: number): number => Math.min(Math.max(value, field.min), field.max);
    if (sketch !== null) {
      const items = sketch.items.map(({ value, weight }) => {
        const { low, high } = beforeRounding(value);
        return { low: within(low), high: within(high), weight };
      });
      this.spread.addSketch(items, sketch);
    }
    this.spread.addInterval(field.min, field.max, Math.max(0, count - (sketch?.n ?? 0)));
  }

  takeSummary(summary: Summary): void {
    this.tally.merge(summary.tally);
    this.spread?.addSummary(summary);
  }
}

/** One row of the answer while it grows. */
export class Group {
  readonly key: readonly (string | null)[];
  /** The same for all windows. */
  readonly label: string;
  /** Event times of its window, `begin <= t < end`; all of them when the query has none. */
  readonly begin: number;
  readonly end: number;
  /** Length of its window in microseconds; null when the query has none. */
  readonly windowMicros: number | null;
  readings = 0;
  /** Readings of coarse records over an edge of the range or of the window that count here: some of them may not belong here. */
  uncertain = 0;
  /** Readings of such records that count elsewhere: some of them may belong here. */
  absent = 0;
  /** Between what the first and the last of its event times lie. */
  readonly first = { low: Infinity, high: Infinity };
  readonly last = { low: -Infinity, high: -Infinity };
  readonly cells: readonly FieldCell[];

  constructor(
    key: readonly (string | null)[],
    window: { readonly label: string; readonly begin: number; readonly micros: number | null },
    { needs, budget }: { needs: readonly FieldNeeds[]; budget: AnswerBudget },
  ) {
    budget.group();
    budget.bytes(256 + 256 * needs.length);
    this.key = key;
    this.label = window.label;
    this.windowMicros = window.micros;
    this.begin = window.micros === null ? -Infinity : window.begin;
    this.end = window.micros === null ? Infinity : window.begin + window.micros;
    this.cells = needs.map((of) => new FieldCell(of, budget));
  }

  /** It has readings at these times, and all others between them. */
  noteTimes(first: number, last: number): void {
    this.noteSpan(first, last);
    if (first < this.first.high) this.first.high = first;
    if (last > this.last.low) this.last.low = last;
  }

  /** It has some reading of this span, at a time that is not known. */
  noteWindow(first: number, last: number): void {
    this.noteSpan(first, last);
    if (last < this.first.high) this.first.high = last;
    if (first > this.last.low) this.last.low = first;
  }

  /** It may have readings of this span. */
  noteSpan(first: number, last: number): void {
    if (first < this.first.low) this.first.low = first;
    if (last > this.last.high) this.last.high = last;
  }

  /** Readings in it that an aggregate asked for could not be answered for. */
  unanswered(needs: readonly FieldNeeds[]): number {
    let most = 0;
    for (const [i, { distinct, top, counted }] of needs.entries()) {
      const { unreadOthers, unreadNumbers, unreadItems } = this.cells[i]!;
      if (distinct || top > 0) most = Math.max(most, unreadItems);
      if (counted || unreadNumbers) most = Math.max(most, unreadOthers);
    }
    return most;
  }
}

/** Between which doubles lies what became this float. */
function beforeRounding(value: number): { low: number; high: number } {
  const grain = Math.min(Math.abs(value), floatMax) * 2 ** -23 + 2 ** -149;
  // What is beyond the floats became infinite.
  return { low: Math.min(value, floatMax) - grain, high: Math.max(value, -floatMax) + grain };
}

const floatMax = 2 ** 128 * (1 - 2 ** -24);

function scalarAt(column: Column, row: number): Scalar {
  return column.kind === 'boolean' ? column.values[row] === 1 : column.values[row]!;
}

/** The finite number a value is; a boolean is 0 or 1: its mean is the part of the time it was true. */
function numberOf(scalar: Scalar): number | null {
  const number = typeof scalar === 'bigint' || typeof scalar === 'boolean' ? Number(scalar) : scalar;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}
