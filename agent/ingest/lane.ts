import { BatchBuilder } from '../reading/batch-builder.ts';
import type { Batch } from '../reading/batch.ts';
import type { FilteredCount } from '../reading/journal-entry.ts';
import type { Store, Unstorable } from '../ports/store.ts';
import type { DecodeInput, DecodeOutcome, Decoder, StreamPlan } from './arrival.ts';
import type { GroupMoment, Tally } from './group.ts';
import { limits } from './limits.ts';
import { nothingProcessed, type StageOutputs } from './stage-outputs.ts';

/** One stream within one group. */
export interface Lane {
  readonly plan: StreamPlan;
  builder: BatchBuilder | null;
  /** Of the same group, before what is in the builder. */
  full: (readonly Batch[])[];
  /** Messages of the group that gave no readings, by rule. */
  undecodable: number;
  oversize: number;
  /** Readings of the last group: the next builder starts at that size. */
  expected: number;
}

/** Rows a builder starts with at least and at most. */
const builderRows = { min: 16, max: 4_096 } as const;
export const undecodableRule = 'undecodable';
/** The store's word for a reading that no append can hold; here for a message refused because it holds one. */
export const oversizeRule = 'oversize';
/** The decoder's word for "no more columns fit into this batch". */
const columnsReason = 'columns';

export function emptyLane(plan: StreamPlan): Lane {
  return { plan, builder: null, full: [], undecodable: 0, oversize: 0, expected: 0 };
}

/** Decodes a message behind those before it: all of its readings or none. */
export function decodeInto(lane: Lane, decoder: Decoder, input: DecodeInput): DecodeOutcome {
  const builder = builderOf(lane);
  const outcome = decoder.decode(input, builder);
  if (outcome.ok || outcome.reason !== columnsReason || builder.length === 0) return outcome;
  // Not the payload's fault: earlier messages used the columns up.
  finishBuilder(lane);
  return decoder.decode(input, builderOf(lane));
}

/** The same, refused when it holds a reading that can never be stored. In a batch of its own, so that it can be taken back. */
export function decodeWeighed(
  lane: Lane,
  decoder: Decoder,
  input: DecodeInput,
  store: Pick<Store, 'appendBytesMax' | 'unstorable'>,
): DecodeOutcome {
  if (input.payload.length < Math.min(limits.weighedBytesMin, store.appendBytesMax / 4))
    return decodeInto(lane, decoder, input);
  finishBuilder(lane);
  const builder = builderOf(lane);
  lane.builder = null;
  const outcome = decoder.decode(input, builder);
  if (!outcome.ok || builder.length === 0) return outcome;
  const batches = builder.finishByClock();
  for (const batch of batches) {
    const unstorable = store.unstorable(batch);
    if (unstorable === null) continue;
    return { ok: false, reason: oversizeRule, detail: oversizeDetail(batch, unstorable) };
  }
  lane.full.push(batches);
  return outcome;
}

/** One line for the sender. */
function oversizeDetail({ stream, length }: Batch, { index, bytes, bytesMax }: Unstorable): string {
  const which = length === 1 ? 'the reading' : `reading ${index + 1} of ${length}`;
  const nothing = length === 1 ? '' : `, and nothing of the body was stored in ${stream}`;
  return `${which} takes ${bytes} bytes encoded, at most ${bytesMax} can be stored${nothing}: send it in parts, or leave fields out with decode.fields`;
}

/** The lane's builder, with room: columns are dense, so sparse fields of many names must not share one batch. */
function builderOf(lane: Lane): BatchBuilder {
  if (lane.builder !== null && lane.builder.cells >= limits.batchCells) finishBuilder(lane);
  lane.builder ??= new BatchBuilder({
    stream: lane.plan.name,
    clock: lane.plan.clock,
    capacity: Math.min(builderRows.max, Math.max(builderRows.min, lane.expected)),
  });
  return lane.builder;
}

function finishBuilder(lane: Lane): void {
  if (lane.builder !== null && lane.builder.length > 0) lane.full.push(lane.builder.finishByClock());
  lane.builder = null;
}

/** Of one group: what a lane adds to. */
interface Making {
  readonly now: GroupMoment;
  readonly outputs: StageOutputs;
  readonly tally: Tally;
}

/** Pushes the entries of one stream, if it got anything; answers the readings decoded, null when it got nothing. */
export function finishLane(lane: Lane, { now, outputs, tally }: Making): number | null {
  const { plan, undecodable, oversize } = lane;
  const expected = lane.builder?.length ?? 0;
  finishBuilder(lane);
  if (lane.full.length === 0 && undecodable + oversize === 0) return null;
  let filtered = filteredOf(undecodable, oversize);
  let received = undecodable + oversize;
  let decoded = 0;
  for (const batch of lane.full.flat()) {
    if (batch.clock === 'device' && now.clockBase === null) countAstray(batch, now.wallMicros, tally);
    const processed = plan.preprocess.process(batch, now.wallMicros);
    outputs.push(plan, processed, { received: received + batch.length, filtered });
    decoded += batch.length;
    received = 0;
    filtered = [];
  }
  if (received > 0) outputs.push(plan, nothingProcessed, { received, filtered });
  lane.full = [];
  lane.undecodable = 0;
  lane.oversize = 0;
  lane.expected = expected;
  return decoded;
}

function filteredOf(undecodable: number, oversize: number): readonly FilteredCount[] {
  const filtered: FilteredCount[] = [];
  if (undecodable > 0) filtered.push({ rule: undecodableRule, count: undecodable });
  if (oversize > 0) filtered.push({ rule: oversizeRule, count: oversize });
  return filtered;
}

/** Devices with a wrong clock are told of, not judged: their readings are kept as they are. */
function countAstray(batch: Batch, nowMicros: number, tally: Tally): void {
  const latest = nowMicros + limits.deviceAheadMicrosMax;
  const earliest = nowMicros - limits.deviceBehindMicrosMax;
  const { timeMicros } = batch;
  let ahead = 0;
  let behind = 0;
  for (let i = 0; i < timeMicros.length; i++) {
    const time = timeMicros[i]!;
    if (time > latest) ahead++;
    else if (time < earliest) behind++;
  }
  if (ahead + behind === 0) return;
  const known = tally.astray.get(batch.stream) ?? { ahead: 0, behind: 0 };
  tally.astray.set(batch.stream, { ahead: known.ahead + ahead, behind: known.behind + behind });
}
