import { assert } from '../base/assert.ts';
import { MalformedBytes } from '../base/byte-reader.ts';
import type { Batch } from '../reading/batch.ts';
import { blockPrefix } from './codec/block.ts';
import { eraAfter, partOf, rawReadings, rowsOf, runFrom, type Part } from './coarsen-run.ts';
import { Damage } from './content.ts';
import { deadLetterStream } from './dead-letter.ts';
import { bootOf } from './eras.ts';
import { nextStep, type Holding } from './ladder.ts';
import {
  coarseBlockBytesMax,
  coarseBlockBytesMin,
  coarseGrowthMax,
  coarseBlockRowsMax,
  coarsenSavingMin,
  fineSpanMicrosMax,
} from './limits.ts';
import {
  isCoarse,
  isSketchLevel,
  lastLevel,
  rawLevel,
  segmentLevel,
  stuckLevel,
  stuckRawLevel,
} from './rungs/levels.ts';
import { lineBytes, lineFieldBytes } from './rungs/limits.ts';
import { mergeRows } from './rungs/merge-rows.ts';
import { encodeRows } from './rungs/packed-rows.ts';
import { spreadRoundingsMax, spreadRoundingsOpen } from './rungs/spread.ts';
import { summarise } from './rungs/summarise.ts';
import type { PassedOver, PassReason } from './passed-over.ts';
import { fullestJournal, sealOldest, storeBlock } from './seal.ts';
import { blockAtLevel, blockEndingAt, removeSegment, setLevel } from './segments.ts';
import type { StoreCore } from './store-core.ts';
import { rawSums, type StreamState } from './stream-state.ts';

/** Pages are so few that the ladder should make some free, before anything has to be refused, and it can. */
export function ladderDue(core: StoreCore): boolean {
  return tooFewPages(
    core,
    Math.max(core.memory.pagesWanted, core.settings.ladderShare * core.shares.pagesMax),
  );
}

/** What may be appended has no room left while the ladder could make some. */
export function ladderPressing(core: StoreCore): boolean {
  return tooFewPages(core, core.memory.pagesWanted);
}

function tooFewPages(core: StoreCore, more: number): boolean {
  if (core.settings.whenFull !== 'coarsen' || core.memory.ladderSpent) return false;
  const { headroomPages, urgentPages } = core.shares;
  return core.freePages() < headroomPages + urgentPages + more;
}

/** Steps, or seals what can not be coarsened before it is; else the ladder is spent. Inside a transaction. */
export function climb(core: StoreCore): void {
  if (coarsenStep(core)) return;
  const fullest = fullestJournal(core);
  if (fullest === null) core.memory.ladderSpent = true;
  else sealOldest(core, fullest);
}

/**
 * One step of the ladder, inside a transaction: the oldest neighbours of what {@link nextStep} names become one block of a coarser level, with
 * the block of that level that lies right before them when it has room. False when everything stands at the last rung.
 */
export function coarsenStep(core: StoreCore): boolean {
  const next = nextStep(holdings(core));
  if (next === null) return false;
  const { stream, level } = next;
  const opening = blockAtLevel(core, stream, level);
  assert(opening !== null, `${stream.name} has a block of level ${level}`);
  const run = runFrom(core, stream, opening);
  if (run.length === 0) return true;
  const raw = isCoarse(level) ? null : rawReadings(run);
  const blocks = run.length;
  for (let to = Math.min(level + 1, lastLevel); to <= lastLevel; to++) {
    const isTooWide = raw === null && !isCoarse(level);
    const passed = isTooWide ? passedOver('too_wide') : rewrite(core, stream, { run, raw, level: to });
    if (passed === null) return true;
    core.passed.note(stream.name, to, { ...passed, blocks });
    core.events.passedOver(stream.name, { ...passed, level: to, blocks, first: opening.first });
  }
  // Together they do not become smaller: what is the oldest stays as it is.
  core.events.leftAlone(stream.name, { level, first: opening.first, count: opening.count });
  setLevel(core, stream, opening, isCoarse(level) ? stuckLevel : stuckRawLevel);
  return true;
}

function* holdings(core: StoreCore): Generator<Holding<StreamState>> {
  for (const stream of core.memory.streams.values()) {
    // Bounded by a share of its own, and of no use as sums.
    if (stream.blocks === 0 || stream.name === deadLetterStream) continue;
    const { priority } = stream;
    const waited = [...stream.cursors.values()].some((cursor) => !cursor.parked && cursor.base < stream.head);
    const { bytes, blocks } = rawSums(stream);
    yield { stream, level: rawLevel, priority, waited, bytes, blocks };
    for (const [level, sums] of stream.rungs) {
      if (level <= lastLevel) yield { stream, level, priority, waited, ...sums };
    }
  }
}

/** Null when it is done; else why not, and nothing is touched. `raw` are the readings of a run of raw blocks. */
function rewrite(
  core: StoreCore,
  stream: StreamState,
  of: { run: readonly Part[]; raw: Batch | null; level: number },
): PassedOver | null {
  const { run, raw, level } = of;
  const opening = run[0];
  const last = run.at(-1);
  assert(opening !== undefined && last !== undefined, 'a run has blocks');
  const cuts = cutsOf(core, stream, opening.place.first, last.place.first + last.place.count);
  const before = run.reduce((sum, { place }) => sum + place.bytes, 0);
  const bytesMax = before * (1 - coarsenSavingMin);
  let short = passedOver(level === segmentLevel ? 'short_lines' : 'short_windows');
  const own =
    raw &&
    summarise(
      { batch: raw, first: opening.place.first, cuts },
      {
        level,
        rowsMax: rowsMax(raw, level, bytesMax),
        onShortLines: (field) => (short = { ...short, field }),
      },
    );
  if (raw !== null && own === null) return short;
  const lower = lowerNeighbour(core, stream, { run, level, rows: own?.length ?? rowsOf(run) });
  const finer = own === null ? run : [{ place: { ...opening.place, level, roundings: 1 }, batch: own }];
  const parts = lower === null ? finer : [lower, ...finer];
  let batch: Batch | 'too_wide' | null;
  if (own !== null && lower === null) batch = own;
  else {
    batch = mergedRows(core, stream, {
      parts,
      cuts:
        lower === null ? cuts : cutsOf(core, stream, lower.place.first, last.place.first + last.place.count),
      level,
    });
  }
  if (batch === null) return passedOver('unreadable');
  if (batch === 'too_wide' || blockPrefix([batch]) !== 1) return passedOver('too_wide');
  const roundings = roundingsOf(parts, batch);
  if (roundings > spreadRoundingsMax) return passedOver('rounded_often');
  const limit = (lower?.place.bytes ?? 0) + bytesMax;
  if (batch.length * batch.columns.length * columnBytesMin > limit) return passedOver('saves_little');
  const { bytes, ...times } = encodeRows(batch);
  if (bytes.length > limit) return passedOver('saves_little');
  const replaced = lower === null ? run : [lower, ...run];
  replace(core, stream, { parts: replaced, batch, bytes, times, level, roundings });
  return null;
}

function passedOver(reason: PassReason): PassedOver {
  return { reason, field: null };
}

/** How often rows of the batch were rounded, at most: once more than those of the parts where some took others in. */
function roundingsOf(parts: readonly Part[], batch: Batch): number {
  const before = parts.reduce((most, { place }) => Math.max(most, place.roundings), 0);
  return batch.length < rowsOf(parts) ? before + 1 : before;
}

/** What has more rows than this does not save enough, whatever the figures are. */
function rowsMax(batch: Batch, level: number, bytesMax: number): number {
  const most = batch.length / rowReadingsMin;
  if (level !== segmentLevel) return most;
  return Math.min(most, bytesMax / (lineBytes + lineFieldBytes * batch.columns.length));
}

/** Of a row, what one column takes in the block at the very least, on average. */
const columnBytesMin = 0.3;

/** A row has some eight figures a field. */
const rowReadingsMin = 5;

function mergedRows(
  core: StoreCore,
  stream: StreamState,
  of: { parts: readonly Part[]; cuts: readonly number[]; level: number },
): Batch | 'too_wide' | null {
  const batches = of.parts.map((part) => part.batch);
  if (blockPrefix(batches) !== batches.length) return 'too_wide';
  try {
    const rows = of.parts.map(({ batch, place }) => ({ batch, level: place.level }));
    return mergeRows(rows, of.cuts, of.level);
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
    const { place } = of.parts[0]!;
    core.events.uncoarsened(stream.name, { first: place.first, reason: error.message });
    return null;
  }
}

/** The block of this level that ends where the run begins, when the run still has room in it. */
function lowerNeighbour(
  core: StoreCore,
  stream: StreamState,
  of: { run: readonly Part[]; level: number; rows: number },
): Part | null {
  const opening = of.run[0]!.place;
  if (opening.level === of.level) return null;
  const place = blockEndingAt(core, stream, opening.first);
  if (place === null || place.level !== of.level) return null;
  if (eraAfter(core, place) !== eraAfter(core, opening)) return null;
  const span = of.run.at(-1)!.place.maxTimeMicros - place.minTimeMicros;
  // A block that grew is not written anew for a few rows more.
  const isGrown = place.bytes > coarseBlockBytesMin && place.summaries > coarseGrowthMax * of.rows;
  const isFull =
    isGrown ||
    place.roundings >= spreadRoundingsOpen ||
    place.bytes > Math.min(coarseBlockBytesMax, core.shares.sealSliceBytes / 2) ||
    place.summaries + of.rows > coarseBlockRowsMax ||
    (!isSketchLevel(of.level) && span > fineSpanMicrosMax);
  if (isFull) return null;
  try {
    return partOf(core, stream, place);
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    return null;
  }
}

/** The finer blocks go first, so that the coarser one finds their pages free. */
function replace(
  core: StoreCore,
  stream: StreamState,
  by: {
    parts: readonly Part[];
    batch: Batch;
    bytes: Uint8Array;
    times: { minTimeMicros: number; maxTimeMicros: number };
    level: number;
    roundings: number;
  },
): void {
  const first = by.parts[0]!.place;
  const opening = { ...first, boot: bootOf(core.memory, first), era: eraAfter(core, first) };
  let [count, fresh, bytesBefore, rowBytes] = [0, 0, 0, 0];
  for (const { place } of by.parts) {
    // Under a clock that may still be set it is read by itself.
    if (eraAfter(core, place) === 0) core.folding.blockLeaves(stream, place);
    else core.folding.tell(stream, { kind: 'block', row: place });
    count += place.count;
    if (!isCoarse(place.level)) fresh += place.count;
    bytesBefore += place.bytes;
    rowBytes += place.rowBytes;
    removeSegment(core, stream, { kind: 'block', row: place });
  }
  const ends = by.batch.columns.find(({ name }) => name === 'end')?.values as Float64Array;
  const maxTimeMicros = ends.reduce((most, end) => Math.max(most, end), by.times.maxTimeMicros);
  const { minTimeMicros } = by.times;
  const { bytes, level, roundings } = by;
  const summaries = by.batch.length;
  const payload = storeBlock(core, stream, {
    opening,
    bytes,
    minTimeMicros,
    maxTimeMicros,
    count,
    rowBytes,
    level,
    summaries,
    roundings,
  });
  // The next step adds to it.
  const clocks = [{ clock: by.batch.clock, count: by.batch.length }];
  core.decoded.keep(payload, { batch: by.batch, clocks });
  core.account(stream, { account: 'coarsened', rule: '', count: fresh });
  const step = { readings: count, fresh, summaries, bytesBefore, bytes: bytes.length, level };
  core.events.coarsened(stream.name, step);
}

/**
 * Offsets within the range at which what some uplink has settled or has on its way begins or ends, or at which a walk stands, ascending: a summary of
 * readings on both sides would be sent twice, or in part never.
 */
function cutsOf(core: StoreCore, stream: StreamState, from: number, until: number): number[] {
  const cuts = new Set<number>();
  for (const edge of [...core.edges.of(stream.name), ...core.walks.of(stream.name)]) {
    if (edge > from && edge < until) cuts.add(edge);
  }
  for (const { base, settled } of stream.cursors.values()) {
    for (const edge of [base, ...settled.flat()]) if (edge > from && edge < until) cuts.add(edge);
  }
  return [...cuts].sort((a, b) => a - b);
}
