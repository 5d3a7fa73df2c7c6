import { assert } from '../base/assert.ts';
import { SedgeError } from '../base/errors.ts';
import type { Database } from '../ports/database.ts';
import type { Entropy } from '../ports/entropy.ts';
import { drawEpoch, isEpoch } from './epoch.ts';
import { pageBytes } from './limits.ts';
import { foldedUntil, rollupTables } from './rollup/rollup-memory.ts';

/**
 * 1: the first. 2: `meta` holds the epoch. 3: eras of clocks that were not set, and the floor of time in `meta`. 4: levels of blocks.
 * 5: summaries by minute, hour and day. 6: what stages remember. 7: up to where those of 5 are written. 8: roundings of coarse blocks.
 */
export const schemaVersion = 8;

/** Older libraries can lose commits when the WAL is reset (fixed in 3.51.3). */
const sqliteVersionMin = [3, 51, 3] as const;

/**
 * Journal rows stand in commit order, so that one commit touches the last pages only. What is asked for often
 * (blocks' places and times) is apart from what is big (their bytes), so that looking never reads overflow pages.
 */
const tables = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE boots (id INTEGER PRIMARY KEY, boot TEXT NOT NULL UNIQUE);
  CREATE TABLE streams (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, priority INTEGER NOT NULL, head INTEGER NOT NULL,
    blocks INTEGER NOT NULL, block_readings INTEGER NOT NULL, block_bytes INTEGER NOT NULL);
  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY, stream INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
    wall INTEGER NOT NULL, mono INTEGER NOT NULL, boot INTEGER NOT NULL, row BLOB NOT NULL);
  CREATE TABLE blocks (
    stream INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL,
    row_bytes INTEGER NOT NULL, min_time INTEGER NOT NULL, max_time INTEGER NOT NULL, fidelity TEXT NOT NULL,
    wall INTEGER NOT NULL, mono INTEGER NOT NULL, boot INTEGER NOT NULL, payload INTEGER NOT NULL,
    PRIMARY KEY (stream, first)) WITHOUT ROWID;
  CREATE TABLE payloads (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
  CREATE TABLE uplinks (
    name TEXT PRIMARY KEY, budget_day INTEGER NOT NULL, budget_bytes INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE cursors (
    uplink TEXT NOT NULL, stream INTEGER NOT NULL, start INTEGER NOT NULL, base INTEGER NOT NULL,
    settled TEXT NOT NULL, delivered INTEGER NOT NULL, refused INTEGER NOT NULL, dropped INTEGER NOT NULL,
    parked INTEGER NOT NULL, PRIMARY KEY (uplink, stream)) WITHOUT ROWID;
  CREATE TABLE ledger (
    stream INTEGER NOT NULL, account TEXT NOT NULL, rule TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (stream, account, rule)) WITHOUT ROWID;
  CREATE TABLE forfeits (
    stream INTEGER NOT NULL, rule TEXT NOT NULL, first INTEGER NOT NULL, until INTEGER NOT NULL,
    PRIMARY KEY (stream, rule, first)) WITHOUT ROWID;
  CREATE TABLE marks (
    source TEXT NOT NULL, seq INTEGER NOT NULL, count INTEGER NOT NULL, marks BLOB NOT NULL,
    PRIMARY KEY (source, seq)) WITHOUT ROWID;
  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
    kind TEXT NOT NULL, reason TEXT NOT NULL, wall INTEGER NOT NULL, bytes BLOB);
`;

/**
 * What schema 3 adds; see `eras.ts`. Where readings came in an era, `boot` of their journal row or block holds minus its id: before the bytes, so
 * that looking reads no overflow page. `streams.eras` holds `[era, readings]` over blocks.
 */
const eraTables = `
  CREATE TABLE eras (id INTEGER PRIMARY KEY, boot INTEGER NOT NULL, base INTEGER NOT NULL);
  ALTER TABLE boots ADD COLUMN base INTEGER;
  ALTER TABLE boots ADD COLUMN trusted INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE streams ADD COLUMN eras TEXT NOT NULL DEFAULT '[]';
`;

/**
 * What schema 4 adds. A constant default rewrites no row. `rungs` has sums over the blocks of a stream at each level but the first, so that opening
 * need not look at blocks.
 */
const levelTables = `
  ALTER TABLE blocks ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE blocks ADD COLUMN summaries INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX blocks_by_level ON blocks (stream, level, first);
  CREATE TABLE rungs (
    stream INTEGER NOT NULL, level INTEGER NOT NULL, blocks INTEGER NOT NULL, readings INTEGER NOT NULL,
    summaries INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (stream, level)) WITHOUT ROWID;
`;

/** What schema 6 adds. What was stored last has the greatest `seq` of its stream. */
const pipelineStateTable = `
  CREATE TABLE pipeline_state (
    stream INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (stream, seq)) WITHOUT ROWID;
`;

/**
 * What schema 8 adds: how often rows of a coarse block were rounded, at most (`rungs/spread.ts`). Nothing counted that before; such a block counts as one that takes
 * nothing further in. A constant default rewrites no row.
 */
const roundingsColumn = 'ALTER TABLE blocks ADD COLUMN roundings INTEGER NOT NULL DEFAULT 192';

export interface SchemaOptions {
  readonly agent: string;
  /** Drawn from once in the life of a database. */
  readonly entropy: Entropy;
}

/**
 * Sets the connection up, creates, migrates or checks the schema, and answers the epoch. One process holds the database
 * exclusively: no shared memory file, no reader with an old snapshot, and a lock that dies with its holder. When it throws,
 * the caller closes the connection, which undoes what was begun.
 */
export function openSchema(db: Database, options: SchemaOptions): string {
  // Before the first look into the file: else shared memory is set up beside it, which a full device has no room for.
  db.pragma('locking_mode = EXCLUSIVE');
  requireSqlite(db);
  const version = Number(db.pragma('user_version'));
  if (version === 0) {
    db.pragma(`page_size = ${pageBytes}`);
    // Writes to the file each time it is said: a device that is full could not be opened.
    db.pragma('auto_vacuum = INCREMENTAL');
  }
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('wal_autocheckpoint = 0');
  db.pragma('temp_store = MEMORY');
  db.pragma('cache_size = -4096');
  db.pragma('foreign_keys = OFF');
  if (version > schemaVersion) {
    throw new SedgeError(
      'SEDGE_DATA_NEWER',
      `the buffer has schema ${version}, this sedge knows up to ${schemaVersion}`,
    );
  }
  if (version > 0) requireAgent(db, options.agent);
  if (version < schemaVersion) bringUp(db, version, options);
  return epochOf(db);
}

/** From any older version to this one, whole or not at all, and synced before anybody can learn the epoch. */
function bringUp(db: Database, version: number, { agent, entropy }: SchemaOptions): void {
  db.exec('BEGIN IMMEDIATE');
  if (version === 0) {
    db.exec(tables);
    db.prepare('INSERT INTO meta VALUES (?, ?)').run('agent', agent);
  }
  if (version < 2) {
    const epoch = drawEpoch(entropy);
    assert(isEpoch(epoch), 'an epoch is 16 hex digits');
    db.prepare('INSERT INTO meta VALUES (?, ?)').run('epoch', epoch);
  }
  if (version < 3) db.exec(eraTables);
  if (version < 4) db.exec(levelTables);
  if (version < 5) db.exec(rollupTables);
  if (version < 6) db.exec(pipelineStateTable);
  if (version < 7) db.exec(foldedUntil);
  if (version < 8) db.exec(roundingsColumn);
  db.pragma(`user_version = ${schemaVersion}`);
  db.exec('COMMIT');
}

/** Never made up anew here: with another epoch, readings that wait for their answer would arrive twice. */
function epochOf(db: Database): string {
  const epoch = db.prepare<{ value: unknown }>("SELECT value FROM meta WHERE key = 'epoch'").get()?.value;
  if (isEpoch(epoch)) return epoch;
  throw new SedgeError('SEDGE_DATA_CORRUPT', 'the buffer has lost the epoch its offsets belong to', {
    hint: 'keep the file for study, move it away, and start with an empty buffer',
  });
}

function requireSqlite(db: Database): void {
  const version = db.prepare<{ version: string }>('SELECT sqlite_version() AS version').get()?.version ?? '0';
  const parts = version.split('.').map(Number);
  for (const [i, wanted] of sqliteVersionMin.entries()) {
    const part = parts[i] ?? 0;
    if (part > wanted) return;
    if (part < wanted) {
      throw new SedgeError(
        'SEDGE_SQLITE_TOO_OLD',
        `SQLite ${version} can lose commits; ${sqliteVersionMin.join('.')} is the oldest that does not`,
      );
    }
  }
}

/** Offsets are keyed by agent: a folder that changes its name would make receivers take new readings for old ones. */
function requireAgent(db: Database, agent: string): void {
  const row = db.prepare<{ value: string }>("SELECT value FROM meta WHERE key = 'agent'").get();
  if (row === undefined || row.value === agent) return;
  throw new SedgeError(
    'SEDGE_DATA_INVALID',
    `the buffer belongs to agent ${JSON.stringify(row.value)}, the config says ${JSON.stringify(agent)}`,
    { hint: 'set agent.id back, or give this agent a data folder of its own' },
  );
}
