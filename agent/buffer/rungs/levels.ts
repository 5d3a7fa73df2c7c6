import type { Fidelity } from '../../ports/store.ts';

/** How coarse a block is. Only grows. */
export type Level = number;

export const rawLevel = 0;
export const segmentLevel = 1;
const minute = 60_000_000;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * Window of event time of each level, microseconds; 0 where it has none. From the first window on each step makes the rows of a steady series
 * several times fewer, so a handful of levels reaches from a minute to most of a year.
 */
const windows: readonly number[] = [
  0,
  0,
  minute,
  10 * minute,
  hour,
  day,
  4 * day,
  16 * day,
  64 * day,
  256 * day,
];
export const lastLevel = windows.length - 1;
const firstSketchLevel = 5;
/** Raw, and coarse, that no step makes smaller: left alone until it is dropped. */
export const stuckRawLevel = 14;
export const stuckLevel = 15;

export function windowMicros(level: Level): number {
  return windows[level] ?? 0;
}

export function isCoarse(level: Level): boolean {
  return level !== rawLevel && level !== stuckRawLevel;
}

export function isSketchLevel(level: Level): boolean {
  return level >= firstSketchLevel;
}

/** Of a level that is reached by a step. */
export function fidelityOf(level: Level): Fidelity {
  if (level === rawLevel) return 'raw';
  if (level === segmentLevel) return 'segment';
  return isSketchLevel(level) ? 'sketch' : 'window';
}
