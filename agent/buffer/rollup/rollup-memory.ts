import type { Database } from '../../ports/database.ts';
import type { Tags } from '../../reading/batch.ts';
import type { StreamState } from '../stream-state.ts';
import type { Level } from '../../query/cover.ts';
import type { Names } from '../../query/names.ts';
import { leftOutMax, rollupLevels } from './limits.ts';
import { OpenWindows } from './open-windows.ts';
import { RetentionClock } from './retention-clock.ts';

/** Tables of the room's summaries; see the README. `start` is microseconds, `since` an offset. */
export const rollupTables = `
  CREATE TABLE rollups (
    stream INTEGER NOT NULL, level INTEGER NOT NULL, start INTEGER NOT NULL, series INTEGER NOT NULL,
    bytes BLOB NOT NULL, PRIMARY KEY (stream, level, start, series)) WITHOUT ROWID;
  CREATE TABLE rollup_pieces (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, readings INTEGER NOT NULL, bytes BLOB NOT NULL);
  CREATE TABLE rollup_names (
    stream INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (stream, kind, name)) WITHOUT ROWID;
  CREATE TABLE rollup_streams (stream INTEGER PRIMARY KEY, since INTEGER NOT NULL, folded INTEGER NOT NULL);
  CREATE TABLE rollup_levels (level INTEGER PRIMARY KEY, start INTEGER NOT NULL, bytes INTEGER NOT NULL);
`;

/** Since schema 7. */
export const foldedUntil = `
  ALTER TABLE rollup_streams ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
  UPDATE rollup_streams SET until = max(since, coalesce(
    (SELECT first + count FROM blocks WHERE blocks.stream = rollup_streams.stream ORDER BY first DESC LIMIT 1), 0));
`;

/** What is known of one stream's summaries. Invariant: `since <= written <= until`. */
export interface StreamRollup {
  /** Every reading at or above this offset is folded in, at the latest when it leaves the store; below it none is. */
  since: number;
  /** Blocks are folded in up to this offset; those of a clock that was not set, when they leave. */
  until: number;
  /** The same of what is written: the rest is in `open`. */
  written: number;
  /** Readings in what is written, pieces included. */
  folded: number;
  open: OpenWindows;
  /** Numbers of series by their tags as JSON; 0 stands for those beyond the bound. */
  readonly series: Map<string, number>;
  readonly fields: Map<string, number>;
  /** Fields with values that are not rolled up: no numbers, or beyond the bound. */
  readonly leftOut: Set<string>;
}

export interface LevelState {
  /** Windows that begin below it are let go of, and never come back. */
  start: number;
  bytes: number;
}

/** The mirror of the rollup tables: O(streams asked for + series), loaded as it is needed. */
export interface RollupMemory {
  /** By number of the stream; null: nothing was folded in so far. */
  readonly streams: Map<number, StreamRollup | null>;
  /** Those whose open windows hold readings; and, of all, about what these take in memory and as pieces. */
  readonly filling: Map<StreamState, StreamRollup>;
  openBytes: number;
  openPieceBytes: number;
  /** Monotonic milliseconds of the first look at open windows; null when nobody looked. */
  openSince: number | null;
  /** Streams with blocks that are not folded yet. After the loading they are looked for once. */
  readonly behind: Set<number>;
  behindLooked: boolean;
  /** There was no room: nothing is written, or folded anew, by itself before these monotonic milliseconds. */
  restUntil: number;
  /** There was no room since that was set. */
  starved: boolean;
  readonly levels: readonly LevelState[];
  pieces: number;
  pieceBytes: number;
  /** Monotonic milliseconds of the first look at the oldest piece; null when nobody looked. */
  pieceSince: number | null;
  /** Monotonic milliseconds when old windows were looked for and none was left to let go of; null: not yet. */
  trimmedMillis: number | null;
  readonly retention: RetentionClock;
}

/** Begin of time: no window is older. */
export const beginMicros = -Number.MAX_SAFE_INTEGER;

/** @param knownMicros the newest wall time known, 0: none. */
export function loadRollups(db: Database, knownMicros: number): RollupMemory {
  const levels: LevelState[] = rollupLevels.map(() => ({ start: beginMicros, bytes: 0 }));
  for (const row of db.prepare<LevelState & { level: number }>('SELECT * FROM rollup_levels').all()) {
    const level = levels[row.level];
    if (level !== undefined) Object.assign(level, { start: row.start, bytes: row.bytes });
  }
  const pieces = db
    .prepare<{ pieces: number; bytes: number | null }>(
      'SELECT count(*) AS pieces, sum(length(bytes)) AS bytes FROM rollup_pieces',
    )
    .get();
  return {
    streams: new Map(),
    filling: new Map(),
    openBytes: 0,
    openPieceBytes: 0,
    openSince: null,
    behind: new Set(),
    behindLooked: false,
    restUntil: -Infinity,
    starved: false,
    levels,
    pieces: pieces?.pieces ?? 0,
    pieceBytes: pieces?.bytes ?? 0,
    pieceSince: null,
    trimmedMillis: null,
    retention: new RetentionClock(knownMicros),
  };
}

export function loadStreamRollup(db: Database, stream: number): StreamRollup | null {
  const row = db
    .prepare<{ since: number; folded: number; until: number }>(
      'SELECT since, folded, until FROM rollup_streams WHERE stream = ?',
    )
    .get(stream);
  if (row === undefined) return null;
  const pending = db
    .prepare<{ readings: number | null }>(
      'SELECT sum(readings) AS readings FROM rollup_pieces WHERE stream = ?',
    )
    .get(stream);
  const rollup: StreamRollup = {
    since: row.since,
    until: row.until,
    written: row.until,
    open: new OpenWindows(),
    folded: row.folded + (pending?.readings ?? 0),
    series: new Map(),
    fields: new Map(),
    leftOut: new Set(),
  };
  const names = db.prepare<{ kind: string; name: string; number: number }>(
    'SELECT kind, name, number FROM rollup_names WHERE stream = ?',
  );
  for (const { kind, name, number } of names.all(stream)) {
    if (kind === 'series') rollup.series.set(name, number);
    else if (kind === 'field') rollup.fields.set(name, number);
    else rollup.leftOut.add(name);
  }
  return rollup;
}

/** Tags by number of the series. */
export function tagsByNumber(rollup: StreamRollup): Map<number, Tags> {
  const tags = new Map<number, Tags>();
  for (const [name, number] of rollup.series) {
    if (number > 0) tags.set(number, JSON.parse(name) as Tags);
  }
  return tags;
}

/** Which fields have values that are in no summary, and which have their numbers in them. */
export function heldBy({ fields, leftOut }: StreamRollup): {
  leftOut(name: string): boolean;
  rolled(name: string): boolean;
} {
  const full = leftOut.size >= leftOutMax;
  return {
    leftOut: (name) => leftOut.has(name) || (full && !fields.has(name)),
    rolled: (name) => fields.has(name),
  };
}

/** Names that readings of the stream have. */
export function tellNames(
  { fields, leftOut }: StreamRollup,
  { names, tags }: { names: Names; tags: ReadonlyMap<number, Tags> },
): void {
  for (const name of fields.keys()) names.field(name);
  for (const name of leftOut) names.field(name);
  for (const one of tags.values()) names.tags(one);
}

/** Windows of each level, and from when on they are kept. */
export function levelsOf({ levels }: RollupMemory): Level[] {
  return rollupLevels.map(({ micros }, level) => ({ micros, from: levels[level]!.start }));
}
