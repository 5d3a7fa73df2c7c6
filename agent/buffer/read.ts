import { assert } from '../base/assert.ts';
import { micros } from '../base/units.ts';
import type { ReadRequest, StoredRun } from '../ports/store.ts';
import { selectRows, sliceBatch, type Batch } from '../reading/batch.ts';
import { summaryFrame } from '../reading/summary.ts';
import type { ClockRun } from './codec/block.ts';
import { concatBatches } from './codec/concat.ts';
import { contentOf, Damage } from './content.ts';
import { quarantine } from './damage.ts';
import { committedAt, correctionOf, shifted } from './eras.ts';
import { readBytesMax, readReadingsMax, readSegmentsMax } from './limits.ts';
import { shiftedRows } from './rungs/row-columns.ts';
import { segmentFrom } from './segments.ts';
import type { StoreCore } from './store-core.ts';
import type { Place, StreamState } from './stream-state.ts';

/**
 * The next stored readings at or above `from` without a gap between them: of one segment, and of those that follow it, until
 * there are enough. Reads outside a transaction set damage aside in one of their own.
 */
export function readRun(core: StoreCore, request: ReadRequest): StoredRun | null {
  for (;;) {
    try {
      const run = gather(core, request);
      noteEdges(core, request, run);
      return run;
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      const { stream, place, message } = error;
      core.within(() => quarantine(core, stream, place, message));
    }
  }
}

/** Summaries are not to reach over the places where this reader may read on. */
function noteEdges(
  core: StoreCore,
  { stream, from, uplink, walk }: ReadRequest,
  run: StoredRun | null,
): void {
  if (uplink === undefined) {
    if (walk !== undefined) core.walks.note(walk, { stream, from, until: run?.until ?? from });
  } else if (run !== null) {
    core.edges.note(stream, uplink, run.first);
    core.edges.note(stream, uplink, run.until);
  }
}

/** Whether summaries are wanted too that begin below the offset asked for: nobody knows that they were given. */
function begins(core: StoreCore, { stream, from, uplink, walk }: ReadRequest): boolean {
  return uplink === undefined && (walk === undefined || !core.walks.knows(walk, stream, from));
}

/** What is still wanted while parts are put together. */
interface Appetite {
  at: number;
  readings: number;
  bytes: number;
  /** See {@link begins}. */
  readonly begins: boolean;
}

interface Part {
  readonly first: number;
  readonly until: number;
  readonly batch: Batch;
  readonly place: Place;
}

function gather(core: StoreCore, request: ReadRequest): StoredRun | null {
  const stream = core.memory.streams.get(request.stream);
  if (stream === undefined) return null;
  const until = Math.min(request.until ?? Infinity, stream.head);
  const appetite: Appetite = {
    at: request.from,
    readings: Math.min(request.readings, readReadingsMax),
    bytes: Math.min(request.bytes, readBytesMax),
    begins: begins(core, request),
  };
  const parts: Part[] = [];
  while (appetite.at < until && appetite.readings > 0 && parts.length < readSegmentsMax) {
    const part = nextPart(core, stream, { appetite, until, opening: parts[0] });
    if (part === null) break;
    parts.push(part);
  }
  const opening = parts[0];
  if (opening === undefined) return null;
  const { row } = opening.place;
  const correction = correctionOf(core.memory, row.era);
  return {
    stream: stream.name,
    first: opening.first,
    until: parts.at(-1)?.until ?? opening.until,
    batch: (fidelity(opening.place) === 'raw' ? shifted : shiftedRows)(
      concatBatches(parts.map((part) => part.batch)),
      correction ?? 0,
    ),
    fidelity: fidelity(opening.place),
    committedMicros: micros(committedAt(core.memory, row)),
    ...(row.era === 0 ? {} : { clock: correction === null ? 'unset' : 'rebased' }),
  };
}

/** Of the segment at or above `at`, what is wanted and continues the opening part without a gap or a change of clock, era or fidelity. */
function nextPart(
  core: StoreCore,
  stream: StreamState,
  wanted: { appetite: Appetite; until: number; opening: Part | undefined },
): Part | null {
  const { appetite, until, opening } = wanted;
  const place = segmentFrom(core, stream, appetite.at);
  if (place === null || place.row.first >= until) return null;
  const first = Math.max(appetite.at, place.row.first);
  if (opening !== undefined) {
    if (first !== appetite.at || fidelity(place) !== fidelity(opening.place)) return null;
    if (place.row.era !== opening.place.row.era) return null;
  }
  if (fidelity(place) !== 'raw') {
    // Summaries come alone: a run of them is of one block.
    return opening === undefined ? coarsePart(core, stream, { place, first, appetite, until }) : null;
  }
  const bytesEach = Math.max(
    1,
    (place.kind === 'block' ? place.row.rowBytes : place.row.bytes) / place.row.count,
  );
  // The first reading is given whatever its size, so that a small allowance still gets on.
  const affordable = Math.max(opening === undefined ? 1 : 0, Math.floor(appetite.bytes / bytesEach));
  if (affordable === 0) return null;
  const { batch, clocks } = contentOf(core, stream, place);
  const run = clockRunAt(clocks, first - place.row.first);
  if (opening !== undefined && run.clock !== opening.batch.clock) return null;
  const end = Math.min(place.row.first + run.end, until, first + Math.min(appetite.readings, affordable));
  const slice = sliceBatch(batch, first - place.row.first, end - place.row.first);
  appetite.at = end;
  appetite.readings -= end - first;
  appetite.bytes -= (end - first) * bytesEach;
  return { first, until: end, batch: { ...slice, clock: run.clock }, place };
}

/**
 * Rows of a coarse block whose first reading is in reach, as many as are wanted; they cover what lies before the next row. Before them, where nobody knows
 * that they were given, all that reach into it from below.
 */
function coarsePart(
  core: StoreCore,
  stream: StreamState,
  of: { place: Place; first: number; appetite: Appetite; until: number },
): Part {
  const { place, first, appetite } = of;
  const { batch } = contentOf(core, stream, place);
  const offsets = summaryFrame(batch).offset;
  const end = Math.min(place.row.first + place.row.count, of.until);
  const from = firstAtOrAbove(offsets, first);
  const bytesEach = Math.max(1, (coarseGrowth * place.row.bytes) / batch.length);
  const reaching = appetite.begins ? rowsOver(batch, first, from) : [];
  const affordable = Math.min(appetite.readings, Math.floor(appetite.bytes / bytesEach));
  const most = Math.max(1, affordable - reaching.length);
  const to = Math.min(from + most, firstAtOrAbove(offsets, end));
  const until = to < batch.length ? Math.min(end, offsets[to]!) : end;
  appetite.at = until;
  appetite.readings = 0;
  const rows =
    reaching.length === 0
      ? sliceBatch(batch, from, to)
      : selectRows(batch, Uint32Array.from([...reaching, ...upTo(from, to)]));
  return { first, until, batch: rows, place };
}

/** Of the rows below `end`, those that begin below the offset and have readings at or above it. */
function rowsOver(batch: Batch, offset: number, end: number): number[] {
  const { until } = summaryFrame(batch);
  return upTo(0, end).filter((row) => until[row]! > offset);
}

const upTo = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** A row as it is sent, over what it takes in its block. */
const coarseGrowth = 8;

/** Index of the first row with this offset or a larger one. */
function firstAtOrAbove(offsets: Float64Array, offset: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Blocks join batches of either clock; readers see each reading under its own. */
function clockRunAt(clocks: readonly ClockRun[], row: number): { clock: Batch['clock']; end: number } {
  let end = 0;
  for (const run of clocks) {
    end += run.count;
    if (row < end) return { clock: run.clock, end };
  }
  assert(false, 'the clock runs of a block cover its readings');
}

function fidelity(place: Place): StoredRun['fidelity'] {
  return place.kind === 'block' ? place.row.fidelity : 'raw';
}
