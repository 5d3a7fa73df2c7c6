import { deadLetterStream } from './dead-letter.ts';
import { dropSegment, oldestWall, segmentFrom, tail } from './segments.ts';
import type { StoreCore } from './store-core.ts';
import { covered, storedBytes, type StreamState } from './stream-state.ts';

/**
 * Drops the oldest segments of the least important streams until `pages` are free. Nothing above `priorityMax` is touched. False
 * when that was not enough. Inside a transaction.
 */
export function makeRoom(core: StoreCore, wanted: { pages: number; priorityMax: number }): boolean {
  while (core.freePages() < wanted.pages) {
    const victim = leastImportant(core, wanted.priorityMax);
    if (victim === null) return false;
    dropOldest(core, victim);
  }
  return true;
}

/** Lowest priority first, then the oldest commit. */
function leastImportant(core: StoreCore, priorityMax: number): StreamState | null {
  let victim: StreamState | null = null;
  let victimWall = Infinity;
  for (const stream of core.memory.streams.values()) {
    if (stream.priority > priorityMax || covered(stream) === 0) continue;
    if (victim !== null && stream.priority > victim.priority) continue;
    const wall = oldestWall(core, stream) ?? Infinity;
    if (victim === null || stream.priority < victim.priority || wall < victimWall) {
      victim = stream;
      victimWall = wall;
    }
  }
  return victim;
}

/** False when the stream holds nothing. Inside a transaction. */
export function dropOldest(core: StoreCore, stream: StreamState): boolean {
  const place = segmentFrom(core, stream, tail(core, stream));
  if (place === null) return false;
  dropSegment(core, stream, place, 'drop_oldest');
  return true;
}

/** The dead-letter stream never crowds out readings that were good. Inside a transaction. */
export function trimDeadLetters(core: StoreCore): void {
  const stream = core.memory.streams.get(deadLetterStream);
  if (stream === undefined) return;
  while (storedBytes(stream) > core.shares.deadLetterBytes && dropOldest(core, stream));
}
