import { MalformedBytes } from '../../base/byte-reader.ts';
import { Prng } from '../../base/prng.ts';
import type { CoarseField, CoarseReading } from '../../query/coarse.ts';
import { Quality, type Batch } from '../../reading/batch.ts';
import { Kll } from '../../sketch/kll.ts';
import { bytesIn, numbersIn, RowColumns } from '../rungs/row-columns.ts';
import { spreadErrorAfter } from '../rungs/spread.ts';

/** The rows of a coarse block (`rungs/README.md`), rounded at most so many times, as a query takes them. @throws {MalformedBytes} */
export function* coarseReadings(
  batch: Batch,
  { fidelity, roundings }: { fidelity: 'segment' | 'window' | 'sketch'; roundings: number },
): Generator<CoarseReading & { readonly offset: number }> {
  const columns = new RowColumns(batch);
  for (let row = 0; row < columns.rows; row++) {
    yield {
      rung: fidelity,
      offset: columns.offset[row]!,
      tags: batch.series[batch.seriesIndex[row]!]!,
      firstMicros: batch.timeMicros[row]!,
      lastMicros: columns.end[row]!,
      readings: columns.count[row]!,
      bad: batch.quality[row] === Quality.bad,
      field: (name) => fieldOf(columns, name, { row, alone: fidelity === 'sketch', roundings }),
    };
  }
}

/** `alone`: a sketch of a row describes that row, and no other. */
function fieldOf(
  columns: RowColumns,
  name: string,
  { row, alone, roundings }: { row: number; alone: boolean; roundings: number },
): CoarseField | null {
  const of = (ending: string): number => numbersIn(columns, name, ending)?.[row] ?? 0;
  const count = of('count');
  const others = of('texts') + of('blobs') + of('nonfinite');
  if (count === 0 && others === 0) return null;
  const kll = alone ? bytesIn(columns, name, 'quantiles')?.[row] : undefined;
  const [min, max, squares] = [of('min'), of('max'), of('m2')];
  const squaresError =
    squares * spreadErrorAfter(roundings) + meansError({ count, squares, roundings, min, max });
  const field = { count, others, sum: of('sum'), min, max, squares, squaresError };
  if (kll === undefined || kll.length === 0) return { ...field, sketch: null };
  const parsed = Kll.parse(kll, { chance: new Prng(1), precision: 'float' });
  if (!parsed.ok) throw new MalformedBytes('quantiles are no sketch');
  const sketch = parsed.value;
  const { error, confidence } = sketch.bound();
  const { error: partError } = sketch.boundOfPart();
  const off = { rankError: error, partError, confidence };
  return { ...field, sketch: { n: sketch.n, items: sketch.items(), ...off } };
}

/**
 * What the squares are off by because the means of rows that met had the digits of a double only: of values that lie far from 0 and close to each other it is the
 * larger part. Two means are each off by a few parts of 2^-53, their distance d by `grain` together, w d² by w (2 d grain + grain²); over all that met, w sums
 * to the count a rewrite at most, and w d² to the squares.
 */
function meansError(of: Record<'count' | 'squares' | 'roundings' | 'min' | 'max', number>): number {
  const { count, squares, roundings, min, max } = of;
  if (roundings < 2) return 0;
  const grain = Math.max(Math.abs(min), Math.abs(max)) * 2 ** -50;
  const weight = count * (roundings - 1);
  return 2 * grain * Math.sqrt(squares * weight) + weight * grain * grain;
}
