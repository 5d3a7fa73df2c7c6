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

/** A rung of the ladder that was passed over, and why. */
export interface PassedFigures {
  /** `lines`, `windows of 10 min`. */
  readonly rung: string;
  readonly reason: string;
  /** Whose values ended most of lines that were too short. */
  readonly field: string | null;
  readonly blocks: number;
}

/**
 * `passed over: lines for 12 blocks (too short, most ended by state), windows of 1 min for 3 blocks (would save less than three tenths)`; '' where none was. Of more than
 * `most` the others are counted.
 */
export function passedWords(passed: readonly PassedFigures[], most = Infinity): string {
  if (passed.length === 0) return '';
  const words = passed.slice(0, most).map(({ rung, reason, field, blocks }) => {
    const by = field === null ? '' : `, most ended by ${clipped(field)}`;
    return `${rung} for ${counted(blocks, 'block')} (${reasonWords[reason] ?? reason}${by})`;
  });
  if (passed.length > most) words.push(`${passed.length - most} more`);
  return `passed over: ${words.join(', ')}`;
}

const reasonWords: Readonly<Record<string, string>> = {
  short_lines: 'too short',
  short_windows: 'too few readings in one',
  saves_little: 'would save less than three tenths',
  too_wide: 'more figures than a block takes',
  rounded_often: 'rounded too often already',
  unreadable: 'summaries that can not be read',
};

const clippedMax = 40;

function clipped(name: string): string {
  return name.length <= clippedMax ? name : `${name.slice(0, clippedMax)}…`;
}
