import type { Entry, EntryId } from '#agent/mesh/raft/entry.ts';
import { emptyHardState, type HardState } from '#agent/mesh/raft/state.ts';
import type { Snapshot } from '#agent/mesh/raft/snapshot.ts';
import type { LogReader } from '#agent/mesh/raft/log/log-reader.ts';
import type { LogOrder } from '#agent/mesh/raft-log/port.ts';

/** What a log holds, said in the plainest way. Compaction apart: it changes nothing but how far back one can read. */
export interface TwinState {
  readonly hardState: HardState;
  readonly snapshot: Snapshot | null;
  /** The log begins after it: where a leader's snapshot replaced everything. */
  readonly base: EntryId;
  readonly entries: readonly Entry[];
}

export const emptyTwin: TwinState = {
  hardState: emptyHardState,
  snapshot: null,
  base: { index: 0, term: 0 },
  entries: [],
};

export const lastIndex = ({ base, entries }: TwinState): number => base.index + entries.length;

export const entryAt = ({ base, entries }: TwinState, index: number): Entry | undefined =>
  entries[index - base.index - 1];

export function applied(state: TwinState, order: LogOrder): TwinState {
  if (order.kind === 'keep-snapshot') {
    const commit = Math.max(state.hardState.commit, order.snapshot.id.index);
    const isNewer = order.snapshot.id.index > (state.snapshot?.id.index ?? 0);
    return isNewer
      ? { ...state, hardState: { ...state.hardState, commit }, snapshot: order.snapshot }
      : state;
  }
  if (order.kind !== 'append') return state;
  let next = state;
  const { snapshot, hardState, entries } = order;
  if (snapshot !== null) next = { ...next, snapshot, base: snapshot.id, entries: [] };
  const [first] = entries;
  if (first !== undefined) {
    const kept = next.entries.filter(({ index }) => index < first.index);
    next = { ...next, entries: [...kept, ...entries] };
  }
  return hardState === null ? next : { ...next, hardState };
}

/** Whether the reader shows this state, read back to somewhere between `low` and `high`. Null: it does; else what differs. */
export function difference(
  reader: LogReader,
  state: TwinState,
  compacted: { readonly low: number; readonly high: number },
): string | null {
  const before = reader.firstIndex() - 1;
  const low = Math.max(state.base.index, compacted.low);
  const high = Math.max(state.base.index, compacted.high);
  if (before < low || before > high) return `begins after ${before}, outside ${low} … ${high}`;
  if (reader.lastIndex() !== lastIndex(state))
    return `ends at ${reader.lastIndex()}, not ${lastIndex(state)}`;
  const { hardState } = reader.initialState();
  if (JSON.stringify(hardState) !== JSON.stringify(state.hardState))
    return `hard state ${JSON.stringify(hardState)}, not ${JSON.stringify(state.hardState)}`;
  const snapshot = reader.snapshot();
  if ((snapshot?.id.index ?? 0) !== (state.snapshot?.id.index ?? 0)) return 'another snapshot';
  if (state.snapshot !== null && textOf(snapshot?.data) !== textOf(state.snapshot.data)) return 'other state';
  const expected = before === state.base.index ? state.base.term : entryAt(state, before)?.term;
  if (reader.term(before) !== expected) return `term ${reader.term(before)} at ${before}, not ${expected}`;
  const entries = reader.entries(before + 1, reader.lastIndex() + 1, Infinity) ?? [];
  for (const entry of entries) {
    const other = entryAt(state, entry.index);
    const isSame =
      entry.term === other?.term && entry.kind === other.kind && textOf(entry.data) === textOf(other.data);
    if (!isSame) return `entry ${entry.index} is another one`;
  }
  return null;
}

const textOf = (data: Uint8Array | undefined): string => (data === undefined ? '' : data.join());
