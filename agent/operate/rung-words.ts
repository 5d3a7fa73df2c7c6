import { counted, formatCount } from '../base/words.ts';

/** What of a stream stands at one fidelity. */
export interface RungFigures {
  readonly fidelity: string;
  readonly readings: number;
  /** Rows that stand for them; 0 where they are raw. */
  readonly summaries: number;
  readonly bytes: number;
}

/** `30,208 raw, 16,896 in 762 windows, 353,280 in 506 sketches`; '' while everything is raw. */
export function rungWords(rungs: readonly RungFigures[]): string {
  if (rungs.every(({ summaries }) => summaries === 0)) return '';
  const words = rungs.map(({ fidelity, readings, summaries }) =>
    summaries === 0
      ? `${formatCount(readings)} raw`
      : `${formatCount(readings)} in ${counted(summaries, fidelity, `${fidelity}${fidelity === 'sketch' ? 'es' : 's'}`)}`,
  );
  return words.join(', ');
}

/** One entry a fidelity, finest first, of figures by level; raw ones not sealed yet come on top. */
export function byFidelity(rungs: readonly RungFigures[], unsealed: number): RungFigures[] {
  const order = ['raw', 'segment', 'window', 'sketch'];
  const sums = new Map<string, RungFigures>();
  const journal = { fidelity: 'raw', readings: unsealed, summaries: 0, bytes: 0 };
  for (const { fidelity, readings, summaries, bytes } of unsealed === 0 ? rungs : [journal, ...rungs]) {
    const before = sums.get(fidelity) ?? { fidelity, readings: 0, summaries: 0, bytes: 0 };
    sums.set(fidelity, {
      fidelity,
      readings: before.readings + readings,
      summaries: before.summaries + summaries,
      bytes: before.bytes + bytes,
    });
  }
  return [...sums.values()].sort((a, b) => order.indexOf(a.fidelity) - order.indexOf(b.fidelity));
}
