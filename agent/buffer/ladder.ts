import { urgentPriorityMin } from './limits.ts';
import { lastLevel, type Level } from './rungs/levels.ts';

/** What one stream has at one level. */
export interface Holding<Stream> {
  readonly stream: Stream;
  readonly level: Level;
  /** 0 least … 9 most. */
  readonly priority: number;
  /** Some uplink still has to send some of it. */
  readonly waited: boolean;
  readonly bytes: number;
  readonly blocks: number;
}

/**
 * Shares of what is stored that each level may have before its oldest go on to the next: the newest readings stay raw in four tenths of the
 * buffer, and each level behind reaches further back, since a byte there stands for more time.
 */
const shares: readonly number[] = [0.4, 0.14, 0.11, 0.08, 0.07, 0.05, 0.05, 0.04, 0.03, 0.03];

/**
 * Which level of which stream is to go one step down, oldest block first; null when everything stands at the last rung. Urgent priorities are
 * looked at only when nothing else is left. Within a level: least important first, then what no uplink waits for, then where most is.
 */
export function nextStep<Stream>(holdings: Iterable<Holding<Stream>>): Holding<Stream> | null {
  const ordinary: Holding<Stream>[] = [];
  const urgent: Holding<Stream>[] = [];
  for (const holding of holdings) {
    // At the last level two neighbours may still become one.
    if (holding.blocks === 0 || (holding.level === lastLevel && holding.blocks < 2)) continue;
    (holding.priority >= urgentPriorityMin ? urgent : ordinary).push(holding);
  }
  return fullest(ordinary) ?? fullest(urgent);
}

function fullest<Stream>(holdings: readonly Holding<Stream>[]): Holding<Stream> | null {
  const bytes = new Float64Array(lastLevel + 1);
  for (const { level, bytes: held } of holdings) bytes[level]! += held;
  let level = -1;
  for (let i = 0; i <= lastLevel; i++) {
    if (bytes[i]! > 0 && (level < 0 || bytes[i]! / shares[i]! > bytes[level]! / shares[level]!)) level = i;
  }
  let chosen: Holding<Stream> | null = null;
  for (const holding of holdings) {
    if (holding.level === level && (chosen === null || goesBefore(holding, chosen))) chosen = holding;
  }
  return chosen;
}

function goesBefore(one: Holding<unknown>, other: Holding<unknown>): boolean {
  if (one.priority !== other.priority) return one.priority < other.priority;
  if (one.waited !== other.waited) return !one.waited;
  return one.bytes > other.bytes;
}
