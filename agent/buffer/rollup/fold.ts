import { sliceBatch, type Batch } from '../../reading/batch.ts';
import { contentOf, Damage } from '../content.ts';
import { correctionOf, shifted } from '../eras.ts';
import { pageBytes } from '../limits.ts';
import { isCoarse } from '../rungs/levels.ts';
import { takes } from '../settings.ts';
import type { StoreCore } from '../store-core.ts';
import type { BlockPlace, Place, StreamState } from '../stream-state.ts';
import { openBytesMax } from './limits.ts';
import { RollupNames } from './names.ts';
import { entryBytesMax, OpenWindows } from './open-windows.ts';
import { inPieces, pieceBytesOfTransaction, piecesRoom, tooManyPieces } from './pieces.ts';
import { pieceBytes } from './rolled.ts';
import { loadStreamRollup, type StreamRollup } from './rollup-memory.ts';

/** Who wants to know of what leaves the journal, or the store, while it reads it. */
export interface Departures {
  /** Rows leave the journal. */
  departed(stream: StreamState, first: number, batch: Batch): void;
  /** A row or block is about to go: let go of, or rewritten by the ladder. It is still there. */
  goes(stream: StreamState, place: Place): void;
}

/**
 * Folds readings into summaries, each once. Those that are sealed go into open windows in memory: after a crash they are folded again, from
 * their blocks. What leaves the store goes in, and the open windows of its stream are written as pieces, by the transaction that takes it out; upkeep
 * merges pieces into windows. Where there is no room for pieces, what leaves is not folded: summaries never cost readings.
 */
export class Folding {
  readonly #core: StoreCore;
  readonly #names: RollupNames;
  readonly departures = new Set<Departures>();
  /** By stream whose open windows this transaction must write: readings that are nowhere else afterwards. */
  readonly #leaving = new Map<StreamState, number>();
  /** Open windows should be written, for what they take. */
  #due = false;
  /** Bytes of pieces the transaction wrote: they share its part of the log. */
  #written = 0;
  /** There is no room: what leaves the store now goes into no summary. */
  #resting = false;

  constructor(core: StoreCore) {
    this.#core = core;
    this.#names = new RollupNames(core);
  }

  /** Runs a change that folds nothing it lets go of, on a device that has just enough room to let go of readings. */
  resting<T>(change: () => T): T {
    this.#resting = true;
    try {
      return change();
    } finally {
      this.#resting = false;
    }
  }

  /** The stream is rolled up, by the config. */
  takes(stream: StreamState): boolean {
    const { share, streams } = this.#core.settings.rollups;
    return share > 0 && takes(streams, stream.name);
  }

  /** Somebody wants to see what of it leaves the journal. */
  wants(stream: StreamState): boolean {
    return this.departures.size > 0 || this.takes(stream);
  }

  rollupOf(stream: StreamState): StreamRollup | null {
    const { streams, behind } = this.#core.memory.rollups;
    let rollup = streams.get(stream.id);
    if (rollup === undefined) {
      rollup = loadStreamRollup(this.#core.db, stream.id);
      streams.set(stream.id, rollup);
      if (rollup !== null && this.#lastBlockEnd(stream) > rollup.until) behind.add(stream.id);
    }
    return rollup;
  }

  /**
   * Rows leave the journal for a block. Inside a transaction, before they are removed. Times that may still be corrected stay out of windows until
   * their readings go: from a window they could not be taken out again.
   */
  sealed(stream: StreamState, { first, era }: { first: number; era: number }, batch: Batch): void {
    this.#depart(stream, { first, era }, batch);
    if (!this.takes(stream)) return;
    const { behind, openBytes } = this.#core.memory.rollups;
    const known = this.rollupOf(stream);
    const rollup = known ?? this.#begin(stream, first);
    // Blocks are folded in their order: behind one that waits all wait.
    if (openBytes > 2 * openBytesMax || tooManyPieces(this.#core)) behind.add(stream.id);
    if (behind.has(stream.id)) return;
    if (era === 0) this.fold(stream, rollup, batch);
    rollup.until = first + batch.length;
  }

  /** Readings leave the store: rows of the journal, or of a block that is not folded. Inside a transaction. */
  released(stream: StreamState, { first, era }: { first: number; era: number }, stored: Batch): void {
    const batch = this.#depart(stream, { first, era }, stored);
    if (!this.takes(stream)) return;
    if (this.#resting) {
      this.#core.events.notRolledUp(stream.name, batch.length);
      return;
    }
    const rollup = this.rollupOf(stream) ?? this.#begin(stream, first);
    // Below `since` queries take what stands in coarse blocks for what is in no summary.
    const above = sliceBatch(batch, Math.min(batch.length, Math.max(0, rollup.since - first)), batch.length);
    if (above.length === 0) return;
    this.fold(stream, rollup, above);
    this.#leave(stream, above.length);
  }

  /** A block leaves the store, or its readings do for summaries of the ladder. Inside a transaction, before it is removed. */
  blockLeaves(stream: StreamState, place: BlockPlace): void {
    this.tell(stream, { kind: 'block', row: place });
    if (isCoarse(place.level) || !this.wants(stream)) return;
    const { first, count, era } = place;
    const end = first + count;
    const rollup = this.rollupOf(stream);
    const from = era === 0 ? Math.max(first, Math.min(rollup?.until ?? end, end)) : first;
    if (from < end) {
      try {
        const { batch } = contentOf(this.#core, stream, { kind: 'block', row: place });
        this.released(stream, { first: from, era }, sliceBatch(batch, from - first, count));
      } catch (error) {
        if (!(error instanceof Damage)) throw error;
      }
    }
    if (rollup === null || era !== 0) return;
    const unwritten = from - Math.max(first, rollup.written);
    if (unwritten > 0) this.#leave(stream, unwritten);
  }

  /** Of what goes without being folded; before it is removed. */
  tell(stream: StreamState, place: Place): void {
    for (const watcher of this.departures) watcher.goes(stream, place);
  }

  /** Into the open windows. Inside a transaction: names may be new. */
  fold(stream: StreamState, rollup: StreamRollup, batch: Batch): void {
    const { rollups } = this.#core.memory;
    const { open } = rollup;
    const before = { memory: open.memoryBytes, piece: open.pieceBytes };
    const { series, fields } = this.#names.of(stream, rollup, batch);
    open.take(batch, series, fields);
    rollups.filling.set(stream, rollup);
    rollups.openBytes += open.memoryBytes - before.memory;
    rollups.openPieceBytes += open.pieceBytes - before.piece;
    const most = pieceBytesOfTransaction(this.#core.shares.walBytes) / 2;
    if (rollups.openBytes > openBytesMax || rollups.openPieceBytes > most) this.#due = true;
  }

  /** As many of a block's rows as the transaction can write the windows of, at least one; answers how many. Inside a transaction. */
  foldSome(stream: StreamState, rollup: StreamRollup, batch: Batch): number {
    const { rollups } = this.#core.memory;
    const most = pieceBytesOfTransaction(this.#core.shares.walBytes) / 4;
    // Were each in a window of its own: a few parts of a block are as good as all of it.
    const together = Math.max(1, Math.floor(most / entryBytesMax(batch.columns.length)));
    let at = 0;
    while (at < batch.length && (at === 0 || rollups.openPieceBytes < most)) {
      const end = Math.min(at + together, batch.length);
      this.fold(stream, rollup, sliceBatch(batch, at, end));
      at = end;
    }
    return at;
  }

  /** Writes what must be, and what takes too much. Inside the transaction, at its end. */
  flush(): void {
    for (const [stream, readings] of this.#leaving) {
      const rollup = this.rollupOf(stream);
      if (rollup === null || this.#write(stream, rollup)) continue;
      this.#core.events.notRolledUp(stream.name, readings);
      this.#rewind(stream, rollup);
      this.#core.memory.rollups.starved = true;
    }
    if (this.#due && !this.#resting) this.writeOpen();
    this.clear();
  }

  clear(): void {
    this.#leaving.clear();
    this.#due = false;
    this.#written = 0;
  }

  /** Writes the open windows, as many as one transaction may. False when some are left. */
  writeOpen(): boolean {
    const most = pieceBytesOfTransaction(this.#core.shares.walBytes);
    for (const [stream, rollup] of this.#core.memory.rollups.filling) {
      if (this.#written > 0 && this.#written + rollup.open.pieceBytes > most) return false;
      if (!this.#write(stream, rollup)) return false;
    }
    return true;
  }

  #leave(stream: StreamState, readings: number): void {
    this.#leaving.set(stream, (this.#leaving.get(stream) ?? 0) + readings);
  }

  #depart(stream: StreamState, { first, era }: { first: number; era: number }, stored: Batch): Batch {
    if (era === 0 && this.departures.size === 0) return stored;
    const batch = shifted(stored, correctionOf(this.#core.memory, era) ?? 0);
    for (const watcher of this.departures) watcher.departed(stream, first, batch);
    return batch;
  }

  /**
   * False, and nothing written, when there is no room. What is too much for one transaction is folded again from its blocks, in parts; of what leaves
   * the store, and where parts are too much themselves, it is not folded.
   */
  #write(stream: StreamState, rollup: StreamRollup): boolean {
    const core = this.#core;
    if (this.#resting) return false;
    const most = pieceBytesOfTransaction(core.shares.walBytes);
    const pieces: { readings: number; bytes: Uint8Array }[] = [];
    let [pages, bytesAll, left] = [1, this.#written, 0];
    for (const entries of inPieces(rollup.open.entries(), core.shares.walBytes)) {
      const bytes = pieceBytes(entries);
      const readings = entries.reduce((sum, { rolled }) => sum + rolled.readings, 0);
      if (bytesAll + bytes.length > most) {
        left += readings;
        continue;
      }
      bytesAll += bytes.length;
      pages += 2 + Math.ceil(bytes.length / pageBytes);
      pieces.push({ readings, bytes });
    }
    if (left > 0 && !this.#leaving.has(stream) && !core.memory.rollups.behind.has(stream.id)) {
      this.#rewind(stream, rollup);
      return true;
    }
    if (bytesAll - this.#written > piecesRoom(core)) return false;
    if (!core.claimPages(pages, core.shares.headroomPages >> 1)) return false;
    this.#written = bytesAll;
    if (left > 0) core.events.notRolledUp(stream.name, left);
    const { rollups } = core.memory;
    const insert = core.prepare('INSERT INTO rollup_pieces (stream, readings, bytes) VALUES (?, ?, ?)');
    for (const { readings, bytes } of pieces) {
      insert.run(stream.id, readings, bytes);
      rollups.pieces++;
      rollups.pieceBytes += bytes.length;
      rollup.folded += readings;
    }
    if (rollup.written !== rollup.until) {
      rollup.written = rollup.until;
      core.prepare('UPDATE rollup_streams SET until = ? WHERE stream = ?').run(rollup.until, stream.id);
    }
    this.#close(stream, rollup);
    return true;
  }

  /** Forgets the open windows: of blocks that are kept they are made anew. */
  #rewind(stream: StreamState, rollup: StreamRollup): void {
    this.#close(stream, rollup);
    rollup.until = rollup.written;
    const { rollups } = this.#core.memory;
    if (this.#lastBlockEnd(stream) > rollup.until) rollups.behind.add(stream.id);
  }

  #close(stream: StreamState, rollup: StreamRollup): void {
    const { rollups } = this.#core.memory;
    rollups.filling.delete(stream);
    if (rollups.filling.size === 0) rollups.openSince = null;
    rollups.openBytes -= rollup.open.memoryBytes;
    rollups.openPieceBytes -= rollup.open.pieceBytes;
    rollup.open = new OpenWindows();
  }

  /** Blocks lie below all journal rows, so what is in the journal now is what will be folded. */
  #begin(stream: StreamState, first: number): StreamRollup {
    const since = Math.min(first, stream.journal[0]?.first ?? first);
    this.#core.prepare('INSERT INTO rollup_streams VALUES (?, ?, 0, ?)').run(stream.id, since, since);
    const rollup = {
      since,
      until: since,
      written: since,
      folded: 0,
      open: new OpenWindows(),
      series: new Map(),
      fields: new Map(),
      leftOut: new Set<string>(),
    };
    const { streams, behind } = this.#core.memory.rollups;
    streams.set(stream.id, rollup);
    if (this.#lastBlockEnd(stream) > since) behind.add(stream.id);
    return rollup;
  }

  #lastBlockEnd(stream: StreamState): number {
    if (stream.blocks === 0) return 0;
    const row = this.#core
      .prepare<{ until: number }>(
        'SELECT first + count AS until FROM blocks WHERE stream = ? ORDER BY first DESC LIMIT 1',
      )
      .get(stream.id);
    return row?.until ?? 0;
  }
}
