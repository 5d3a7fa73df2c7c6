import type { CellJson, FigureJson } from './answer.ts';
import type { FieldCell, Group } from './group.ts';
import type { Aggregate } from './query.ts';

/** A number, and between which it lies. */
export interface Range {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The figure an aggregate makes of a group. `seconds`: what a rate is by. */
export function cellOf(
  aggregate: Aggregate,
  of: { group: Group; cell: FieldCell | undefined; seconds: Range },
): CellJson {
  const { group, cell } = of;
  const { uncertain, absent } = group;
  if (cell === undefined) return countOf(aggregate, { value: group.readings, unread: 0 }, of);
  const { tally, others, unreadOthers, unreadNumbers, unreadItems } = cell;
  // Numbers nobody knows anything of.
  const unread = unreadNumbers ? Math.max(0, unreadOthers) : 0;
  const exact = (value: number | null): FigureJson =>
    uncertain + absent + unread === 0 ? sure(value) : unsure(value);
  const off = { uncertain, absent: absent + unread };
  const unseen = Math.max(0, unreadItems) + absent;
  switch (aggregate.kind) {
    case 'count':
    case 'rate':
      return countOf(aggregate, { value: tally.count + others, unread: Math.max(0, unreadOthers) }, of);
    case 'sum':
      return exact(tally.count === 0 ? null : tally.sum);
    case 'mean':
      return exact(tally.count === 0 ? null : tally.sum / tally.count);
    case 'min':
      return exact(tally.count === 0 ? null : tally.min);
    case 'max':
      return exact(tally.count === 0 ? null : tally.max);
    case 'stddev': {
      if (tally.count < 2) return exact(null);
      const { deviation } = tally;
      return uncertain + absent + unread > 0 ? unsure(deviation.value) : { ...deviation, confidence: 1 };
    }
    case 'distinct': {
      const { value, low, high, confidence } = cell.distinct!.estimate();
      return { value, low, high: orNull(high + unseen), confidence };
    }
    case 'quantile':
      return cell.spread!.quantile(aggregate.rank, off) ?? exact(null);
    case 'top':
      return {
        items: cell.top!.items(aggregate.items).map(({ item, count, countLow, countHigh }) => ({
          item,
          count,
          low: countLow,
          high: orNull(countHigh + unseen),
        })),
      };
    case 'histogram':
      return {
        parts: cell
          .spread!.histogram(aggregate.parts, off)
          .map(({ low, high, count, countLow, countHigh }) => ({
            from: low,
            to: high,
            count,
            low: countLow,
            high: orNull(countHigh),
          })),
      };
  }
}

/** How many there are, or by second: between all that may not belong here away, and all that may be missing added. */
function countOf(
  { kind }: Aggregate,
  { value, unread }: { value: number; unread: number },
  { group, seconds }: { group: Group; seconds: Range },
): FigureJson {
  const low = Math.max(0, value - group.uncertain);
  const high = value + unread + group.absent;
  if (kind === 'count') return { value, low, high: orNull(high), confidence: 1 };
  if (seconds.value <= 0) return sure(null);
  return {
    value: value / seconds.value,
    low: low / seconds.high,
    high: seconds.low > 0 ? orNull(high / seconds.low) : null,
    confidence: 1,
  };
}

/** Infinity is no JSON. */
function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function sure(value: number | null): FigureJson {
  return { value, low: value, high: value, confidence: 1 };
}

function unsure(value: number | null): FigureJson {
  return { value, low: null, high: null, confidence: 0 };
}
