import type { Prng } from '#agent/base/prng.ts';
import { DiskError } from '#agent/ports/database.ts';
import type { BallotRow, EntryRow, HeadRow, SnapshotRow } from '#agent/mesh/raft-log/rows.ts';
import type { LogDevice, LogTables } from '#agent/mesh/raft-log/tables.ts';

/** The process is gone in the midst of a write. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

/** What the device does to its user, from now on. Change it at any time. */
export interface DeviceFaults {
  /** No room: nothing is written. */
  full: boolean;
  /** Writes fail; whether what was written stands is up to chance. */
  failing: boolean;
  /** Synced writes that a power cut takes away all the same: a device that lies. 0 for an honest one. */
  lostAtCut: number;
}

export type FlipTarget = 'entry' | 'head' | 'ballot' | 'snapshot';

interface File {
  head: HeadRow | null;
  ballot: BallotRow | null;
  snapshot: SnapshotRow | null;
  readonly entries: Map<number, EntryRow>;
  last: number;
}

type Undo = () => void;

/**
 * A disk that outlives the process, in memory: transactions are atomic, and the faults of the real thing come by seed. Holds what
 * was written, as the tables of `agent/mesh/raft-log` write it.
 */
export class SimulatedLogDevice implements LogDevice {
  readonly faults: DeviceFaults = { full: false, failing: false, lostAtCut: 0 };
  readonly #chance: Prng;
  readonly #files = new Map<number, File>();
  /** How to take back the newest transactions, newest last; bounded by what a lying device may lose. */
  #undoable: Undo[][] = [];
  /** Statements until the power goes; null: it stays. */
  #cutAfter: number | null = null;
  /** What a cut in mid-transaction leaves: all of it taken back, or the torn beginning. */
  #tears = false;
  aside = 0;

  constructor(chance: Prng) {
    this.#chance = chance;
  }

  generations(): number[] {
    return [...this.#files.keys()].sort((a, b) => a - b);
  }

  open(generation: number): LogTables {
    let file = this.#files.get(generation);
    if (file === undefined) {
      this.#begin();
      file = { head: null, ballot: null, snapshot: null, entries: new Map(), last: 0 };
      this.#files.set(generation, file);
    }
    return new SimulatedTables(file, this);
  }

  setAside(generation: number): void {
    this.aside++;
    this.#files.delete(generation);
  }

  remove(generation: number): void {
    this.#files.delete(generation);
  }

  /** The power goes at a statement soon to come, inside a write. `tears`: rows of it stay behind, as on a device without barriers. */
  cutWithin(statements: number, tears: boolean): void {
    this.#cutAfter = statements;
    this.#tears = tears;
  }

  /** Takes back what `cutWithin` set. */
  endCut(): void {
    this.#cutAfter = null;
  }

  /** The power goes now. What a lying device had only promised is gone, newest first. */
  cut(): void {
    this.#cutAfter = null;
    for (let lost = 0; lost < this.faults.lostAtCut; lost++) {
      const undo = this.#undoable.pop();
      if (undo === undefined) break;
      for (const step of undo.reverse()) step();
    }
    this.#undoable = [];
  }

  /** Turns a bit of something that is there over. Answers what, or null when there is nothing of the kind. */
  flip(target: FlipTarget): string | null {
    const file = this.#files.get(this.generations().at(-1) ?? 0);
    if (file === undefined) return null;
    // What a flip strikes is not given back by a lying device.
    this.#undoable = [];
    if (target === 'entry') {
      if (file.entries.size === 0) return null;
      const index = this.#chance.pick([...file.entries.keys()]);
      this.flipEntry(index);
      return `entry ${index}`;
    }
    const bit = 2 ** this.#chance.below(31);
    if (target === 'head' && file.head !== null) file.head = { ...file.head, last: file.head.last + bit };
    else if (target === 'ballot' && file.ballot !== null)
      file.ballot = { ...file.ballot, term: file.ballot.term + bit };
    else if (target === 'snapshot' && file.snapshot !== null)
      file.snapshot = { ...file.snapshot, term: file.snapshot.term + bit };
    else return null;
    return target;
  }

  /** Turns a bit of the row of this entry over. Answers whether it was there. */
  flipEntry(index: number): boolean {
    const file = this.#files.get(this.generations().at(-1) ?? 0);
    const row = file?.entries.get(index);
    if (row !== undefined) file?.entries.set(index, this.#damagedEntry(row));
    return row !== undefined;
  }

  /** Drops the row of an entry, as a page that was never written. Answers whether it was there. */
  loseEntry(index: number): boolean {
    const file = this.#files.get(this.generations().at(-1) ?? 0);
    return file?.entries.delete(index) ?? false;
  }

  /** Runs one transaction: applied at once, taken back when it fails. */
  transact(work: (undo: Undo[]) => void): void {
    const undo: Undo[] = [];
    try {
      this.#begin();
      work(undo);
      this.#finish();
    } catch (error) {
      const stands = error instanceof DiskError && error.trouble === 'io' && this.#chance.chance(0.3);
      const torn = error instanceof PowerCut && this.#tears;
      if (!stands && !torn) for (const step of undo.reverse()) step();
      throw error;
    }
    this.#undoable.push(undo);
    if (this.#undoable.length > 8) this.#undoable.shift();
  }

  /** Counts a statement; the power may go here. */
  statement(): void {
    if (this.#cutAfter === null) return;
    if (this.#cutAfter-- > 0) return;
    this.#cutAfter = 0;
    throw new PowerCut('in the midst of a write');
  }

  #begin(): void {
    this.statement();
    if (this.faults.full) throw new DiskError('full', 'simulated: the device is full');
  }

  #finish(): void {
    this.statement();
    if (this.faults.failing) throw new DiskError('io', 'simulated: the device failed');
  }

  #damagedEntry(row: EntryRow): EntryRow {
    const at = this.#chance.below(4);
    if (at === 0) return { ...row, term: row.term + 2 ** this.#chance.below(31) };
    if (at === 1) return { ...row, crc: (row.crc ^ (2 ** this.#chance.below(31))) >>> 0 };
    if (at === 2 || row.data.length === 0) return { ...row, chain: this.#flipped(row.chain) };
    return { ...row, data: this.#flipped(row.data) };
  }

  #flipped(bytes: Uint8Array): Uint8Array {
    const flipped = bytes.slice();
    const place = this.#chance.below(flipped.length);
    flipped[place] = flipped[place]! ^ (1 << this.#chance.below(8));
    return flipped;
  }
}

class SimulatedTables implements LogTables {
  readonly #file: File;
  readonly #device: SimulatedLogDevice;
  #undo: Undo[] | null = null;

  constructor(file: File, device: SimulatedLogDevice) {
    this.#file = file;
    this.#device = device;
  }

  transaction(work: () => void): void {
    this.#device.transact((undo) => {
      this.#undo = undo;
      try {
        work();
      } finally {
        this.#undo = null;
      }
    });
  }

  readHead(): HeadRow | null {
    return this.#file.head;
  }
  readBallot(): BallotRow | null {
    return this.#file.ballot;
  }
  readSnapshot(): SnapshotRow | null {
    return this.#file.snapshot;
  }

  readEntries(after: number, count: number): EntryRow[] {
    const rows: EntryRow[] = [];
    for (let at = after + 1; at <= this.#file.last && rows.length < count; at++) {
      const row = this.#file.entries.get(at);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  readEntry(index: number): EntryRow | null {
    return this.#file.entries.get(index) ?? null;
  }

  lastIndex(): number {
    let last = this.#file.last;
    while (last > 0 && !this.#file.entries.has(last)) last--;
    return last;
  }

  putHead(row: HeadRow): void {
    const { head } = this.#file;
    this.#change(() => void (this.#file.head = head));
    this.#file.head = row;
  }

  putBallot(row: BallotRow): void {
    const { ballot } = this.#file;
    this.#change(() => void (this.#file.ballot = ballot));
    this.#file.ballot = row;
  }

  putSnapshot(row: SnapshotRow): void {
    const { snapshot } = this.#file;
    this.#change(() => void (this.#file.snapshot = snapshot));
    this.#file.snapshot = row;
  }

  insertEntry(row: EntryRow): void {
    const { last, entries } = this.#file;
    this.#change(() => {
      entries.delete(row.index);
      this.#file.last = last;
    });
    entries.set(row.index, row);
    this.#file.last = Math.max(last, row.index);
  }

  deleteFrom(index: number): void {
    this.#delete((row) => row.index >= index);
  }

  deleteUpTo(index: number): void {
    this.#delete((row) => row.index <= index);
  }

  proveRoom(): void {
    this.#device.transact(() => undefined);
  }

  upkeep(): void {}
  close(): void {}

  #delete(isGone: (row: EntryRow) => boolean): void {
    const { entries, last } = this.#file;
    const gone = [...entries.values()].filter(isGone);
    this.#change(() => {
      for (const row of gone) entries.set(row.index, row);
      this.#file.last = last;
    });
    for (const row of gone) entries.delete(row.index);
  }

  #change(undo: Undo): void {
    this.#device.statement();
    this.#undo?.push(undo);
  }
}
