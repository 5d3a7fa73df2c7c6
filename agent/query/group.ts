import type { Column } from '../reading/batch.ts';
import type { AnswerBudget } from './answer-budget.ts';
import type { CellJson, FigureJson } from './answer.ts';
import type { CoarseField } from './coarse.ts';
import { Distinct, Top } from './items.ts';
import type { Aggregate, Query } from './query.ts';
import { Spread, type Estimate } from './spread.ts';
import type { Summary } from './summary.ts';
import { Tally } from './tally.ts';

/** What the aggregates of a query need of each field. */
export interface FieldNeeds {
  readonly name: string;
  readonly spread: boolean;
  readonly distinct: boolean;
  /** Items of the longest list asked for; 0: none. */
  readonly top: number;
}

export function needsOf(query: Query): FieldNeeds[] {
  const needs = new Map<string, { spread: boolean; distinct: boolean; top: number }>();
  for (const aggregate of query.aggregates) {
    if (aggregate.field === null) continue;
    let of = needs.get(aggregate.field);
    if (of === undefined) needs.set(aggregate.field, (of = { spread: false, distinct: false, top: 0 }));
    if (aggregate.kind === 'quantile' || aggregate.kind === 'histogram') of.spread = true;
    if (aggregate.kind === 'distinct') of.distinct = true;
    if (aggregate.kind === 'top') of.top = Math.max(of.top, aggregate.items);
  }
  return [...needs].map(([name, of]) => ({ name, ...of }));
}

/** One field in one group. */
export class FieldCell {
  readonly tally = new Tally();
  /** Values that are no numbers. */
  others = 0;
  readonly spread: Spread | null;
  readonly distinct: Distinct | null;
  readonly top: Top | null;

  constructor(needs: FieldNeeds, budget: AnswerBudget) {
    this.spread = needs.spread ? new Spread(budget) : null;
    this.distinct = needs.distinct ? new Distinct(budget) : null;
    this.top = needs.top > 0 ? new Top(needs.top, budget) : null;
  }

  /** The value of a column at a row where it is present. */
  take(column: Column, row: number): void {
    const scalar = column.kind === 'boolean' ? column.values[row] === 1 : column.values[row]!;
    // A boolean is 0 or 1: its mean is the part of the time it was true.
    const number = typeof scalar === 'bigint' || typeof scalar === 'boolean' ? Number(scalar) : scalar;
    if (typeof number === 'number' && Number.isFinite(number)) {
      this.tally.update(number);
      this.spread?.update(number);
    } else this.others++;
    this.distinct?.update(scalar);
    this.top?.update(scalar);
  }

  takeCoarse(field: CoarseField): void {
    const { count, others, sketch } = field;
    this.others += others;
    if (count === 0) return;
    this.tally.join({ ...field, mean: field.sum / count });
    if (this.spread === null) return;
    // What a sketch says lies between the extremes too: its items are floats.
    const within = (value: number): number => Math.min(Math.max(value, field.min), field.max);
    const items = (sketch?.items ?? []).map(({ value, weight }) => ({ value: within(value), weight }));
    if (sketch !== null) this.spread.addSketch(items, sketch);
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
  /** Length of its window in microseconds; null when the query has none. */
  readonly windowMicros: number | null;
  readings = 0;
  /** Readings of coarse records over an edge of the range or of the window: some of them belong here, some do not. */
  uncertain = 0;
  minTimeMicros = Infinity;
  maxTimeMicros = -Infinity;
  readonly cells: readonly FieldCell[];

  constructor(
    key: readonly (string | null)[],
    windowMicros: number | null,
    { needs, budget }: { needs: readonly FieldNeeds[]; budget: AnswerBudget },
  ) {
    budget.group();
    budget.bytes(256 + 256 * needs.length);
    this.key = key;
    this.windowMicros = windowMicros;
    this.cells = needs.map((of) => new FieldCell(of, budget));
  }

  noteTimes(first: number, last: number): void {
    if (first < this.minTimeMicros) this.minTimeMicros = first;
    if (last > this.maxTimeMicros) this.maxTimeMicros = last;
  }
}

/** The figure an aggregate makes of a group. `seconds`: what a rate is by. */
export function cellOf(
  aggregate: Aggregate,
  of: { readings: number; uncertain: number; cell: FieldCell | undefined; seconds: number },
): CellJson {
  const { readings, uncertain, cell, seconds } = of;
  const exact = (value: number | null): FigureJson =>
    uncertain === 0 ? sure(value) : { value, low: null, high: null, confidence: 0 };
  const tally = cell?.tally;
  const values = cell === undefined ? readings : cell.tally.count + cell.others;
  switch (aggregate.kind) {
    case 'count':
      return uncertain === 0
        ? exact(values)
        : { value: values, low: Math.max(0, values - uncertain), high: values + uncertain, confidence: 1 };
    case 'rate':
      return exact(seconds > 0 ? values / seconds : null);
    case 'sum':
      return exact(tally!.count === 0 ? null : tally!.sum);
    case 'mean':
      return exact(tally!.count === 0 ? null : tally!.sum / tally!.count);
    case 'min':
      return exact(tally!.count === 0 ? null : tally!.min);
    case 'max':
      return exact(tally!.count === 0 ? null : tally!.max);
    case 'stddev':
      if (tally!.count < 2) return exact(null);
      if (uncertain > 0) return exact(tally!.deviation.value);
      return { ...tally!.deviation, confidence: 1 };
    case 'distinct':
      return estimated(cell!.distinct!.estimate());
    case 'quantile':
      return estimated(cell!.spread!.quantile(aggregate.rank, uncertain));
    case 'top':
      return {
        items: cell!.top!.items(aggregate.items).map(({ item, count, countLow, countHigh }) => ({
          item,
          count,
          low: countLow,
          high: countHigh,
        })),
      };
    case 'histogram':
      return {
        parts: cell!.spread!.histogram(aggregate.parts).map(({ low, high, count, countLow, countHigh }) => ({
          from: low,
          to: high,
          count,
          low: countLow,
          high: countHigh,
        })),
      };
  }
}

function sure(value: number | null): FigureJson {
  return { value, low: value, high: value, confidence: 1 };
}

function estimated(estimate: Estimate | null): FigureJson {
  if (estimate === null) return sure(null);
  const { value, low, high, confidence } = estimate;
  return { value, low, high, confidence };
}
