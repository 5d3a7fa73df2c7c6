import type { Batch, Scalar } from '../../reading/batch.ts';
import { qualityNames, valueAt } from '../../reading/batch.ts';

/** Maps, not objects: no name from outside can meet a property of Object. */
type Tree = Map<string, Scalar | Tree>;

/** Variables of one expression at one reading, for the library's evaluator. */
export function readingContext(batch: Batch, row: number): Record<string, unknown> {
  const reading: Tree = new Map();
  for (const column of batch.columns) {
    const value = valueAt(column, row);
    if (value === undefined) continue;
    if (column.name.includes('.')) nest(reading, column.name, value);
  }
  // Flat names last: a name that is a field wins over a branch of that name.
  for (const column of batch.columns) {
    const value = valueAt(column, row);
    if (value !== undefined) reading.set(column.name, value);
  }
  return {
    reading,
    tags: new Map(Object.entries(batch.series[batch.seriesIndex[row]!]!)),
    stream: batch.stream,
    quality: qualityNames[batch.quality[row]!],
    time: new Date(Math.floor(batch.timeMicros[row]! / 1000)),
  };
}

/** `a.b.c` under a, b, c. A value in the way stays, a value replaces a branch. */
function nest(root: Tree, name: string, value: Scalar): void {
  const parts = name.split('.');
  const leaf = parts.pop()!;
  let at = root;
  for (const part of parts) {
    let next = at.get(part);
    if (next === undefined) {
      next = new Map();
      at.set(part, next);
    }
    if (!(next instanceof Map)) return;
    at = next;
  }
  at.set(leaf, value);
}
