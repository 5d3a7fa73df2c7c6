import { counted, formatDuration, formatPercent } from '../base/words.ts';
import { rungs, type CoverageJson, type Rung } from './answer.ts';

/** What the answer could not use. */
export interface Gaps {
  readonly streams: readonly string[];
  readonly lost: number;
  readonly unanswered: number;
  readonly overEdge: number;
  readonly goneSeconds: number;
  readonly bad: number;
  /** Set when the work was ended before all was read. */
  readonly stopped: boolean;
}

export function coverageJson(readings: Readonly<Record<Rung, number>>, gaps: Gaps): CoverageJson {
  const all = rungs.reduce((sum, rung) => sum + readings[rung], 0);
  const share = (rung: Rung): number => (all === 0 ? 0 : readings[rung] / all);
  const { streams, lost, unanswered, overEdge, goneSeconds, bad, stopped } = gaps;
  return {
    complete: !stopped && lost === 0 && unanswered === 0 && goneSeconds === 0,
    streams,
    readings,
    shares: {
      raw: share('raw'),
      segment: share('segment'),
      window: share('window'),
      sketch: share('sketch'),
    },
    lost,
    unanswered,
    over_edge: overEdge,
    gone_seconds: goneSeconds,
    bad,
    words: inWords(readings, all, gaps),
  };
}

const rungWords: Readonly<Record<Rung, string>> = {
  raw: 'as they came',
  segment: 'from segments',
  window: 'from window summaries',
  sketch: 'rolled up',
};

function inWords(readings: Readonly<Record<Rung, number>>, all: number, gaps: Gaps): string {
  const parts: string[] = [];
  for (const rung of rungs) {
    if (readings[rung] > 0) parts.push(`${formatPercent((100 * readings[rung]) / all)} ${rungWords[rung]}`);
  }
  const from =
    gaps.streams.length === 1 ? `stream ${gaps.streams[0]}` : counted(gaps.streams.length, 'stream');
  let words = `${counted(all, 'reading')} of ${from}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
  if (gaps.bad > 0) words += `; ${counted(gaps.bad, 'reading')} of bad quality left out of the figures`;
  if (gaps.unanswered > 0)
    words += `; ${counted(gaps.unanswered, 'reading')} of this time not kept in enough detail`;
  if (gaps.overEdge > 0)
    words += `; ${counted(gaps.overEdge, 'reading')} in summaries over an edge of the time asked or of a window, counted where their middle lies`;
  if (gaps.goneSeconds > 0) words += `; nothing is kept any more of ${formatDuration(gaps.goneSeconds)}`;
  if (gaps.lost > 0) words += `; ${counted(gaps.lost, 'reading')} lost, their times are not known`;
  if (gaps.stopped) words += '; ended before all was read, because it took too long';
  return words;
}
