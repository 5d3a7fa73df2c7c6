import type { Fidelity, Store, StoredRun } from '../ports/store.ts';
import { encodeNdjsonBytes } from '../reading/encode-ndjson.ts';
import { summaryFrame } from '../reading/summary.ts';
import type { PlannedRange } from './drain-plan.ts';
import { uplinkLimits } from './limits.ts';
import type { OutgoingBatch } from './sink.ts';

/** What the store had of a planned range, encoded. Offsets `first` … `until - 1` without holes. */
export interface Collected {
  readonly first: number;
  readonly until: number;
  readonly batch: OutgoingBatch;
}

/**
 * Reads a planned range and encodes it. Runs end where journal rows and blocks do, so several reads may make one batch. Stops
 * at a hole (dropped readings), where readings become coarser or finer, and for a range read for the first time at `batchBytes`; a pinned range is read whole, so that
 * a retry repeats the same offsets. Null when nothing of the range is stored.
 */
export async function collect(
  store: Pick<Store, 'read' | 'epoch'>,
  range: PlannedRange,
  options: { uplink: string; agent: string; batchBytes: number; leaveOut: LeftOut },
): Promise<Collected | null> {
  const { epoch } = store;
  const pieces: Uint8Array[] = [];
  let first = -1;
  let next = range.first;
  let bytes = 0;
  let count = 0;
  let fidelity: Fidelity | null = null;
  for (let reads = 0; next < range.until && reads < uplinkLimits.readsPerBatchMax; reads++) {
    if (!range.pinned && bytes >= options.batchBytes) break;
    const run = await store.read({
      stream: range.stream,
      from: next,
      until: range.until,
      readings: range.until - next,
      bytes: options.batchBytes,
      uplink: options.uplink,
    });
    if (run === null) break;
    if (first >= 0 && run.first !== next) break;
    if (fidelity !== null && run.fidelity !== fidelity) break;
    fidelity = run.fidelity;
    if (first < 0) first = run.first;
    for (const [from, to] of keptRows(
      run,
      run.fidelity === options.leaveOut.fidelity ? options.leaveOut.refused : none,
    )) {
      const piece = encodeNdjsonBytes({ agent: options.agent, epoch, ...run }, from, to);
      pieces.push(piece);
      bytes += piece.length;
      count += to - from;
    }
    next = run.until;
  }
  if (first < 0 || fidelity === null) return null;
  const batch = {
    agent: options.agent,
    epoch,
    stream: range.stream,
    first,
    last: next - 1,
    count,
    fidelity,
    body: joined(pieces, bytes),
  };
  return { first, until: next, batch };
}

/** Lines of this fidelity with these offsets were refused. */
interface LeftOut {
  readonly refused: ReadonlyMap<number, string>;
  readonly fidelity: Fidelity | null;
}

const none: ReadonlyMap<number, string> = new Map();

/** Stretches of the run's rows that are sent. */
function* keptRows(
  run: StoredRun,
  leaveOut: ReadonlyMap<number, string>,
): Generator<[from: number, to: number]> {
  const rows = run.batch.length;
  const offsets = run.fidelity === 'raw' ? null : summaryFrame(run.batch).offset;
  if (leaveOut.size === 0) {
    yield [0, rows];
    return;
  }
  let from = 0;
  for (let row = 0; row <= rows; row++) {
    if (row < rows && !leaveOut.has(offsets?.[row] ?? run.first + row)) continue;
    if (row > from) yield [from, row];
    from = row + 1;
  }
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const body = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}
