import { takes, type StoreSettings } from '#agent/buffer/settings.ts';

/** What became of a reading for one uplink. */
export type Fate = 'delivered' | 'refused' | 'dropped';

export interface TwinStream {
  /** One number a reading, by offset: what must come back. */
  readonly values: number[];
  readonly kept: Set<number>;
  received: number;
  filtered: number;
  delivered: number;
  dropped: number;
  readonly cursors: Map<string, TwinCursor>;
}

export interface TwinCursor {
  readonly start: number;
  parked: boolean;
  readonly fates: Map<number, Fate>;
}

/**
 * The dumb store: every reading an entry of a list, every cursor a map from offset to fate. It does not decide what is let go of when (that is a
 * matter of rows and blocks); it is told what is kept, and says what that means for every account.
 */
export class StoreTwin {
  readonly streams = new Map<string, TwinStream>();
  settings: StoreSettings;

  constructor(settings: StoreSettings) {
    this.settings = settings;
  }

  stream(name: string): TwinStream {
    let stream = this.streams.get(name);
    if (stream === undefined) {
      stream = {
        values: [],
        kept: new Set(),
        received: 0,
        filtered: 0,
        delivered: 0,
        dropped: 0,
        cursors: new Map(),
      };
      this.streams.set(name, stream);
      for (const uplink of this.settings.uplinks) {
        if (takes(uplink.streams, name)) stream.cursors.set(uplink.name, newTwinCursor(0));
      }
    }
    return stream;
  }

  append(name: string, values: readonly number[], filtered: number): void {
    const stream = this.stream(name);
    stream.received += values.length + filtered;
    stream.filtered += filtered;
    for (const value of values) {
      stream.kept.add(stream.values.length);
      stream.values.push(value);
    }
  }

  /** Answers the offsets that were still waiting. */
  settle(name: string, uplink: string, range: { first: number; count: number; fate: Fate }): number[] {
    const cursor = this.stream(name).cursors.get(uplink)!;
    const fresh: number[] = [];
    for (let at = range.first; at < range.first + range.count; at++) {
      if (at < cursor.start || cursor.fates.has(at)) continue;
      cursor.fates.set(at, range.fate);
      fresh.push(at);
    }
    return fresh;
  }

  /** Learns which readings are still there. Those that went are delivered, or lost to whoever waited for them. */
  observe(name: string, kept: ReadonlySet<number>): void {
    const stream = this.stream(name);
    for (const at of stream.kept) {
      if (kept.has(at)) continue;
      stream.kept.delete(at);
      const takers = [...stream.cursors.values()].filter((cursor) => !cursor.parked);
      const settled =
        takers.length > 0 && takers.every((cursor) => at < cursor.start || cursor.fates.has(at));
      const forfeited = [...stream.cursors.values()].some((cursor) => {
        const fate = cursor.fates.get(at);
        return fate === 'refused' || (fate === 'dropped' && at >= cursor.start);
      });
      if (settled && !forfeited) stream.delivered++;
      else stream.dropped++;
      for (const cursor of takers) {
        if (at >= cursor.start && !cursor.fates.has(at)) cursor.fates.set(at, 'dropped');
      }
    }
  }

  configure(settings: StoreSettings): void {
    this.settings = settings;
    for (const [name, stream] of this.streams) {
      for (const [uplink, cursor] of stream.cursors) {
        const wanted = settings.uplinks.some((one) => one.name === uplink && takes(one.streams, name));
        if (cursor.parked && wanted) dropMissing(stream, cursor);
        cursor.parked = !wanted;
      }
      for (const uplink of settings.uplinks) {
        if (!takes(uplink.streams, name) || stream.cursors.has(uplink.name)) continue;
        const cursor = newTwinCursor(Math.min(stream.values.length, ...stream.kept));
        stream.cursors.set(uplink.name, cursor);
        dropMissing(stream, cursor);
      }
    }
  }

  /** What the cursor's accounts must be. */
  counts(cursor: TwinCursor): Record<Fate, number> {
    const counts = { delivered: 0, refused: 0, dropped: 0 };
    for (const fate of cursor.fates.values()) counts[fate]++;
    return counts;
  }
}

function newTwinCursor(start: number): TwinCursor {
  return { start, parked: false, fates: new Map() };
}

function dropMissing(stream: TwinStream, cursor: TwinCursor): void {
  for (let at = cursor.start; at < stream.values.length; at++) {
    if (!stream.kept.has(at) && !cursor.fates.has(at)) cursor.fates.set(at, 'dropped');
  }
}
