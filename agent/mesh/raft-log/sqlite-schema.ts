import { SedgeError } from '../../base/errors.ts';
import { DiskError, type Database } from '../../ports/database.ts';
import { SqliteTables } from './sqlite-tables.ts';
import type { LogTables } from './tables.ts';

export const schemaVersion = 1;

/** Older libraries can lose commits when the WAL is reset (fixed in 3.51.3). */
const sqliteVersionMin = [3, 51, 3] as const;

/** Small records apart from each other, each on a page of its own: what damages one spares the others. */
const tables = `
  CREATE TABLE owner (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL);
  CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1), term INTEGER NOT NULL, vote INTEGER NOT NULL, commit_idx INTEGER NOT NULL,
    before_idx INTEGER NOT NULL, before_term INTEGER NOT NULL, before_chain BLOB NOT NULL,
    last_idx INTEGER NOT NULL, last_chain BLOB NOT NULL, doubt_idx INTEGER NOT NULL, crc INTEGER NOT NULL);
  CREATE TABLE ballot (
    id INTEGER PRIMARY KEY CHECK (id = 1), term INTEGER NOT NULL, vote INTEGER NOT NULL, crc INTEGER NOT NULL);
  CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY CHECK (id = 1), idx INTEGER NOT NULL, term INTEGER NOT NULL, membership TEXT NOT NULL,
    crc INTEGER NOT NULL, data BLOB NOT NULL);
  CREATE TABLE entries (
    idx INTEGER PRIMARY KEY, term INTEGER NOT NULL, kind INTEGER NOT NULL, crc INTEGER NOT NULL, chain BLOB NOT NULL,
    data BLOB NOT NULL);
  CREATE TABLE scratch (bytes BLOB NOT NULL);
`;

/**
 * Sets the connection up and creates or checks the schema; closes it when that fails. One process holds the file exclusively.
 * `owner` names group and member: another member's log is refused. @throws {DiskError} @throws {SedgeError}
 */
export function openSqliteTables(db: Database, owner: string): LogTables {
  try {
    requireSqlite(db);
    db.pragma('page_size = 4096');
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('wal_autocheckpoint = 0');
    db.pragma('temp_store = MEMORY');
    bringIntoFile(db);
    const version = Number(db.pragma('user_version'));
    if (version > schemaVersion) {
      const message = `the Raft log has schema ${version}, this sedge knows up to ${schemaVersion}`;
      throw new SedgeError('SEDGE_DATA_NEWER', message);
    }
    if (version === 0) create(db, owner);
    else requireOwner(db, owner);
    return new SqliteTables(db);
  } catch (error) {
    db.close();
    // A statement that does not compile: the schema is not what it was.
    const isBroken = (error as { code?: unknown }).code === 'SQLITE_ERROR';
    throw isBroken
      ? new DiskError('corrupt', 'the schema of the Raft log is broken', { cause: error })
      : error;
  }
}

/** What a former process left in the WAL: after a failed sync only the page cache may hold it, and nothing is built on that. */
function bringIntoFile(db: Database): void {
  const row = db.prepare<{ busy: number }>('PRAGMA wal_checkpoint = TRUNCATE').get();
  if (row?.busy !== 0)
    throw new DiskError('io', 'the WAL of the Raft log could not be brought into its file');
}

function create(db: Database, owner: string): void {
  db.exec('BEGIN IMMEDIATE');
  db.exec(tables);
  db.prepare('INSERT INTO owner (id, name) VALUES (1, ?)').run(owner);
  db.pragma(`user_version = ${schemaVersion}`);
  db.exec('COMMIT');
}

function requireOwner(db: Database, owner: string): void {
  const row = db.prepare<{ name: unknown }>('SELECT name FROM owner WHERE id = 1').get();
  if (row?.name === owner) return;
  if (typeof row?.name !== 'string') throw new DiskError('corrupt', 'the Raft log does not say whose it is');
  throw new SedgeError('SEDGE_DATA_INVALID', `this is the Raft log of ${row.name}, not of ${owner}`, {
    hint: 'give each member a folder of its own, and a member that lost its log a new id',
  });
}

function requireSqlite(db: Database): void {
  const version = db.prepare<{ version: string }>('SELECT sqlite_version() AS version').get()?.version ?? '0';
  const parts = version.split('.').map(Number);
  for (const [at, least] of sqliteVersionMin.entries()) {
    const part = parts[at] ?? 0;
    if (part > least) return;
    if (part < least) {
      const message = `SQLite ${version} can lose commits; ${sqliteVersionMin.join('.')} or newer is needed`;
      throw new SedgeError('SEDGE_SQLITE_TOO_OLD', message);
    }
  }
}
