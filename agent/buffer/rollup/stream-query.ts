import type { Aggregation } from '../../query/aggregation.ts';
import type { Within } from '../../query/group.ts';
import { coverSpan, overlap, type Cover, type LevelSpan, type Span } from '../../query/cover.ts';
import { sliceBatch, type Batch, type Tags } from '../../reading/batch.ts';
import { decodeBlock } from '../codec/block.ts';
import { measure, missing, unite, type Interval } from '../intervals.ts';
import { correctionOf, shifted } from '../eras.ts';
import { decodeRows } from '../rungs/packed-rows.ts';
import { shiftedRows } from '../rungs/row-columns.ts';
import { coarseReadings } from './coarse-rows.ts';
import { MalformedBytes } from '../../base/byte-reader.ts';
import { contentOf, Damage } from '../content.ts';
import { segmentFrom } from '../segments.ts';
import type { StoreCore } from '../store-core.ts';
import type { BlockPlace, Place, StreamState } from '../stream-state.ts';
import { holderOf } from './block-counts.ts';
import { queryRowsTogether, rollupLevels } from './limits.ts';
import { sound } from './merge.ts';
import { notKept, tellMissing } from './not-kept.ts';
import { inPieces } from './pieces.ts';
import { pieceBytes, readPiece, readRow, type PieceEntry, type Rolled } from './rolled.ts';
import { heldBy, levelsOf, tagsByNumber, tellNames, type StreamRollup } from './rollup-memory.ts';

interface WindowRow {
  start: number;
  series: number;
  bytes: Uint8Array;
}

interface BlockRow {
  first: number;
  count: number;
  fidelity: 'raw' | 'segment' | 'window' | 'sketch';
  minTime: number;
  maxTime: number;
  payload: number;
  /** Of a clock that was not set: its times are corrected, and it is in no summary. */
  era: number;
  roundings: number;
}

/** Blocks looked up at a time. */
const blocksTogether = 1_024;

/** Steps of one stream, in order; each is one of rows or one block. */
type Phase = 'windows' | 'pieces' | 'journal' | 'blocks' | 'done';

/**
 * One stream's part of a query. Every reading stands in one place: folded ones (sealed, or let go of) in whole windows, those still in the
 * journal when it begins by themselves; sealed ones by themselves where no whole window covers their time, and where they were sealed
 * before anything was folded.
 */
export class StreamQuery {
  readonly #core: StoreCore;
  readonly #stream: StreamState;
  readonly #aggregation: Aggregation;
  readonly #rollup: StreamRollup | null;
  readonly #tags: ReadonlyMap<number, Tags>;
  readonly #span: Span;
  readonly #cover: Cover;
  /** Blocks from this offset on were not folded when it began. */
  readonly #foldedUntil: number;
  /** What was folded and not written when it began, of the windows it looks at. */
  readonly #open: Uint8Array[];
  /** Pieces up to this one belong to what is folded. */
  readonly #lastPiece: number;
  /** Offsets from here to `#head` were in the journal. */
  readonly #journalFrom: number;
  readonly #head: number;
  #phase: Phase = 'windows';
  #windowIndex = 0;
  #after: { start: number; series: number } | null = null;
  #pieceAfter = 0;
  #at: number;
  #departed: readonly Interval[] = [];
  /** Of blocks that went since it began. Those that stand there now are rewritten, and were looked at as they were. */
  #gone: readonly Interval[] = [];
  /** Offset up to which blocks were looked up. */
  #blocksFrom = 0;
  #blocks: BlockRow[] = [];
  /** Offset up to which rows of blocks were looked at. */
  #scannedUntil = 0;
  /** What windows do not answer of what they stand for: it is read from blocks. */
  readonly #within: readonly Within[] | null;
  lost = 0;
  /** Of the time asked: neither readings are kept nor windows that lie within it. */
  readonly #unkept: readonly Span[];

  constructor(core: StoreCore, stream: StreamState, aggregation: Aggregation) {
    this.#core = core;
    this.#stream = stream;
    this.#aggregation = aggregation;
    const { from, until } = aggregation.query;
    this.#span = { from: from ?? -Infinity, until: until ?? Infinity };
    this.#rollup = core.folding.rollupOf(stream);
    this.#tags = this.#rollup === null ? new Map() : tagsByNumber(this.#rollup);
    this.#cover =
      this.#rollup === null
        ? { windows: [], rest: [this.#span] }
        : coverSpan(this.#span, levelsOf(core.memory.rollups), aggregation.grain);
    this.#foldedUntil = this.#rollup?.until ?? 0;
    const kept = { rollup: this.#rollup, foldedUntil: this.#foldedUntil, rest: this.#cover.rest };
    const { lost, gone } = notKept(core, stream, kept);
    this.lost = lost;
    this.#unkept = gone;
    tellMissing(core, stream, { gone, tags: this.#tags, aggregation });
    const open = this.#rollup?.open.entries().filter(({ minute }) => this.#wantsMinute(minute)) ?? [];
    this.#open = Array.from(inPieces(open, core.shares.walBytes), pieceBytes);
    this.#lastPiece =
      core.prepare<{ id: number | null }>('SELECT max(id) AS id FROM rollup_pieces').get()?.id ?? 0;
    this.#head = stream.head;
    this.#journalFrom = stream.journal[0]?.first ?? stream.head;
    this.#at = this.#journalFrom;
    this.#within = this.#rollup === null ? null : aggregation.within(heldBy(this.#rollup));
    if (this.#rollup !== null) tellNames(this.#rollup, { names: aggregation.names, tags: this.#tags });
  }

  get goneSeconds(): number {
    return this.#unkept.reduce((sum, { from, until }) => sum + (until - from) / 1e6, 0);
  }

  get inWindows(): boolean {
    return this.#phase === 'windows' || this.#phase === 'pieces';
  }

  /** False once there is nothing more to do. */
  step(): boolean {
    if (this.#phase === 'windows') this.#stepWindows();
    else if (this.#phase === 'pieces') this.#stepPieces();
    else if (this.#phase === 'journal') this.#stepJournal();
    else if (this.#phase === 'blocks') this.#stepBlocks();
    else return false;
    return true;
  }

  /** Rows leave the journal, for a block or for good: those not looked at yet are looked at now. */
  departed(stream: StreamState, first: number, batch: Batch): void {
    if (stream !== this.#stream || first < this.#at || first >= this.#head) return;
    if (this.#phase === 'blocks' || this.#phase === 'done') return;
    const rest = missing(this.#departed, first, Math.min(first + batch.length, this.#head));
    this.#departed = unite(this.#departed, first, first + batch.length);
    this.#scanParts(batch, first, rest);
  }

  /** A row or block is about to go: what of it was not looked at yet is looked at now. Rows come to {@link departed} too, where they are folded. */
  goes(stream: StreamState, place: Place): void {
    if (stream !== this.#stream || this.#phase === 'done') return;
    if (place.kind === 'block') this.#blockGoes(place.row);
    else if (this.#phase !== 'blocks' && place.row.first >= this.#at && place.row.first < this.#head) {
      const { first, count, era } = place.row;
      const rest = missing(this.#departed, first, first + count);
      this.#departed = unite(this.#departed, first, first + count);
      this.#scanStored(place, era, rest);
    }
  }

  #blockGoes(place: BlockPlace): void {
    const { first, count, minTimeMicros: minTime, maxTimeMicros: maxTime } = place;
    const row: BlockRow = { ...place, minTime, maxTime };
    const isRewritten = missing(this.#gone, first, first + 1).length === 0;
    this.#gone = unite(this.#gone, first, first + count);
    if (isRewritten || first >= this.#journalFrom || first + count <= this.#scannedUntil) return;
    if (!this.#wanted(row)) return;
    try {
      const { batch } = contentOf(this.#core, this.#stream, { kind: 'block', row: place });
      this.#scan(row, batch);
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      this.lost += count;
    }
  }

  #scanParts(batch: Batch, first: number, parts: readonly Interval[]): void {
    for (const [from, until] of parts) {
      this.#aggregation.scan(sliceBatch(batch, from - first, until - first), [this.#span]);
    }
  }

  /** Parts of a row or block, in all times asked for. */
  #scanStored(place: Place, era: number, parts: readonly Interval[]): void {
    if (parts.length === 0) return;
    try {
      const { batch } = contentOf(this.#core, this.#stream, place);
      this.#scanParts(shifted(batch, correctionOf(this.#core.memory, era) ?? 0), place.row.first, parts);
    } catch (error) {
      // Whoever reads it to send it sets it aside; a query changes nothing.
      if (!(error instanceof Damage)) throw error;
      this.lost += measure(parts);
    }
  }

  #stepWindows(): void {
    const window = this.#cover.windows[this.#windowIndex];
    if (window === undefined) {
      this.#phase = 'pieces';
      return;
    }
    const rows = this.#windowRows(window);
    for (const row of rows) {
      const rolled = sound(this.#core, this.#stream.id, () => readRow(row.bytes));
      if (rolled !== null) this.#roll(row.series, rolled, row.start, rollupLevels[window.level]!.micros);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < queryRowsTogether) {
      this.#windowIndex++;
      this.#after = null;
    } else this.#after = { start: last.start, series: last.series };
  }

  #windowRows(window: LevelSpan): WindowRow[] {
    const after = this.#after ?? { start: whole(window.from), series: -1 };
    return this.#core
      .prepare<WindowRow>(
        `SELECT start, series, bytes FROM rollups
         WHERE stream = ? AND level = ? AND (start, series) > (?, ?) AND start < ?
         ORDER BY start, series LIMIT ?`,
      )
      .all(this.#stream.id, window.level, after.start, after.series, whole(window.until), queryRowsTogether);
  }

  #stepPieces(): void {
    const open = this.#open.pop();
    if (open !== undefined) {
      for (const entry of readPiece(open)) this.#takeEntry(entry);
      return;
    }
    const row = this.#core
      .prepare<{ id: number; bytes: Uint8Array }>(
        'SELECT id, bytes FROM rollup_pieces WHERE stream = ? AND id > ? AND id <= ? ORDER BY id LIMIT 1',
      )
      .get(this.#stream.id, this.#pieceAfter, this.#lastPiece);
    if (row === undefined || this.#rollup === null) {
      this.#phase = 'journal';
      return;
    }
    this.#pieceAfter = row.id;
    for (const entry of sound(this.#core, this.#stream.id, () => readPiece(row.bytes)) ?? [])
      this.#takeEntry(entry);
  }

  #takeEntry({ minute, series, rolled }: PieceEntry): void {
    const { micros } = rollupLevels[0];
    if (this.#inWindows(minute)) this.#roll(series, rolled, minute, micros);
    else if (this.#wantsMinute(minute)) {
      const span = { from: minute, until: minute + micros };
      const tags = this.#tags.get(series) ?? {};
      this.#aggregation.miss(this.#stream.name, { tags, span, readings: rolled.readings });
    }
  }

  /** A summary of it is looked at: a part of the answer, or to be told of. */
  #wantsMinute(minute: number): boolean {
    return this.#inWindows(minute) || overlap(this.#unkept, minute, minute + rollupLevels[0].micros);
  }

  #inWindows(minute: number): boolean {
    return overlap(this.#cover.windows, minute, minute + 1);
  }

  #roll(series: number, rolled: Rolled, start: number, micros: number): void {
    const rollup = this.#rollup!;
    const window = {
      tags: this.#tags.get(series) ?? {},
      span: { from: start, until: start + micros },
      readings: rolled.readings,
      bad: rolled.bad,
      field: (name: string) => {
        const number = rollup.fields.get(name);
        return number === undefined ? undefined : rolled.fields.get(number);
      },
      ...heldBy(rollup),
    };
    this.#aggregation.roll(this.#stream.name, window);
  }

  #stepJournal(): void {
    const place = this.#at >= this.#head ? null : segmentFrom(this.#core, this.#stream, this.#at);
    if (place === null || place.row.first >= this.#head) {
      this.#phase = 'blocks';
      return;
    }
    const { first, count } = place.row;
    const begin = Math.max(first, this.#at);
    const end = Math.min(first + count, this.#head);
    this.#at = end;
    // A block may hold rows that were looked at when they left the journal, and others.
    this.#scanStored(place, place.row.era, missing(this.#departed, begin, end));
  }

  #stepBlocks(): void {
    const row = this.#blocks.shift();
    if (row === undefined) {
      if (!this.#lookUpBlocks()) this.#phase = 'done';
      return;
    }
    const bytes = this.#stands(row)
      ? this.#core.prepare<{ bytes: Uint8Array }>('SELECT bytes FROM payloads WHERE id = ?').get(row.payload)
          ?.bytes
      : undefined;
    if (bytes === undefined) {
      // Joined with others, or let go of, since it was looked up.
      this.#blocksFrom = row.first;
      this.#blocks = [];
      return;
    }
    const { first, count, fidelity } = row;
    if (fidelity !== 'raw' && missing(this.#gone, first, first + 1).length === 0) return;
    const block =
      fidelity === 'raw' ? decodeBlock(bytes, { columns: this.#aggregation.fields }) : decodeRows(bytes);
    if (block.ok) this.#scan(row, block.value.batch);
    else this.lost += count;
    this.#scannedUntil = Math.max(this.#scannedUntil, first + count);
  }

  #scan(row: BlockRow, batch: Batch): void {
    const correction = correctionOf(this.#core.memory, row.era) ?? 0;
    if (row.fidelity === 'raw') this.#scanBlock(row, shifted(batch, correction));
    else this.#scanRows(row, shiftedRows(batch, correction));
  }

  #scanRows({ count, fidelity, era, roundings }: BlockRow, batch: Batch): void {
    const since = era === 0 ? (this.#rollup?.since ?? Infinity) : Infinity;
    const begin = this.#scannedUntil;
    try {
      const of = { fidelity: fidelity === 'raw' ? 'segment' : fidelity, roundings } as const;
      for (const record of coarseReadings(batch, of)) {
        if (record.offset < begin) continue;
        const folded = record.offset >= since;
        this.#aggregation.takeCoarse(this.#stream.name, record, folded ? this.#cover.rest : [this.#span]);
      }
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      this.lost += count;
    }
  }

  #scanBlock(row: BlockRow, batch: Batch): void {
    const end = Math.min(row.count, this.#journalFrom - row.first);
    const begin = Math.max(0, this.#scannedUntil - row.first);
    const foldedFrom = row.era === 0 ? (this.#rollup?.since ?? Infinity) : Infinity;
    const since = Math.min(Math.max(begin, foldedFrom - row.first), end);
    if (begin < since) this.#aggregation.scan(sliceBatch(batch, begin, since), [this.#span]);
    const until = Math.max(since, Math.min(end, row.era === 0 ? this.#foldedUntil - row.first : end));
    if (until < end) this.#aggregation.scan(sliceBatch(batch, until, end), [this.#span]);
    if (since >= until) return;
    const folded = sliceBatch(batch, since, until);
    this.#aggregation.scan(folded, this.#cover.rest);
    if (this.#within !== null) this.#aggregation.scan(folded, this.#cover.windows, this.#within);
  }

  #stands({ first, payload }: BlockRow): boolean {
    const row = this.#core
      .prepare<{ payload: number }>('SELECT payload FROM blocks WHERE stream = ? AND first = ?')
      .get(this.#stream.id, first);
    return row?.payload === payload;
  }

  /**
   * The next blocks with times that nothing else covers: of all times below `since`, else of the rest. Begins with the one that holds
   * the offset it begins at: neighbours may have been joined meanwhile. False when there are no more.
   */
  #lookUpBlocks(): boolean {
    const id = this.#stream.id;
    const rows = this.#core
      .prepare<BlockRow>(
        `SELECT first, count, fidelity, min_time AS minTime, max_time AS maxTime, payload, roundings,
         max(-boot, 0) AS era FROM blocks WHERE stream = ? AND first >= ? AND first < ? AND first + count > ? ORDER BY first LIMIT ?`,
      )
      .all(
        id,
        holderOf(this.#core, this.#stream, this.#blocksFrom),
        this.#journalFrom,
        this.#blocksFrom,
        blocksTogether,
      );
    const last = rows.at(-1);
    if (last === undefined) return false;
    this.#blocksFrom = last.first + last.count;
    this.#blocks = rows.filter((row) => this.#wanted(row));
    return true;
  }

  #wanted(row: BlockRow): boolean {
    const { from, until } = this.#span;
    return row.era !== 0 || (row.maxTime >= from && row.minTime < until && this.#needed(row));
  }

  #needed({ first, count, minTime, maxTime }: BlockRow): boolean {
    if (this.#rollup === null || first < this.#rollup.since || this.#within !== null) return true;
    if (first + count > this.#foldedUntil) return true;
    return this.#cover.rest.some(({ from, until }) => maxTime >= from && minTime < until);
  }
}

/** SQLite's integers hold no infinity. */
function whole(time: number): number {
  return Math.min(Math.max(time, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}
