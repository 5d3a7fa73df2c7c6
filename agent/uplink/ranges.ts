/** Offsets `first` … `until - 1`; `first < until`. */
export type OffsetRange = readonly [first: number, until: number];

/** `ranges` (disjoint, ascending, never touching) with one more range merged in. Linear: the plan keeps at most 64. */
export function withRange(ranges: readonly OffsetRange[], range: OffsetRange): readonly OffsetRange[] {
  let [first, until] = range;
  if (first >= until) return ranges;
  const merged: OffsetRange[] = [];
  let placed = false;
  for (const other of ranges) {
    if (other[1] < first) merged.push(other);
    else if (other[0] > until) {
      if (!placed) merged.push([first, until]);
      placed = true;
      merged.push(other);
    } else {
      first = Math.min(first, other[0]);
      until = Math.max(until, other[1]);
    }
  }
  if (!placed) merged.push([first, until]);
  return merged;
}

/** The first stretch of `from` … `until - 1` that no range covers, or null. */
export function firstHole(
  ranges: readonly OffsetRange[],
  within: { from: number; until: number },
): OffsetRange | null {
  let from = within.from;
  for (const [first, until] of ranges) {
    if (until <= from) continue;
    if (first >= within.until) break;
    if (first > from) return [from, first];
    from = until;
  }
  return from < within.until ? [from, within.until] : null;
}

/** Offsets of `from` … `until - 1` that no range covers, counted. */
export function countHoles(ranges: readonly OffsetRange[], within: { from: number; until: number }): number {
  let holes = Math.max(0, within.until - within.from);
  for (const [first, until] of ranges) {
    holes -= Math.max(0, Math.min(until, within.until) - Math.max(first, within.from));
  }
  return holes;
}
