import { SedgeError } from '../base/errors.ts';
import { absorb, newCursor, waitingIn } from './cursor.ts';
import { forgetEras } from './eras.ts';
import { uplinksMax } from './limits.ts';
import { missing, unite, type Interval } from './intervals.ts';
import { releaseSettled, segmentsIn, tail } from './segments.ts';
import type { StoreSettings } from './settings.ts';
import { takes } from './settings.ts';
import type { StoreCore } from './store-core.ts';
import type { StreamState } from './stream-state.ts';

/**
 * Brings cursors in step with the config: a new uplink starts at the oldest reading kept, one that is gone is parked and holds
 * nothing back, one that returns goes on where it was. Inside a transaction.
 */
export function alignUplinks(core: StoreCore, settings: StoreSettings): void {
  if (settings.uplinks.length > uplinksMax) {
    throw new SedgeError(
      'SEDGE_CONFIG_INVALID',
      `${settings.uplinks.length} uplinks, ${uplinksMax} are the limit`,
    );
  }
  forgetEras(core);
  const configured = new Map(settings.streams.map((stream) => [stream.name, stream.priority]));
  for (const stream of core.memory.streams.values()) {
    const priority = configured.get(stream.name) ?? stream.priority;
    if (priority !== stream.priority) {
      stream.priority = priority;
      core.touchStream(stream);
    }
    const wanted = new Set<string>();
    for (const uplink of settings.uplinks) if (takes(uplink.streams, stream.name)) wanted.add(uplink.name);
    alignStream(core, stream, wanted);
  }
}

function alignStream(core: StoreCore, stream: StreamState, wanted: ReadonlySet<string>): void {
  let changed = false;
  for (const cursor of stream.cursors.values()) {
    const parked = !wanted.has(cursor.uplink);
    if (parked === cursor.parked) continue;
    cursor.parked = parked;
    changed = true;
    core.touchCursor(stream, cursor);
    if (!parked) skipGaps(core, stream, cursor.uplink);
  }
  for (const uplink of wanted) {
    if (stream.cursors.has(uplink)) continue;
    const cursor = newCursor(uplink, tail(core, stream));
    stream.cursors.set(uplink, cursor);
    core.touchCursor(stream, cursor);
    skipGaps(core, stream, uplink);
    changed = true;
  }
  // Who is gone may have been the last to wait.
  if (changed) releaseSettled(core, stream, tail(core, stream), stream.head);
}

/** What is not kept any more will never reach this uplink: accounted as dropped for it. */
function skipGaps(core: StoreCore, stream: StreamState, uplink: string): void {
  const cursor = stream.cursors.get(uplink);
  if (cursor === undefined) return;
  for (const [from, until] of waitingIn(cursor, cursor.base, stream.head)) {
    let kept: Interval[] = [];
    for (const { row } of segmentsIn(core, stream, from, until)) {
      kept = unite(kept, row.first, row.first + row.count);
    }
    for (const gap of missing(kept, from, until)) absorb(cursor, gap[0], gap[1], 'dropped');
  }
  core.touchCursor(stream, cursor);
}
