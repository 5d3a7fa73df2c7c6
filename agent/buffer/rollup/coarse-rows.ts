import { MalformedBytes } from '../../base/byte-reader.ts';
import { Prng } from '../../base/prng.ts';
import type { CoarseField, CoarseReading } from '../../query/coarse.ts';
import { Quality, type Batch } from '../../reading/batch.ts';
import { Kll } from '../../sketch/kll.ts';
import { bytesIn, numbersIn, RowColumns } from '../rungs/row-columns.ts';
import { spreadError } from '../rungs/spread.ts';

/** The rows of a coarse block (`rungs/README.md`) as a query takes them. @throws {MalformedBytes} */
export function* coarseReadings(
  batch: Batch,
  fidelity: 'segment' | 'window' | 'sketch',
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
      field: (name) => fieldOf(columns, name, { row, alone: fidelity === 'sketch' }),
    };
  }
}

/** `alone`: a sketch of a row describes that row, and no other. */
function fieldOf(
  columns: RowColumns,
  name: string,
  { row, alone }: { row: number; alone: boolean },
): CoarseField | null {
  const of = (ending: string): number => numbersIn(columns, name, ending)?.[row] ?? 0;
  const count = of('count');
  const others = of('texts') + of('blobs') + of('nonfinite');
  if (count === 0 && others === 0) return null;
  const kll = alone ? bytesIn(columns, name, 'quantiles')?.[row] : undefined;
  const squares = of('m2');
  const squaresError = squares * spreadError;
  const field = { count, others, sum: of('sum'), min: of('min'), max: of('max'), squares, squaresError };
  if (kll === undefined || kll.length === 0) return { ...field, sketch: null };
  const parsed = Kll.parse(kll, { chance: new Prng(1), precision: 'float' });
  if (!parsed.ok) throw new MalformedBytes('quantiles are no sketch');
  const sketch = parsed.value;
  const { error, confidence } = sketch.bound();
  return { ...field, sketch: { n: sketch.n, items: sketch.items(), rankError: error, confidence } };
}
