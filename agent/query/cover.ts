/** Event times `from <= t < until`, microseconds; the ends may be infinite. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

/** Rolled-up windows of one length, aligned to 1970, complete from `from` on. */
export interface Level {
  readonly micros: number;
  readonly from: number;
}

export interface LevelSpan extends Span {
  /** Index of the level. */
  readonly level: number;
}

export interface Cover {
  /** Whole windows, each time at one level only. */
  readonly windows: readonly LevelSpan[];
  /** What no whole window covers: to be read as it came. Ascending, disjoint. */
  readonly rest: readonly Span[];
}

/**
 * Covers a span with whole windows of the longest possible levels; what is left at the edges is the rest. `levels` ascend by length,
 * each length a multiple of the one before. `grain`: windows of the answer, which no window of a level may straddle; null: none.
 */
export function coverSpan(span: Span, levels: readonly Level[], grain: number | null): Cover {
  const windows: LevelSpan[] = [];
  let rest: Span[] = [span];
  for (let level = levels.length - 1; level >= 0; level--) {
    const { micros, from } = levels[level]!;
    if (grain !== null && grain % micros !== 0) continue;
    const left: Span[] = [];
    for (const part of rest) {
      const begin = Math.max(alignUp(part.from, micros), alignUp(from, micros));
      const end = alignDown(part.until, micros);
      if (begin >= end) {
        left.push(part);
        continue;
      }
      windows.push({ level, from: begin, until: end });
      if (part.from < begin) left.push({ from: part.from, until: begin });
      if (end < part.until) left.push({ from: end, until: part.until });
    }
    rest = left;
  }
  return { windows, rest };
}

/** One of the spans has a moment of `begin <= t < end`. */
export function overlap(spans: readonly Span[], begin: number, end: number): boolean {
  return spans.some(({ from, until }) => from < end && until > begin);
}

function alignUp(time: number, step: number): number {
  return Number.isFinite(time) ? Math.ceil(time / step) * step : time;
}

function alignDown(time: number, step: number): number {
  return Number.isFinite(time) ? Math.floor(time / step) * step : time;
}
