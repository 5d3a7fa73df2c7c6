import { micros } from '../base/units.ts';
import type { ReadRequest, StoredRun } from '../ports/store.ts';
import { sliceBatch, type Batch } from '../reading/batch.ts';
import { concat, decodeBlock, decodeRow } from './codec.ts';
import { quarantine } from './damage.ts';
import { readBytesMax, readReadingsMax, readSegmentsMax } from './limits.ts';
import { segmentFrom, type Place } from './segments.ts';
import type { StoreCore } from './store-core.ts';
import type { StreamState } from './stream-state.ts';

/** A damaged segment met on the way: the caller sets it aside outside the read and reads again. */
export class Damage extends Error {
  override readonly name = 'Damage';
  readonly stream: StreamState;
  readonly place: Place;

  constructor(stream: StreamState, place: Place, reason: string) {
    super(reason);
    this.stream = stream;
    this.place = place;
  }
}

/**
 * The next stored readings at or above `from` without a gap between them: of one segment, and of those that follow it, until
 * there are enough. Reads outside a transaction set damage aside in one of their own.
 */
export function readRun(core: StoreCore, request: ReadRequest): StoredRun | null {
  for (;;) {
    try {
      return gather(core, request);
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      const { stream, place, message } = error;
      core.within(() => quarantine(core, stream, place, message));
    }
  }
}

function gather(core: StoreCore, request: ReadRequest): StoredRun | null {
  const stream = core.memory.streams.get(request.stream);
  if (stream === undefined) return null;
  const until = Math.min(request.until ?? Infinity, stream.head);
  const readings = Math.min(request.readings, readReadingsMax);
  const bytes = Math.min(request.bytes, readBytesMax);
  const parts: Batch[] = [];
  let at = request.from;
  let taken = 0;
  let takenBytes = 0;
  let opening: { first: number; place: Place } | null = null;
  while (at < until && taken < readings && takenBytes < bytes && parts.length < readSegmentsMax) {
    const place = segmentFrom(core, stream, at);
    if (place === null || place.row.first >= until) break;
    const first = Math.max(at, place.row.first);
    if (opening !== null && (first !== at || fidelity(place) !== fidelity(opening.place))) break;
    const yields = place.kind === 'block' ? place.row.rowBytes : place.row.bytes;
    const bytesEach = Math.max(1, yields / place.row.count);
    const affordable = Math.max(taken === 0 ? 1 : 0, Math.floor((bytes - takenBytes) / bytesEach));
    const end = Math.min(
      place.row.first + place.row.count,
      until,
      first + Math.min(readings - taken, affordable),
    );
    if (end <= first) break;
    parts.push(sliceBatch(batchAt(core, stream, place), first - place.row.first, end - place.row.first));
    opening ??= { first, place };
    taken += end - first;
    takenBytes += (end - first) * bytesEach;
    at = end;
  }
  if (opening === null) return null;
  return {
    stream: stream.name,
    first: opening.first,
    batch: parts.length === 1 ? parts[0]! : concat(parts),
    fidelity: fidelity(opening.place),
    committedMicros: micros(opening.place.row.wallMicros),
  };
}

function fidelity(place: Place): StoredRun['fidelity'] {
  return place.kind === 'block' ? place.row.fidelity : 'raw';
}

/** The readings of a segment. @throws {Damage} when its bytes do not say what its place does. */
export function batchAt(core: StoreCore, stream: StreamState, place: Place): Batch {
  if (place.kind === 'journal') {
    const bytes = core
      .prepare<{ row: Uint8Array }>('SELECT row FROM journal WHERE seq = ?')
      .get(place.row.seq)?.row;
    if (bytes === undefined) throw new Damage(stream, place, 'its row is gone');
    const batch = decodeRow(bytes, stream.name);
    if (!batch.ok) throw new Damage(stream, place, batch.error);
    if (batch.value.length !== place.row.count) throw new Damage(stream, place, 'its count differs');
    return batch.value;
  }
  const kept = core.decoded.get(place.row.payload);
  if (kept !== undefined) return kept;
  const bytes = core
    .prepare<{ bytes: Uint8Array }>('SELECT bytes FROM payloads WHERE id = ?')
    .get(place.row.payload)?.bytes;
  if (bytes === undefined) throw new Damage(stream, place, 'its bytes are gone');
  const batch = decodeBlock(bytes, stream.name);
  if (!batch.ok) throw new Damage(stream, place, batch.error);
  if (batch.value.length !== place.row.count) throw new Damage(stream, place, 'its count differs');
  core.decoded.keep(place.row.payload, batch.value);
  return batch.value;
}
