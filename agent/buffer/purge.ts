import { absorb, waitingIn } from './cursor.ts';
import { dropSegment, forfeit, releaseSettled, segmentsIn, tail } from './segments.ts';
import type { StoreCore } from './store-core.ts';

/** Either a stream's readings, for everybody, or what waits for one uplink, for it alone; `until` bounds both. */
export interface PurgeRequest {
  readonly stream: string;
  readonly uplink?: string;
  /** Only offsets below it; absent: up to the head. Of a stream, only segments that lie wholly below. */
  readonly until?: number;
}

/** Takes readings away on purpose. Answers how many; they are accounted as dropped by rule `purged`. Inside a transaction. */
export function purge(core: StoreCore, request: PurgeRequest): number {
  const stream = core.memory.streams.get(request.stream);
  if (stream === undefined) return 0;
  const until = Math.min(request.until ?? Infinity, stream.head);
  if (request.uplink !== undefined) {
    const cursor = stream.cursors.get(request.uplink);
    if (cursor === undefined) return 0;
    const ranges = waitingIn(cursor, cursor.base, until);
    for (const range of ranges) forfeit(core, stream, `purged:${cursor.uplink}`, range);
    const count = absorb(cursor, cursor.base, until, 'dropped');
    core.touchCursor(stream, cursor);
    const from = ranges[0]?.[0];
    if (from !== undefined) releaseSettled(core, stream, from, until);
    return count;
  }
  let count = 0;
  for (const place of segmentsIn(core, stream, tail(core, stream), until)) {
    if (place.row.first + place.row.count > until) continue;
    dropSegment(core, stream, place, 'purged');
    count += place.row.count;
  }
  return count;
}
