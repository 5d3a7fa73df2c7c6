import { Quality, type Batch, type Column } from '../../reading/batch.ts';
import { correctionOf, shifted } from '../eras.ts';
import { pageBytes } from '../limits.ts';
import { takes } from '../settings.ts';
import type { StoreCore } from '../store-core.ts';
import type { StreamState } from '../stream-state.ts';
import { leftOutMax, pieceEntriesMax, rollupFieldsMax, rollupLevels, rollupSeriesMax } from './limits.ts';
import { pieceBytes, Rolled, type PieceEntry } from './rolled.ts';
import { loadStreamRollup, type StreamRollup } from './rollup-memory.ts';

/** Who wants to know of readings that leave the journal while it reads the store. */
export interface Departures {
  departed(stream: StreamState, first: number, batch: Batch): void;
}

/**
 * Folds readings into summaries as they leave the journal, whether sealed into a block or let go of: each once, in the transaction
 * that takes them out. A transaction's summaries are written as pieces at its end; upkeep merges pieces into windows. Where there is no room
 * for a piece, its readings are not folded: summaries never cost readings.
 */
export class Folding {
  readonly #core: StoreCore;
  /** By stream, by minute, by number of the series. */
  readonly #open = new Map<StreamState, Map<number, Map<number, Rolled>>>();
  readonly departures = new Set<Departures>();
  /** Bytes of pieces the transaction wrote: they share its part of the log. */
  #written = 0;

  /** There is no room: what leaves the store now goes into no summary. */
  #resting = false;

  constructor(core: StoreCore) {
    this.#core = core;
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
    const { streams } = this.#core.memory.rollups;
    let rollup = streams.get(stream.id);
    if (rollup === undefined) {
      rollup = loadStreamRollup(this.#core.db, stream.id);
      streams.set(stream.id, rollup);
    }
    return rollup;
  }

  /**
   * A batch leaves the journal for a block (`seal`), or the store (`release`: from the journal, or from a block). Inside a transaction, before its
   * rows are removed. Times that may still be corrected stay out of windows until their readings go: from a window they could not be taken out again.
   */
  take(
    stream: StreamState,
    { first, era }: { readonly first: number; readonly era: number },
    stored: { readonly batch: Batch; readonly leaving: 'seal' | 'release' },
  ): void {
    const batch = shifted(stored.batch, correctionOf(this.#core.memory, era) ?? 0);
    for (const watcher of this.departures) watcher.departed(stream, first, batch);
    if (!this.takes(stream) || (era !== 0 && stored.leaving === 'seal')) return;
    if (this.#resting && stored.leaving === 'release') {
      this.#core.events.notRolledUp(stream.name, batch.length);
      return;
    }
    const rollup = this.rollupOf(stream) ?? this.#begin(stream, first);
    let minutes = this.#open.get(stream);
    if (minutes === undefined) this.#open.set(stream, (minutes = new Map()));
    const entries = entriesOf(minutes, batch, (tags) => this.#seriesNumber(stream, rollup, tags));
    for (let row = 0; row < batch.length; row++) {
      const entry = entries(row);
      entry.readings++;
      if (batch.quality[row] === Quality.bad) entry.bad++;
    }
    for (const column of batch.columns) this.#takeColumn({ stream, rollup, batch, entries }, column);
    rollup.folded += batch.length;
  }

  /** Writes what was taken in. Inside the transaction, at its end. */
  flush(): void {
    for (const [stream, minutes] of this.#open) {
      const entries: PieceEntry[] = [];
      for (const [minute, bySeries] of minutes) {
        for (const [series, rolled] of bySeries) entries.push({ minute, series, rolled });
      }
      for (const piece of inPieces(entries, this.#core.shares.walBytes)) this.#writePiece(stream, piece);
    }
    this.#open.clear();
    this.#written = 0;
  }

  clear(): void {
    this.#open.clear();
    this.#written = 0;
  }

  #writePiece(stream: StreamState, entries: readonly PieceEntry[]): void {
    const core = this.#core;
    const bytes = pieceBytes(entries);
    const readings = entries.reduce((sum, { rolled }) => sum + rolled.readings, 0);
    const { rollups } = core.memory;
    this.#written += bytes.length;
    const room =
      this.#written <= pieceBytesOfTransaction(core.shares.walBytes) &&
      core.claimPages(2 + Math.ceil(bytes.length / pageBytes), core.shares.headroomPages >> 1);
    if (!room) {
      const rollup = rollups.streams.get(stream.id);
      if (rollup !== null && rollup !== undefined) rollup.folded -= readings;
      core.events.notRolledUp(stream.name, readings);
      return;
    }
    core
      .prepare('INSERT INTO rollup_pieces (stream, readings, bytes) VALUES (?, ?, ?)')
      .run(stream.id, readings, bytes);
    rollups.pieces++;
    rollups.pieceBytes += bytes.length;
  }

  /** Blocks lie below all journal rows, so what is in the journal now is what will be folded. */
  #begin(stream: StreamState, first: number): StreamRollup {
    const since = Math.min(first, stream.journal[0]?.first ?? first);
    this.#core.prepare('INSERT INTO rollup_streams VALUES (?, ?, 0)').run(stream.id, since);
    const rollup = { since, folded: 0, series: new Map(), fields: new Map(), leftOut: new Set<string>() };
    this.#core.memory.rollups.streams.set(stream.id, rollup);
    return rollup;
  }

  #takeColumn(
    into: { stream: StreamState; rollup: StreamRollup; batch: Batch; entries: (row: number) => Rolled },
    column: Column,
  ): void {
    const { stream, rollup, batch, entries } = into;
    const numeric = column.kind !== 'text' && column.kind !== 'bytes';
    const field = numeric ? this.#fieldNumber(stream, rollup, column.name) : null;
    if (!numeric || field === null || column.kind === 'mixed') this.#leaveOut(stream, rollup, column.name);
    if (!numeric || field === null) return;
    for (let row = 0; row < batch.length; row++) {
      if (column.present !== null && column.present[row] === 0) continue;
      if (batch.quality[row] === Quality.bad) continue;
      const given = column.values[row]!;
      const value = typeof given === 'bigint' || typeof given === 'boolean' ? Number(given) : given;
      if (typeof value === 'number' && Number.isFinite(value)) entries(row).summary(field).update(value);
    }
  }

  #seriesNumber(stream: StreamState, rollup: StreamRollup, tags: string): number {
    const known = rollup.series.get(tags);
    if (known !== undefined) return known;
    if (rollup.series.size >= rollupSeriesMax) return 0;
    const number = rollup.series.size + 1;
    this.#name(stream, 'series', { name: tags, number });
    rollup.series.set(tags, number);
    return number;
  }

  /** Null when the field is not rolled up. */
  #fieldNumber(stream: StreamState, rollup: StreamRollup, name: string): number | null {
    const known = rollup.fields.get(name);
    if (known !== undefined) return known;
    if (rollup.fields.size >= rollupFieldsMax || !matches(this.#core.settings.rollups.fields, name))
      return null;
    const number = rollup.fields.size;
    this.#name(stream, 'field', { name, number });
    rollup.fields.set(name, number);
    return number;
  }

  #leaveOut(stream: StreamState, rollup: StreamRollup, name: string): void {
    if (rollup.leftOut.has(name) || rollup.leftOut.size >= leftOutMax) return;
    this.#name(stream, 'left_out', { name, number: 0 });
    rollup.leftOut.add(name);
  }

  #name(stream: StreamState, kind: string, { name, number }: { name: string; number: number }): void {
    this.#core
      .prepare('INSERT OR REPLACE INTO rollup_names VALUES (?, ?, ?, ?)')
      .run(stream.id, kind, name, number);
  }
}

/** The summaries of a row's series and minute; rows of one series mostly follow each other within a minute. */
function entriesOf(
  minutes: Map<number, Map<number, Rolled>>,
  batch: Batch,
  numberOf: (tags: string) => number,
): (row: number) => Rolled {
  const numbers = batch.series.map((tags) => numberOf(JSON.stringify(sorted(tags))));
  const width = rollupLevels[0].micros;
  const begins = new Float64Array(batch.series.length).fill(NaN);
  const latest: Rolled[] = [];
  return (row) => {
    const series = batch.seriesIndex[row]!;
    const time = batch.timeMicros[row]!;
    const known = begins[series]!;
    if (time >= known && time < known + width) return latest[series]!;
    const minute = Math.floor(time / width) * width;
    let bySeries = minutes.get(minute);
    if (bySeries === undefined) minutes.set(minute, (bySeries = new Map()));
    const number = numbers[series]!;
    let rolled = bySeries.get(number);
    if (rolled === undefined) bySeries.set(number, (rolled = new Rolled()));
    begins[series] = minute;
    latest[series] = rolled;
    return rolled;
  };
}

/** Bytes of pieces one transaction may write. */
export function pieceBytesOfTransaction(walBytes: number): number {
  return Math.floor(walBytes / 8);
}

/** So few together that merging one piece fits a small log too: each summary goes to a window of every level. */
function* inPieces(entries: readonly PieceEntry[], walBytes: number): Generator<readonly PieceEntry[]> {
  const summariesMax = Math.max(4, Math.floor(walBytes / pageBytes / 4));
  let piece: PieceEntry[] = [];
  let summaries = 0;
  for (const entry of entries) {
    const more = 1 + entry.rolled.fields.size;
    if (piece.length > 0 && (piece.length === pieceEntriesMax || summaries + more > summariesMax)) {
      yield piece;
      piece = [];
      summaries = 0;
    }
    piece.push(entry);
    summaries += more;
  }
  if (piece.length > 0) yield piece;
}

function sorted(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function matches(globs: readonly string[], name: string): boolean {
  return takes(globs.includes('*') ? ['*', '_*'] : globs, name);
}
