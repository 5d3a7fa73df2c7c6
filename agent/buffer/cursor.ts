import { assert } from '../base/assert.ts';
import { measure, missing, unite, type Interval } from './intervals.ts';

/**
 * How far one uplink has got in one stream. Invariant: `head - start = delivered + refused + dropped + waiting`, where
 * waiting is what lies in `base … head` outside `settled`.
 */
export interface Cursor {
  readonly uplink: string;
  /** Offset where this uplink began. */
  readonly start: number;
  /** Every offset in `start … base - 1` is settled. */
  base: number;
  /** Settled ranges above the base: disjoint, ascending, not touching each other nor the base. */
  settled: readonly Interval[];
  delivered: number;
  refused: number;
  /** Taken away before the uplink got to it: retention, damage, purge, or gone before it began. */
  dropped: number;
  /** Its uplink is not configured any more: it holds nothing back. */
  parked: boolean;
}

export type CursorAccount = 'delivered' | 'refused' | 'dropped';

export function newCursor(uplink: string, start: number): Cursor {
  return { uplink, start, base: start, settled: [], delivered: 0, refused: 0, dropped: 0, parked: false };
}

/** What of the range is still waiting. */
export function waitingIn(cursor: Cursor, from: number, until: number): Interval[] {
  return missing(cursor.settled, Math.max(from, cursor.base), until);
}

export function waiting(cursor: Cursor, head: number): number {
  return head - cursor.base - measure(cursor.settled);
}

/** Charges what of the range still waits to an account and settles it. Answers how many readings that were. */
export function absorb(cursor: Cursor, from: number, until: number, account: CursorAccount): number {
  const fresh = measure(waitingIn(cursor, from, until));
  if (fresh === 0) return 0;
  cursor[account] += fresh;
  const settled = unite(cursor.settled, Math.max(from, cursor.base), until);
  const lowest = settled[0];
  assert(lowest !== undefined, 'a united set is not empty');
  if (lowest[0] <= cursor.base) {
    cursor.base = lowest[1];
    settled.shift();
  }
  cursor.settled = settled;
  return fresh;
}

/** How many settled ranges there would be after settling this one. */
export function rangesAfter(cursor: Cursor, from: number, until: number): number {
  const settled = unite(cursor.settled, Math.max(from, cursor.base), until);
  return (settled[0]?.[0] ?? Infinity) <= cursor.base ? settled.length - 1 : settled.length;
}
