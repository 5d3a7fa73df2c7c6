/** A half-open range of offsets: first, and the one after the last. */
export type Interval = readonly [number, number];

/** The union of a disjoint, ascending, non-touching list with one more range; the same shape again. */
export function unite(set: readonly Interval[], from: number, until: number): Interval[] {
  if (from >= until) return [...set];
  const united: Interval[] = [];
  let low = from;
  let high = until;
  let placed = false;
  for (const interval of set) {
    if (interval[1] < low) united.push(interval);
    else if (interval[0] > high) {
      if (!placed) united.push([low, high]);
      placed = true;
      united.push(interval);
    } else {
      low = Math.min(low, interval[0]);
      high = Math.max(high, interval[1]);
    }
  }
  if (!placed) united.push([low, high]);
  return united;
}

/** The parts of `from … until - 1` that are not in the set. */
export function missing(set: readonly Interval[], from: number, until: number): Interval[] {
  const parts: Interval[] = [];
  let low = from;
  for (const [first, end] of set) {
    if (end <= low) continue;
    if (first >= until) break;
    if (first > low) parts.push([low, Math.min(first, until)]);
    low = Math.max(low, end);
    if (low >= until) break;
  }
  if (low < until) parts.push([low, until]);
  return parts;
}

export function measure(set: readonly Interval[]): number {
  let sum = 0;
  for (const [first, end] of set) sum += end - first;
  return sum;
}
