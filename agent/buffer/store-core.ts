import { assert } from '../base/assert.ts';
import { SedgeError } from '../base/errors.ts';
import { DiskError, type Database, type SqlValue, type Statement } from '../ports/database.ts';
import type { DiskSpace } from '../ports/disk-space.ts';
import type { Entropy } from '../ports/entropy.ts';
import { Changes } from './changes.ts';
import { newCursor, type Cursor } from './cursor.ts';
import { floorBytes } from './device.ts';
import { DecodedBlocks } from './decoded-blocks.ts';
import { CommitInDoubt, Doubt } from './doubt.ts';
import type { BufferEvents } from './events.ts';
import { FileFigures } from './file-figures.ts';
import { FileGuard } from './file-guard.ts';
import { PassedLevels } from './passed-over.ts';
import { ReadEdges, Walks } from './read-edges.ts';
import { sizeBytesMin, streamsMax } from './limits.ts';
import { loadMemory, type Budget, type StoreMemory } from './memory.ts';
import { inWords, openDatabase } from './open-database.ts';
import { Folding } from './rollup/fold.ts';
import { defaultSettings, divide, takes, type Shares, type StoreSettings } from './settings.ts';
import type { Level } from './rungs/levels.ts';
import { newStream, type LedgerAccount, type StreamState } from './stream-state.ts';

export interface StoreOptions {
  /** Opens the database file; called again after the device failed. */
  readonly open: () => Database;
  readonly space: DiskSpace;
  readonly agent: string;
  /** Names the boot of the host: monotonic times compare within one. */
  readonly boot: string;
  readonly events: BufferEvents;
  /** Names a database that is created. */
  readonly entropy: Entropy;
}

export type { Moment } from './moment.ts';

/**
 * The connection, the mirror in memory, and the one way to change both: a transaction. Whatever fails inside it leaves
 * neither a trace in the database nor in memory.
 */
export class StoreCore {
  readonly space: DiskSpace;
  readonly events: BufferEvents;
  readonly boot: string;
  readonly #options: StoreOptions;
  settings: StoreSettings = defaultSettings;
  shares: Shares = divide(defaultSettings.sizeBytes);
  readonly decoded = new DecodedBlocks();
  readonly folding: Folding = new Folding(this);
  readonly edges = new ReadEdges();
  readonly figures: FileFigures = new FileFigures((sql) => this.prepare(sql));
  readonly walks = new Walks();
  readonly passed = new PassedLevels();
  /** Rows of `quarantine` up to here were told of before, see `fsck.ts`; null before the first look. */
  quarantineTold: number | null = null;
  #db: Database | null = null;
  /** Of the database opened first; null before. */
  #epoch: string | null = null;
  #memory: StoreMemory | null = null;
  #synchronous: 'FULL' | 'NORMAL' = 'FULL';
  #inside = false;
  #tally: number | null = null;
  /** Set when a failed sync may have left frames that only the page cache holds. */
  #suspect = false;
  readonly #changes = new Changes();
  readonly #guard: FileGuard;
  #astray = false;
  /** Of a commit that nobody could look for yet. */
  #doubt: Doubt | null = null;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.space = options.space;
    this.boot = options.boot;
    this.#guard = new FileGuard(options.space);
    this.events = options.events;
  }

  /** Opens when needed. @throws {DiskError} @throws {SedgeError} */
  get db(): Database {
    if (this.#db === null) this.#open();
    assert(this.#db !== null, 'opened');
    return this.#db;
  }

  get memory(): StoreMemory {
    if (this.#memory === null) {
      const db = this.db;
      this.#memory ??= loadMemory(db, this.boot);
      if (!this.#astray) this.#judge();
    }
    return this.#memory;
  }

  /** Names the database: see `epoch.ts`. Opens when needed. */
  get epoch(): string {
    void this.db;
    assert(this.#epoch !== null, 'an open database has an epoch');
    return this.#epoch;
  }

  prepare<Row = Record<string, SqlValue>>(sql: string): Statement<Row> {
    return this.db.prepare<Row>(sql);
  }

  /**
   * Runs `work` in one transaction; `durable` ones are synced before this returns. Others a power cut may undo, never tear: the next durable one carries them.
   * @throws {CommitInDoubt} when it was committed, or not, and only opening the database anew can tell.
   */
  transaction<T>(work: () => T, options: { durable: boolean }): T {
    assert(!this.#inside, 'transactions do not nest');
    const db = this.db;
    void this.memory;
    const synchronous = options.durable ? 'FULL' : 'NORMAL';
    let committing = false;
    let result: T | undefined;
    try {
      if (synchronous !== this.#synchronous) {
        db.pragma(`synchronous = ${synchronous}`);
        this.#synchronous = synchronous;
      }
      this.#tally = this.freePages();
      this.#inside = true;
      this.figures.writing(true);
      db.exec('BEGIN IMMEDIATE');
      result = work();
      this.folding.flush();
      this.#changes.write(this.db);
      committing = true;
      db.exec('COMMIT');
      if (options.durable && !this.inPlace()) this.#doubt ??= new Doubt(this.#changes.claims());
      return result;
    } catch (error) {
      const doubt = committing ? new Doubt(this.#changes.claims()) : null;
      this.#undo(error, committing);
      if (doubt === null || this.#db !== null || !(error instanceof DiskError)) throw error;
      this.#doubt = doubt;
      const verdict = this.verdict(doubt);
      if (verdict === 'stands') return result as T;
      throw verdict === 'lost' ? error : new CommitInDoubt(error, doubt, result);
    } finally {
      this.#inside = false;
      this.figures.writing(false);
      this.#changes.clear();
      this.folding.clear();
    }
  }

  /** Joins the transaction under way, or runs one. */
  within(work: () => void): void {
    if (this.#inside) work();
    else this.transaction(work, { durable: true });
  }

  /** What became of a commit, once the database can be read again in its place. @throws {SedgeError} as opening does */
  verdict(doubt: Doubt): Doubt['verdict'] {
    try {
      if (doubt.verdict === 'open') void this.memory;
      if (doubt.verdict === 'open' && this.inPlace()) this.#judge();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
    return doubt.verdict;
  }

  /** About the latest commit of which nobody can say yet whether it stands; it is the caller's to remember. */
  get doubt(): Doubt | null {
    return this.#doubt;
  }

  /** The open database was not in its place when that was looked at last. */
  get astray(): boolean {
    return this.#astray;
  }

  /**
   * Looks whether the path of the database still leads to the open one. A log that was taken away is begun anew. Reports when it changes.
   */
  inPlace(): boolean {
    if (this.#db === null) return !this.#guard.gone;
    const missing = this.#guard.look();
    if (missing === 'log') return this.#renewLog();
    const astray = missing === 'database';
    if (astray === this.#astray) return !astray;
    this.#astray = astray;
    if (astray) this.events.astray(this.space.database);
    else {
      this.events.returned(this.space.database);
      this.#judge();
    }
    return !astray;
  }

  touchStream(stream: StreamState): void {
    this.#changes.stream(stream);
  }

  touchRung(stream: StreamState, level: Level): void {
    this.#changes.rung(stream, level);
  }

  touchCursor(stream: StreamState, cursor: Cursor): void {
    this.#changes.cursor(stream, cursor);
  }

  account(stream: StreamState, entry: { account: LedgerAccount; rule: string; count: number }): void {
    this.#changes.account(stream, entry);
  }

  charge(uplink: string, budget: Budget): void {
    this.memory.budgets.set(uplink, budget);
    this.#changes.budget(uplink, budget);
  }

  /** The stream of this name, created when it is new, with a cursor for every uplink that takes it. Inside a transaction. */
  stream(name: string): StreamState {
    const known = this.memory.streams.get(name);
    if (known !== undefined) return known;
    if (this.memory.streams.size >= streamsMax) {
      throw new SedgeError('SEDGE_DATA_INVALID', `stream ${name}: ${streamsMax} streams are the limit`);
    }
    const priority = this.priorityOf(name);
    const row = this.prepare(
      `INSERT INTO streams (name, priority, head, blocks, block_readings, block_bytes) VALUES (?, ?, 0, 0, 0, 0)`,
    ).run(name, priority);
    const stream = newStream({ id: row.lastInsertRowid, name, priority });
    this.memory.streams.set(name, stream);
    for (const uplink of this.settings.uplinks) {
      if (!takes(uplink.streams, name)) continue;
      const cursor = newCursor(uplink.name, 0);
      stream.cursors.set(uplink.name, cursor);
      this.touchCursor(stream, cursor);
    }
    return stream;
  }

  /** Priority of a stream, or what it would get when it came. */
  priorityOf(name: string): number {
    const known = this.memory.streams.get(name);
    if (known !== undefined) return known.priority;
    const configured = this.settings.streams.find((stream) => stream.name === name);
    return configured?.priority ?? (name.startsWith('_') ? 0 : this.settings.defaultPriority);
  }

  /**
   * Takes pages from a tally counted at the start of a transaction, and again before it says no. False, and nothing taken, when fewer than `pages + keep` are free.
   */
  claimPages(pages: number, keep: number): boolean {
    if (this.#tally === null || this.#tally < pages + keep) this.#tally = this.freePages();
    if (this.#tally < pages + keep) return false;
    this.#tally -= pages;
    return true;
  }

  /** Pages that can still be filled before the cap, or before the device's floor, is reached. */
  freePages(): number {
    const { total, free } = this.figures.pages();
    const ceiling = this.memory.mayGrow ? this.shares.pagesMax : Math.min(this.shares.pagesMax, total);
    return ceiling - total + free;
  }

  /** Bytes on the device: what the cap is measured against. */
  occupiedBytes(): number {
    const { total } = this.figures.pages();
    return total * this.figures.pageBytes() + this.space.walBytes() + this.space.reserveBytes();
  }

  /** Copies the log into the database. True when all of it was. Weather: a failure is reported, and nothing is lost. */
  checkpoint(): boolean {
    this.figures.forget();
    try {
      const row = this.prepare<{ log: number; checkpointed: number }>(
        'PRAGMA wal_checkpoint = PASSIVE',
      ).get();
      return row !== undefined && row.log === row.checkpointed;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.events.troubled(error.trouble, `checkpoint: ${error.message}`);
      if (error.trouble === 'io') this.drop();
      return false;
    }
  }

  /** Forgets the connection after the device failed; the next use opens anew. `full`: it had no room, but synced what it took. */
  drop({ full } = { full: false }): void {
    const db = this.#db;
    this.#db = null;
    this.#memory = null;
    this.decoded.clear();
    this.#suspect ||= !full;
    try {
      db?.close();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }

  close(): void {
    const db = this.#db;
    this.#db = null;
    this.#memory = null;
    db?.close();
  }

  /** The cap is divided among database, log and reserve; a device that has less room than the cap sets a lower one. */
  applySettings(settings: StoreSettings): void {
    this.settings = settings;
    const { freeBytes } = this.space.room();
    const reachable = freeBytes + this.occupiedBytes() - floorBytes(this);
    const sizeBytes = Math.max(sizeBytesMin, Math.min(settings.sizeBytes, reachable));
    if (sizeBytes < settings.sizeBytes) this.events.confined(settings.sizeBytes, sizeBytes);
    this.shares = divide(sizeBytes);
    this.#limitPages(this.db);
  }

  #open(): void {
    if (this.#guard.gone) throw new DiskError('io', `${this.space.database} is gone`);
    const { db, epoch } = openDatabase(this.#options);
    try {
      this.#requireEpoch(epoch);
      // After a failed sync the kernel may hold frames the device does not: nothing may be built on them.
      if (this.#suspect) {
        const row = db.prepare<{ busy: number }>('PRAGMA wal_checkpoint = TRUNCATE').get();
        if (row?.busy !== 0) throw new DiskError('io', 'the log could not be brought into the database');
        this.events.recovered();
      }
      this.#suspect = false;
      this.#limitPages(db);
      this.#synchronous = 'FULL';
      this.#epoch = epoch;
      this.#guard.begin();
    } catch (error) {
      db.close();
      throw inWords(error);
    }
    this.#db = db;
    this.figures.forget();
    if (this.#astray) this.events.returned(this.space.database);
    this.#astray = false;
  }

  /** The database can be read where it belongs: what it says holds. */
  #judge(): void {
    const doubt = this.#doubt;
    this.#doubt = null;
    doubt?.judge(this.memory);
  }

  /**
   * The open log holds commits nobody would find after a crash. They are brought into the database; then the connection begins a new log. False when that failed.
   */
  #renewLog(): boolean {
    this.events.logLost(this.space.database);
    try {
      const row = this.prepare<{ busy: number }>('PRAGMA wal_checkpoint = TRUNCATE').get();
      if (row?.busy !== 0) throw new DiskError('io', 'the log could not be brought into the database');
      this.close();
      return true;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.events.troubled(error.trouble, error.message);
      this.drop();
      return false;
    }
  }

  /** Cursors, settlements and offsets that are under way mean the database they came from, and no other. */
  #requireEpoch(epoch: string): void {
    if (this.#epoch === null || this.#epoch === epoch) return;
    throw new SedgeError('SEDGE_DATA_INVALID', 'the buffer was replaced by another one while in use', {
      hint: 'start the agent again: it goes on with the buffer that is there now',
    });
  }

  /** A file beyond a cap that was lowered keeps its pages; it only may not grow. */
  #limitPages(db: Database): void {
    const pages = Number(db.pragma('page_count'));
    db.pragma(`max_page_count = ${Math.max(this.shares.pagesMax, pages)}`);
    db.pragma(`journal_size_limit = ${this.shares.walBytes}`);
  }

  #undo(error: unknown, committing: boolean): void {
    this.#memory = null;
    this.decoded.clear();
    const trouble = error instanceof DiskError ? error.trouble : null;
    if (trouble === 'io') {
      this.drop();
      return;
    }
    try {
      if (this.#db !== null && this.#inside) this.#db.exec('ROLLBACK');
    } catch (rollbackError) {
      // SQLite rolls back by itself on some failures; then there is nothing left to roll back.
      if (rollbackError instanceof DiskError || committing) this.drop({ full: trouble === 'full' });
    }
  }
}
