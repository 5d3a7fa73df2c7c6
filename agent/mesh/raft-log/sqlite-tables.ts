import { DiskError, type Database, type SqlValue, type Statement } from '../../ports/database.ts';
import type { LogIndex } from '../raft/entry.ts';
import { peerId } from '../raft/peer-id.ts';
import { limits } from './limits.ts';
import type { BallotRow, EntryRow, HeadRow, SnapshotRow } from './rows.ts';
import type { LogTables } from './tables.ts';

/** A WAL frame is a page and its 24-byte header. */
const walFramesMax = Math.floor(limits.walBytesMax / (4_096 + 24));
/** Transactions and bytes of entries between two looks at the length of the WAL. */
const looksEveryTransactions = 64;
const looksEveryBytes = limits.walBytesMax / 8;

type Row = Record<string, SqlValue>;

/** One log in one SQLite file, whose schema stands (`sqlite-schema.ts`). */
export class SqliteTables implements LogTables {
  readonly #db: Database;
  readonly #insert: Statement<Row>;
  #transactions = 0;
  #bytes = 0;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.prepare(
      'INSERT INTO entries (idx, term, kind, data, crc, chain) VALUES (?, ?, ?, ?, ?, ?)',
    );
  }

  transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#rollback();
      throw error;
    }
    this.#transactions++;
  }

  readHead(): HeadRow | null {
    const row = this.#db.prepare<Row>('SELECT * FROM head WHERE id = 1').get();
    if (row === undefined) return null;
    return {
      term: integer(row['term']),
      vote: peerId(integer(row['vote'])),
      commit: integer(row['commit_idx']),
      before: { index: integer(row['before_idx']), term: integer(row['before_term']) },
      beforeChain: bytes(row['before_chain']),
      last: integer(row['last_idx']),
      lastChain: bytes(row['last_chain']),
      doubt: integer(row['doubt_idx']),
      crc: integer(row['crc']),
    };
  }

  readBallot(): BallotRow | null {
    const row = this.#db.prepare<Row>('SELECT * FROM ballot WHERE id = 1').get();
    if (row === undefined) return null;
    return { term: integer(row['term']), vote: peerId(integer(row['vote'])), crc: integer(row['crc']) };
  }

  readSnapshot(): SnapshotRow | null {
    const row = this.#db.prepare<Row>('SELECT * FROM snapshot WHERE id = 1').get();
    if (row === undefined) return null;
    const { membership } = row;
    return {
      index: integer(row['idx']),
      term: integer(row['term']),
      membership: typeof membership === 'string' ? membership : '',
      data: bytes(row['data']),
      crc: integer(row['crc']),
    };
  }

  readEntries(after: LogIndex, count: number): EntryRow[] {
    return this.#db
      .prepare<Row>('SELECT * FROM entries WHERE idx > ? ORDER BY idx LIMIT ?')
      .all(after, count)
      .map(toEntryRow);
  }

  readEntry(index: LogIndex): EntryRow | null {
    const row = this.#db.prepare<Row>('SELECT * FROM entries WHERE idx = ?').get(index);
    return row === undefined ? null : toEntryRow(row);
  }

  lastIndex(): LogIndex {
    const row = this.#db.prepare<Row>('SELECT max(idx) AS idx FROM entries').get();
    return typeof row?.['idx'] === 'number' ? Math.max(0, integer(row['idx'])) : 0;
  }

  putHead(head: HeadRow): void {
    const { term, vote, commit, before, beforeChain, last, lastChain, doubt, crc } = head;
    this.#db
      .prepare(
        `INSERT OR REPLACE INTO head (id, term, vote, commit_idx, before_idx, before_term, before_chain, last_idx, last_chain, doubt_idx, crc)
         VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(term, vote, commit, before.index, before.term, beforeChain, last, lastChain, doubt, crc);
  }

  putBallot({ term, vote, crc }: BallotRow): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO ballot (id, term, vote, crc) VALUES (1, ?, ?, ?)')
      .run(term, vote, crc);
  }

  putSnapshot({ index, term, membership, data, crc }: SnapshotRow): void {
    this.#db
      .prepare(
        'INSERT OR REPLACE INTO snapshot (id, idx, term, membership, data, crc) VALUES (1, ?, ?, ?, ?, ?)',
      )
      .run(index, term, membership, data, crc);
    this.#bytes += data.length;
  }

  insertEntry({ index, term, kind, data, crc, chain }: EntryRow): void {
    this.#insert.run(index, term, kind, data, crc, chain);
    this.#bytes += data.length;
  }

  deleteFrom(index: LogIndex): void {
    this.#db.prepare('DELETE FROM entries WHERE idx >= ?').run(index);
  }

  deleteUpTo(index: LogIndex): void {
    this.#db.prepare('DELETE FROM entries WHERE idx <= ?').run(index);
  }

  proveRoom(size: number): void {
    this.transaction(
      () => void this.#db.prepare('INSERT INTO scratch (bytes) VALUES (zeroblob(?))').run(size),
    );
    this.transaction(() => void this.#db.prepare('DELETE FROM scratch').run());
  }

  /** Brings the WAL into the file when it has grown; the next write then begins at its start. */
  upkeep(): void {
    if (this.#transactions < looksEveryTransactions && this.#bytes < looksEveryBytes) return;
    this.#transactions = 0;
    this.#bytes = 0;
    const row = this.#db.prepare<{ log: number }>('PRAGMA wal_checkpoint = NOOP').get();
    if ((row?.log ?? 0) >= walFramesMax) this.#db.prepare('PRAGMA wal_checkpoint = PASSIVE').get();
  }

  close(): void {
    this.#db.close();
  }

  /** The failure that led here is what is told; after it the connection is closed in any case. */
  #rollback(): void {
    try {
      this.#db.exec('ROLLBACK');
    } catch (error) {
      if (!isOfDatabase(error)) throw error;
    }
  }
}

/** SQLite rolls back by itself on some failures, and then there is no transaction to roll back. */
const isOfDatabase = (error: unknown): boolean =>
  error instanceof DiskError || (error as { code?: unknown }).code === 'SQLITE_ERROR';

const toEntryRow = (row: Row): EntryRow => ({
  index: integer(row['idx']),
  term: integer(row['term']),
  kind: integer(row['kind']),
  data: bytes(row['data']),
  crc: integer(row['crc']),
  chain: bytes(row['chain']),
});

/** What a sound row never holds becomes -1 or nothing, and its checksum says the rest. */
const integer = (value: SqlValue | undefined): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : -1;

const bytes = (value: SqlValue | undefined): Uint8Array =>
  value instanceof Uint8Array
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(0);
